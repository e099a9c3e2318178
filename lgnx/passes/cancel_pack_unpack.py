"""Cancel packing and unpacking that follow each other."""

from __future__ import annotations

import onnx_ir as ir

from lgnx.passes.edit import is_lgnx, is_op, remove_dead, replace

__all__ = ["CancelPackUnpackPass"]


_WORDWISE = ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "Gather", "Concat", "Identity")


class CancelPackUnpackPass(ir.passes.InPlacePass):
    """Let layers hand words to each other.

    Rules:

    - ``PackBits(UnpackBits(w, batch))`` becomes ``w``, where all that is made of its words ends in
      UnpackBits or BitCount: these cut off the bits beyond the batch, which may be set in ``w``.
    - ``Shape(UnpackBits(w, batch))[0]`` becomes ``batch``.
    - PackBits of one value is done once.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        cut_off = _cut_off(model.graph)
        packed: dict[ir.Value, ir.Value] = {}
        for node in list(model.graph):
            source = node.inputs[0] if node.inputs else None
            if source is None:
                continue
            producer = source.producer()
            unpacked = producer if is_lgnx(producer, "UnpackBits") else None
            new = None
            if is_lgnx(node, "PackBits"):
                if unpacked and node.outputs[0] in cut_off:
                    new = unpacked.inputs[0]
                else:
                    new = packed.get(source)
                if new is None:
                    packed[source] = node.outputs[0]
            elif is_op(node, "Shape") and unpacked and _is_batch(node):
                new = unpacked.inputs[1]
            if new is not None:
                replace(node.outputs[0], new)
                remove_dead(model.graph, [n for n in (producer, node) if n is not None])
                modified = True
        return ir.passes.PassResult(model, modified)


def _cut_off(graph: ir.Graph) -> set[ir.Value]:
    """Words of which nobody sees the bits beyond the batch."""
    result: set[ir.Value] = set()

    def hides(node: ir.Node) -> bool:
        if is_lgnx(node, "UnpackBits", "BitCount"):
            return True
        return is_op(node, *_WORDWISE) and all(value in result for value in node.outputs)

    for node in reversed(graph):
        for value in node.outputs:
            if not value.is_graph_output() and all(hides(user) for user in value.consumers()):
                result.add(value)
    return result


def _is_batch(node: ir.Node) -> bool:
    return node.attributes.get_int("start", 0) == 0 and node.attributes.get_int("end", -1) == 1
