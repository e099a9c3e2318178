"""OrPool to BitwiseOr on packed words."""

from __future__ import annotations

import onnx_ir as ir

from lgnx.ops.logic_conv import output_extents
from lgnx.passes.edit import Inserter, attributes_of, batch_dim, is_lgnx, replace, sample_shape
from lgnx.passes.words import WORDS, leading, packed, padded, sliced, unpacked

__all__ = ["LowerOrPoolPass"]


class LowerOrPoolPass(ir.passes.InPlacePass):
    """Replace OrPool by Slice and BitwiseOr on words of 64 samples.

    Rules:

    - The bits are packed (PackBits) and padded (Pad), pooled along one axis after the other, and
      the result is unpacked (UnpackBits); another pass cancels the pairs between layers.
    - Along an axis the windows grow: two windows of n bits, one n further on, make one of 2 n. The
      last step takes every strides-th one. That is 3 nodes for each time that the window doubles.
    - A layer whose extents are not constant is left alone.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            if is_lgnx(node, "OrPool"):
                modified |= self._lower(model.graph, node)
        return ir.passes.PassResult(model, modified)

    @staticmethod
    def _lower(graph: ir.Graph, node: ir.Node) -> bool:
        x, y = node.inputs[0], node.outputs[0]
        inner = sample_shape(x)
        if x is None or inner is None:
            return False
        a, d = attributes_of(node), len(inner) - 1
        extents = output_extents(inner[1:], **a, dilations=[1] * d)
        insert = Inserter(graph, node, node.name or "or_pool")
        words, batch = packed(insert, x), insert.batch_of(x)
        words = padded(insert, words, [0, *a["pads"][:d]], [0, *a["pads"][d:]])
        for axis, extent in enumerate(extents):
            kernel, stride = a["kernel_shape"][axis], a["strides"][axis]
            words = _pool(insert, words, 1 + axis, kernel, stride, extent)
        replace(y, unpacked(insert, words, batch, batch_dim(x)))
        graph.remove(node, safe=True)
        return True


def _pool(
    insert: Inserter, words: ir.Value, axis: int, kernel: int, stride: int, extent: int
) -> ir.Value:
    """OR over windows along one axis of words."""
    width = 1
    while width < kernel:
        further = min(width, kernel - width)
        width += further
        step = stride if width == kernel else 1
        count = extent if width == kernel else leading(words)[axis] - further
        parts = [sliced(insert, words, axis, start, count, step) for start in (0, further)]
        words = insert.op("BitwiseOr", parts, dtype=WORDS, shape=parts[0].shape)
    return sliced(insert, words, axis, 0, extent, stride) if kernel == 1 else words
