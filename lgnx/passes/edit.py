"""What the passes share: finding constants, making nodes, replacing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import onnx_ir as ir

from lgnx.netlist import probe
from lgnx.ops import DOMAIN, OPERATORS


def is_op(node: ir.Node | None, *names: str, domain: str = "") -> bool:
    """Tell whether a node is one of these operators."""
    return node is not None and node.domain == domain and node.op_type in names


def is_lgnx(node: ir.Node | None, *names: str) -> bool:
    """Tell whether a node is one of these lgnx operators."""
    return is_op(node, *names, domain=DOMAIN)


def fresh_name(graph: ir.Graph, base: str) -> str:
    """Give a value name that the graph does not use yet."""
    used = graph.meta.get("lgnx.names")
    if used is None:
        used = set(graph.initializers) | {value.name for value in graph.inputs}
        used |= {value.name for node in graph for value in node.outputs}
        graph.meta["lgnx.names"] = used
    name, number = base, 1
    while name in used:
        name, number = f"{base}_{number}", number + 1
    used.add(name)
    return name


def add_constant(graph: ir.Graph, base: str, array: np.ndarray) -> ir.Value:
    """Add an initializer."""
    name = fresh_name(graph, base)
    value = ir.Value(name=name, const_value=ir.Tensor(array, name=name))
    value.dtype = ir.DataType.from_numpy(array.dtype)
    value.shape = ir.Shape(array.shape)
    graph.register_initializer(value)
    return value


class Inserter:
    """Makes nodes in front of an existing one, named after it.

    Parameters
    ----------
    graph
        The graph that is changed.
    before
        Nodes go in front of this one.
    name
        Prefix of the names of nodes and values.
    origin
        The nodes take over metadata and doc string of this one; by default of the node that they
        are in front of. None for none.
    """

    def __init__(
        self,
        graph: ir.Graph,
        before: ir.Node,
        name: str,
        *,
        origin: ir.Node | Literal["before"] | None = "before",
    ) -> None:
        self.graph, self.before, self.name = graph, before, name
        self.origin = before if origin == "before" else origin

    def op(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: dict[str, Any] | None = None,
        *,
        dtype: ir.DataType | None,
        shape: Sequence[Any] | ir.Shape | None = None,
        domain: str = "",
    ) -> ir.Value:
        """Add a node with one output, and give that."""
        output = ir.Value(name=fresh_name(self.graph, f"{self.name}/{op_type}"))
        if dtype is not None:
            output.dtype = dtype
        output.shape = None if shape is None else ir.Shape(tuple(shape))
        node = ir.node(
            op_type, inputs, attributes=attributes or {}, outputs=[output], domain=domain
        )
        node.name = output.name
        if self.origin is not None:
            node.doc_string = self.origin.doc_string
            node.metadata_props.update(self.origin.metadata_props)
        self.graph.insert_before(self.before, node)
        return output

    def constant(self, suffix: str, array: np.ndarray) -> ir.Value:
        """Add an initializer."""
        return add_constant(self.graph, f"{self.name}.{suffix}", array)

    def batch_of(self, value: ir.Value) -> ir.Value:
        """First extent of a value, int64 [1]."""
        attributes = {"start": 0, "end": 1}
        return self.op("Shape", [value], attributes, dtype=ir.DataType.INT64, shape=[1])

    def reshape(self, value: ir.Value, shape: Sequence[int], known: Sequence[Any]) -> ir.Value:
        """Reshape to a constant shape; ``known`` is what shape inference may say of it."""
        target = self.constant("shape", np.array(shape, np.int64))
        return self.op("Reshape", [value, target], dtype=value.dtype, shape=known)


def replace(old: ir.Value, new: ir.Value) -> None:
    """Let everything that reads ``old`` read ``new``.

    Graph outputs keep their name, metadata and doc string.
    """
    if new.shape is None:
        new.shape = old.shape
    if old.is_graph_output():
        name = old.name
        old.name = f"{name}/replaced"
        new.name = name
        new.doc_string = old.doc_string
        new.metadata_props.update(old.metadata_props)
    ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)


def remove_dead(graph: ir.Graph, nodes: Sequence[ir.Node]) -> None:
    """Remove those of the nodes, given in order, whose outputs nothing reads."""
    for node in reversed(list(nodes)):
        if node.graph is graph and not any(v.uses() or v.is_graph_output() for v in node.outputs):
            graph.remove(node, safe=True)


def batch_dim(value: ir.Value) -> Any:
    """First dimension of a value as shape inference knows it."""
    return value.shape[0] if value.shape is not None and len(value.shape) else None


def sample_shape(value: ir.Value | None) -> tuple[int, ...] | None:
    """Shape of a value without its first axis, where it is static and holds something."""
    shape = None if value is None else probe.sample_shape(value)
    return None if shape is None or 0 in shape else shape


def attributes_of(node: ir.Node) -> dict[str, Any]:
    """Attributes of an lgnx node by name, defaults filled in."""
    return OPERATORS[node.op_type].with_defaults(
        {name: attribute.value for name, attribute in node.attributes.items()}
    )
