"""Merge Reshapes that follow each other, and drop those that do nothing."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.passes.edit import is_op, remove_dead, replace

__all__ = ["MergeReshapesPass"]


class MergeReshapesPass(ir.passes.InPlacePass):
    """Merge Reshapes.

    Rules:

    - ``Reshape(Reshape(x, s), t)`` with a constant t becomes ``Reshape(x, t)``; a zero in t may
      only stand for the first extent, which s must keep.
    - ``Reshape(x, t)`` becomes ``x``, if t is its shape but for at most one -1, and zeros.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        graph, modified = model.graph, False
        for node in list(graph):
            if not is_op(node, "Reshape") or node.inputs[0] is None:
                continue
            target = constant_value(node.inputs[1])
            if target is None or node.attributes.get_int("allowzero", False):
                continue
            inner = node.inputs[0].producer()
            if inner is not None and is_op(inner, "Reshape") and _same_zeros(inner, target):
                node.replace_input_with(0, inner.inputs[0])
                remove_dead(graph, [inner])
                modified = True
            x, y = node.inputs[0], node.outputs[0]
            if not y.is_graph_output() and _fits(x, target):
                replace(y, x)
                remove_dead(graph, [node])
                modified = True
        return ir.passes.PassResult(model, modified)


def _same_zeros(inner: ir.Node, target: np.ndarray) -> bool:
    """Tell whether the extents that zeros stand for are those of what the inner Reshape reads."""
    zeros = np.flatnonzero(target == 0)
    if not zeros.size:
        return True
    shapes = [v.shape for v in (inner.inputs[0], inner.outputs[0]) if v is not None]
    if zeros.tolist() != [0] or len(shapes) != 2 or not all(shapes):
        return False
    first, second = (shape[0] for shape in shapes if shape is not None)
    known = not isinstance(first, ir.SymbolicDim) or first.value is not None
    return known and first == second


def _fits(x: ir.Value, target: np.ndarray) -> bool:
    if x.shape is None or len(x.shape) != target.size:
        return False
    return all(n in (extent, -1, 0) for extent, n in zip(x.shape, target.tolist(), strict=True))
