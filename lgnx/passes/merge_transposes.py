"""Merge Transposes that follow each other, and drop those that do nothing."""

from __future__ import annotations

import onnx_ir as ir

from lgnx.passes.edit import is_op, remove_dead, replace

__all__ = ["MergeTransposesPass"]


class MergeTransposesPass(ir.passes.InPlacePass):
    """Merge Transposes.

    Rules:

    - ``Transpose(Transpose(x, p), q)`` becomes one ``Transpose``.
    - ``Transpose(x, p)`` becomes ``x``, if p keeps every axis where it is, and not both are the
      model's own inputs and outputs.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        graph, modified = model.graph, False
        for node in list(graph):
            order = _order(node)
            if order is None:
                continue
            assert node.inputs[0] is not None
            inner = node.inputs[0].producer()
            first = _order(inner)
            if inner is not None and first is not None and len(first) == len(order):
                order = [first[axis] for axis in order]
                node.replace_input_with(0, inner.inputs[0])
                node.attributes["perm"] = ir.AttrInt64s("perm", order)
                remove_dead(graph, [inner])
                modified = True
            x, y = node.inputs[0], node.outputs[0]
            assert x is not None
            ends = y.is_graph_output() and (x.producer() is None or x.is_graph_output())
            if order == sorted(order) and not ends:
                replace(y, x)
                remove_dead(graph, [node])
                modified = True
        return ir.passes.PassResult(model, modified)


def _order(node: ir.Node | None) -> list[int] | None:
    """Order of the axes that a Transpose gives; None for any other node."""
    if node is None or not is_op(node, "Transpose") or node.inputs[0] is None:
        return None
    given = node.attributes.get_ints("perm", None)
    if given is not None and sorted(given) != list(range(len(given))):
        return None  # not valid
    if given is None:
        shape = node.inputs[0].shape
        return None if shape is None else list(reversed(range(len(shape))))
    return list(given)
