"""Merge Gathers that follow each other."""

from __future__ import annotations

import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.passes.edit import add_constant, is_op, remove_dead

__all__ = ["MergeGathersPass"]


class MergeGathersPass(ir.passes.InPlacePass):
    """Compose constant Gathers along one axis.

    Rules:

    - ``Gather(Gather(x, p), q)`` with constant vectors p and q along one axis becomes
      ``Gather(x, p[q])``, so a layer's permutation disappears into the next layer's wiring.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            inner = node.inputs[0].producer() if node.inputs and node.inputs[0] else None
            if not (is_op(node, "Gather") and is_op(inner, "Gather")):
                continue
            assert inner is not None
            axis = node.attributes.get_int("axis", 0)
            if axis < 0 or axis != inner.attributes.get_int("axis", 0):
                continue
            q, p = constant_value(node.inputs[1]), constant_value(inner.inputs[1])
            if p is None or q is None or p.ndim != 1 or q.ndim != 1 or (q < 0).any():
                continue
            wiring = add_constant(model.graph, f"{node.name}.wires", p[q])
            node.replace_input_with(0, inner.inputs[0])
            node.replace_input_with(1, wiring)
            remove_dead(model.graph, [inner])
            modified = True
        return ir.passes.PassResult(model, modified)
