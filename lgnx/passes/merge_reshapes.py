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

    - ``Reshape(Reshape(x, s), t)`` with a constant t without zeros becomes ``Reshape(x, t)``.
    - ``Reshape(x, t)`` becomes ``x``, if t is its shape but for at most one -1.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        graph, modified = model.graph, False
        for node in list(graph):
            if not is_op(node, "Reshape") or node.inputs[0] is None:
                continue
            target = constant_value(node.inputs[1])
            if target is None or (target == 0).any():
                continue
            inner = node.inputs[0].producer()
            if is_op(inner, "Reshape"):
                assert inner is not None
                node.replace_input_with(0, inner.inputs[0])
                remove_dead(graph, [inner])
                modified = True
            x, y = node.inputs[0], node.outputs[0]
            if not y.is_graph_output() and _fits(x, target):
                replace(y, x)
                remove_dead(graph, [node])
                modified = True
        return ir.passes.PassResult(model, modified)


def _fits(x: ir.Value, target: np.ndarray) -> bool:
    if x.shape is None or len(x.shape) != target.size:
        return False
    return all(n in (extent, -1) for extent, n in zip(x.shape, target.tolist(), strict=True))
