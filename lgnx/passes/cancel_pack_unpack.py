"""Cancel packing and unpacking that follow each other."""

from __future__ import annotations

import onnx_ir as ir

from lgnx.passes.edit import is_lgnx, is_op, remove_dead, replace

__all__ = ["CancelPackUnpackPass"]


class CancelPackUnpackPass(ir.passes.InPlacePass):
    """Let layers hand words to each other.

    Rules:

    - ``PackBits(UnpackBits(w, batch))`` becomes ``w``: the words of a layer have no bits set
      beyond the batch that a later layer could see, since UnpackBits and BitCount cut them off.
    - ``Shape(UnpackBits(w, batch))[0]`` becomes ``batch``.
    - PackBits of one value is done once.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        packed: dict[ir.Value, ir.Value] = {}
        for node in list(model.graph):
            source = node.inputs[0] if node.inputs else None
            if source is None:
                continue
            producer = source.producer()
            unpacked = producer if is_lgnx(producer, "UnpackBits") else None
            new = None
            if is_lgnx(node, "PackBits"):
                new = unpacked.inputs[0] if unpacked else packed.get(source)
                if new is None:
                    packed[source] = node.outputs[0]
            elif is_op(node, "Shape") and unpacked and _is_batch(node):
                new = unpacked.inputs[1]
            if new is not None:
                replace(node.outputs[0], new)
                remove_dead(model.graph, [n for n in (producer, node) if n is not None])
                modified = True
        return ir.passes.PassResult(model, modified)


def _is_batch(node: ir.Node) -> bool:
    return node.attributes.get_int("start", 0) == 0 and node.attributes.get_int("end", -1) == 1
