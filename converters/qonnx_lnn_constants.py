"""Constants that take another form, and keep their names."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx_ir as ir

from lgnx.passes.edit import Inserter

__all__ = ["Constants", "short_names"]


class Constants:
    """New forms of the constants of a graph.

    Nodes that share a constant and need the same form of it share that, too.
    """

    def __init__(self, graph: ir.Graph) -> None:
        self._graph = graph
        self._made: dict[ir.Value, dict[tuple[tuple[int, ...], bytes], ir.Value]] = {}

    def of(self, old: ir.Value, array: np.ndarray, insert: Inserter, suffix: str) -> ir.Value:
        """Give a constant that stands for an old one."""
        forms = self._made.setdefault(old, {})
        key = array.shape, array.tobytes()
        if key not in forms:
            forms[key] = insert.constant(suffix, array)
        return forms[key]

    def rename(self) -> None:
        """Give those that are the only form of an old one, which nothing reads, its name."""
        initializers = self._graph.initializers
        for old, forms in self._made.items():
            name, (new, *others) = old.name, forms.values()
            if others or old.uses() or not name or not new.name:
                continue
            if new.name not in initializers:
                continue
            initializers.pop(name, None)
            del initializers[new.name]
            new.name = name
            self._graph.register_initializer(new)


def short_names(graph: ir.Graph, domain: str, before: Collection[str | None]) -> None:
    """Let nodes of a domain have the names of the nodes that they stand for.

    A rewrite names new nodes after an old one and the operator. ``before`` are the names of the old
    nodes. What the nodes give is named after them.
    """
    nodes = {node.name for node in graph}
    values = {value.name for node in graph for value in node.outputs} | set(graph.initializers)
    values |= {value.name for value in graph.inputs}
    for node in graph:
        if node.domain != domain or node.name is None:
            continue
        short, y = node.name.removesuffix(f"/{node.op_type}"), node.outputs[0]
        if short in before and short not in nodes:
            nodes.add(short)
            node.name = short
        if node.name not in values and not y.is_graph_output():
            values.add(node.name)
            y.name = node.name
