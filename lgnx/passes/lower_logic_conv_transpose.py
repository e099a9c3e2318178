"""LogicConvTranspose to bitwise operators on packed words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.ops.logic_conv_transpose import output_extents
from lgnx.passes.edit import Inserter, attributes_of, batch_dim, is_lgnx, replace, sample_shape
from lgnx.passes.sliding_trees import slide_trees
from lgnx.passes.words import leading, packed, padded, shaped, unpacked

__all__ = ["LowerLogicConvTransposePass"]


class LowerLogicConvTransposePass(ir.passes.InPlacePass):
    """Replace LogicConvTranspose by Gather and Bitwise operators on words of 64 samples.

    Rules:

    - As LowerLogicConvPass, once the input is spread out by the strides. Spreading and padding are
      one Pad: every bit gets an axis of its own along each spatial axis, of extent strides.
    - Memory is that of a LogicConv with the positions of the output.
    - A layer whose extents, indices or tables are not constant is left alone.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            if is_lgnx(node, "LogicConvTranspose"):
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
        depth = a.pop("depth")
        extents = output_extents(inner[1:], **a)
        insert = Inserter(graph, node, node.name or "logic_conv_transpose")
        words, batch = packed(insert, x), insert.batch_of(x)
        volume, corners = _spread(insert, words, extents, a)
        result = slide_trees(
            insert, volume, indices, tables, depth, a["kernel_shape"], a["dilations"], corners
        )
        result = shaped(insert, result, [len(indices), *extents])
        replace(y, unpacked(insert, result, batch, batch_dim(x)))
        graph.remove(node, safe=True)
        return True


def _spread(
    insert: Inserter, words: ir.Value, extents: list[int], a: Mapping[str, Any]
) -> tuple[ir.Value, list[np.ndarray]]:
    """Spread and pad words [C, D_1 .. D_d, W]; give where along each axis the windows begin."""
    channels, *sizes = leading(words)
    split, begin, end, long, corners = [channels], [0], [0], [channels], []
    for axis, (size, stride) in enumerate(zip(sizes, a["strides"], strict=True)):
        reach = a["dilations"][axis] * (a["kernel_shape"][axis] - 1)
        before = reach - a["pads"][axis]  # zeros in front of the first bit
        front = -(-before // stride)
        first = front * stride - before
        needed = first + extents[axis] + reach
        behind = max(0, -(-needed // stride) - front - size)
        split += [size, 1]
        begin += [front, 0]
        end += [behind, stride - 1]
        long.append((front + size + behind) * stride)
        corners.append(first + np.arange(extents[axis]))
    volume = padded(insert, shaped(insert, words, split), begin, end)
    return shaped(insert, volume, long), corners
