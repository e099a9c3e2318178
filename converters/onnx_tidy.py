"""From the graph that torch's exporter gives to a clean file: names, dtypes, shapes, metadata."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnx_ir.passes.common
import onnx_ir.traversal

from lgnx.converters.bool_inputs import take_bits
from lgnx.ops import DOMAIN, OPERATORS
from lgnx.passes.remove_casts import RemoveCastsPass

__all__ = ["BATCH", "tidy"]

BATCH = "batch"
_SCOPES = "pkg.torch.onnx.name_scopes"


def tidy(
    model: ir.Model, binary: Collection[str] = (), layers: Collection[str] = ()
) -> onnx.ModelProto:
    """Clean up a model from torch's exporter.

    Nodes and the values they give are named after the module they come from
    (``/layers/1/LogicDense``), constants of logic layers ``layers.1.indices`` and so on; bits stay
    bool; indices take the smallest dtype; the batch dimension is called ``batch``; every value has
    its shape; stack traces and other metadata of the exporter are dropped.

    Parameters
    ----------
    model
        Changed in place.
    binary
        Names of the inputs that become bool if only logic reads them.
    layers
        Qualified names of the modules that are logic.
    """
    graph = model.graph
    scopes = {node: _scope(node) for node in graph}
    _name_nodes(graph, scopes)
    _strip_metadata(model)
    for node in graph:
        for value in node.outputs:
            if isinstance(value.type, ir.TensorType):  # the exporter lets values share one
                value.type = ir.TensorType(value.type.dtype)
    RemoveCastsPass()(model)
    if take_bits(model, binary, scopes, layers):
        RemoveCastsPass()(model)
    for node in graph:
        for field, constant in zip(_constant_fields(node), node.inputs, strict=False):
            if field == "indices":
                _shrink_indices(constant)
        if node.domain == "" and node.op_type == "Reshape":
            _keep_first_extent(graph, node)
    ir.passes.common.RemoveUnusedNodesPass()(model)
    _name_constants(graph, scopes)
    proto = ir.serde.serialize_model(model)
    intermediate = [v for v in proto.graph.value_info if v.name not in graph.initializers]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(intermediate)
    _name_batch(proto)
    proto = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    for value in (*proto.graph.value_info, *proto.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param.startswith("unk__"):
                dim.ClearField("dim_param")
    return proto


def _scope(node: ir.Node) -> str:
    """Qualified name of the module that a node comes from."""
    try:
        scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "[]"))
    except (SyntaxError, ValueError):
        return ""
    # Where torch knows no module it says so at length.
    inner = str(scopes[-2]) if len(scopes) >= 2 else ""
    return "" if inner.startswith("_empty_nn_module_stack") else inner


def _unique(name: str, used: set[str]) -> str:
    found, number = name, 1
    while found in used:
        found, number = f"{name}_{number}", number + 1
    used.add(found)
    return found


def _name_nodes(graph: ir.Graph, scopes: Mapping[ir.Node, str]) -> None:
    used: set[str] = set()
    for node in graph:
        path = "".join(f"/{part}" for part in scopes[node].split(".") if part)
        node.name = _unique(f"{path}/{node.op_type}", used)
        for number, value in enumerate(node.outputs):
            if not value.is_graph_output():
                value.name = node.name if number == 0 else f"{node.name}:{number}"


def _constant_fields(node: ir.Node) -> list[str]:
    """Names of the inputs of a node; empty for those that are no constants by their nature."""
    if node.domain == DOMAIN:
        operator = OPERATORS[node.op_type]
        names = [value.name for value in operator.schema.inputs]
        return [name if name in operator.constants else "" for name in names]
    return ["", "shape"] if node.op_type == "Reshape" else []


def _name_constants(graph: ir.Graph, scopes: Mapping[ir.Node, str]) -> None:
    """Name initializers after the first node that reads them."""
    used = {value.name for value in (*graph.inputs, *graph.outputs) if value.name}
    named: set[ir.Value] = set()
    for node in graph:
        names = _constant_fields(node)
        for number, value in enumerate(node.inputs):
            if value is None or not value.is_initializer() or value in named:
                continue
            if value.is_graph_output():
                continue
            named.add(value)
            scope = scopes.get(node, "")
            field = names[number] if number < len(names) and names[number] else None
            if field is not None:
                new = f"{scope}.{field}" if scope else field
            else:
                new = re.sub(r"^(lifted_tensor|val)_\d+$", "constant", value.name or "constant")
            _rename_constant(graph, value, _unique(new, used))


def _rename_constant(graph: ir.Graph, value: ir.Value, name: str) -> None:
    assert value.name is not None
    del graph.initializers[value.name]
    # A constant that is still to be renamed may hold the name; it moves out of the way.
    if name in graph.initializers:
        _rename_constant(graph, graph.initializers[name], f"{name}/old")
    value.name = name
    if value.const_value is not None:
        value.const_value.name = name
    graph.initializers[name] = value


def _shrink_indices(value: ir.Value | None) -> None:
    """Store indices as uint16 where they fit, else as int32."""
    if value is None or value.const_value is None:
        return
    indices = value.const_value.numpy()
    fits = indices.size == 0 or (indices.min() >= 0 and indices.max() < 1 << 16)
    dtype = np.dtype(np.uint16 if fits else np.int32)
    if indices.dtype != dtype:
        value.const_value = ir.tensor(indices.astype(dtype), name=value.name)
        value.dtype = ir.DataType.from_numpy(dtype)


def _keep_first_extent(graph: ir.Graph, node: ir.Node) -> None:
    """Write Reshape to [-1, n] as [0, n] where the first extent stays, so that shapes follow."""
    x, target = node.inputs[0], node.inputs[1]
    if x is None or target is None or target.const_value is None or x.shape is None:
        return
    sizes = target.const_value.numpy()
    inner = list(x.shape)[1:]
    kept = (
        sizes.size > 0
        and sizes[0] == -1
        and (sizes[1:] > 0).all()
        and all(isinstance(n, int) for n in inner)
        and np.prod(sizes[1:]) == np.prod([n for n in inner if isinstance(n, int)])
    )
    if not kept:
        return
    name = _unique(f"{target.name}/kept", set(graph.initializers))
    array = np.array([0, *sizes[1:].tolist()], np.int64)
    constant = ir.Value(name=name, const_value=ir.tensor(array, name=name))
    constant.dtype, constant.shape = ir.DataType.INT64, ir.Shape(array.shape)
    graph.register_initializer(constant)
    node.replace_input_with(1, constant)
    node.attributes.pop("allowzero", None)


def _strip_metadata(model: ir.Model) -> None:
    graphs: list[Any] = [model.graph, *model.functions.values()]
    holders: list[Any] = [model, *graphs, *model.graph.inputs, *model.graph.initializers.values()]
    for graph in graphs:
        for node in ir.traversal.RecursiveGraphIterator(graph):
            node.doc_string = None
            holders += [node, *node.outputs]
    for holder in holders:
        holder.metadata_props.clear()


def _name_batch(proto: onnx.ModelProto) -> None:
    """Call the symbol of the inputs' first dimension ``batch`` everywhere."""
    symbols = {
        value.type.tensor_type.shape.dim[0].dim_param
        for value in proto.graph.input
        if value.type.tensor_type.shape.dim
    } - {""}
    if not symbols:
        return
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, symbols))})\b")
    for value in (*proto.graph.input, *proto.graph.value_info, *proto.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = pattern.sub(BATCH, dim.dim_param)
