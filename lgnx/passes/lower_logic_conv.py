"""LogicConv to bitwise operators on packed words."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.ops.logic_conv import output_extents
from lgnx.passes.edit import Inserter, attributes_of, batch_dim, is_lgnx, replace, sample_shape
from lgnx.passes.sliding_trees import slide_trees
from lgnx.passes.words import packed, padded, shaped, unpacked

__all__ = ["LowerLogicConvPass"]


class LowerLogicConvPass(ir.passes.InPlacePass):
    """Replace LogicConv by Gather and Bitwise operators on words of 64 samples.

    Rules:

    - The bits are packed (PackBits) and padded (Pad), the trees run on words, the result is
      unpacked (UnpackBits); another pass cancels the pairs between layers.
    - One Gather takes the bits of the windows at all positions. The trees become two-input gates,
      by level and function, each of which works on all positions at once: the number of nodes
      depends on the depth of the trees and on k, never on kernels, channels or extents.
    - Memory: a level of G gates takes G * E * 8 bytes for every 64 samples, E the positions, and
      the bits of the windows that are read, U of them, take U * E * 8. onnxruntime holds some four
      times the widest level: 256 kernels of 8 leaves at 32 x 32 positions were measured to need 39
      MB for 64 samples and 315 MB for 512.
    - A layer whose extents, indices or tables are not constant is left alone.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            if is_lgnx(node, "LogicConv"):
                modified |= self._lower(model.graph, node)
        return ir.passes.PassResult(model, modified)

    @staticmethod
    def _lower(graph: ir.Graph, node: ir.Node) -> bool:
        x, y = node.inputs[0], node.outputs[0]
        indices, tables = (constant_value(value) for value in node.inputs[1:3])
        inner = sample_shape(x)
        if x is None or inner is None or indices is None or tables is None:
            return False
        a = attributes_of(node)
        depth, d = a.pop("depth"), len(inner) - 1
        extents = output_extents(inner[1:], **a)
        insert = Inserter(graph, node, node.name or "logic_conv")
        words, batch = packed(insert, x), insert.batch_of(x)
        words = padded(insert, words, [0, *a["pads"][:d]], [0, *a["pads"][d:]])
        corners = [n * np.arange(e) for n, e in zip(a["strides"], extents, strict=True)]
        result = slide_trees(
            insert, words, indices, tables, depth, a["kernel_shape"], a["dilations"], corners
        )
        result = shaped(insert, result, [len(indices), *extents])
        replace(y, unpacked(insert, result, batch, batch_dim(x)))
        graph.remove(node, safe=True)
        return True
