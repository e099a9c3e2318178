"""The part of a model that can be streamed, and the networks before and behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.files import as_proto
from lgnx.metadata import FEATURE_NAMES, INPUT_SCALING
from lgnx.network import Network
from lgnx.ops import DOMAIN, OPERATORS

__all__ = ["Prefix", "StreamedNode", "find_prefix"]

_LAYERS = ("LogicConv", "OrPool")
_TIDY = ("remove-casts", "recognise-group-sum", "recognise-thermometer", "remove-unused")


@dataclass(frozen=True)
class StreamedNode:
    """A LogicConv or OrPool that is streamed, with two spatial axes (one has a single row).

    Attributes
    ----------
    shape
        Channels, height and width of its input.
    kernel_shape, strides, dilations
        Of rows and columns.
    pads
        Top, left, bottom, right.
    indices, tables, depth
        Of a LogicConv.
    """

    op: str
    name: str
    shape: tuple[int, int, int]
    kernel_shape: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    indices: np.ndarray | None = None
    tables: np.ndarray | None = None
    depth: int = 1


@dataclass(frozen=True)
class Prefix:
    """A model in three parts.

    Attributes
    ----------
    front
        From the model's input to the complements of the bits that the first streamed node reads.
    nodes
        The streamed nodes, at least one.
    tail
        From the map that the last of them gives, pixel by pixel, to the model's output.
    map_shape
        Channels, height and width of this map.
    """

    front: Network
    nodes: tuple[StreamedNode, ...]
    tail: Network
    map_shape: tuple[int, int, int]


def find_prefix(model: Any) -> Prefix | None:
    """Find the longest chain of LogicConv and OrPool that begins at the model's input.

    Between the input and the chain there may be a thermometer and movements of data.

    Returns
    -------
    Prefix or None
        None if there is no such chain.

    Raises
    ------
    ModelError
        If the model is not valid, or what follows the chain is not one logic network.
    """
    proto = as_proto(model)
    if not any(node.domain == DOMAIN and node.op_type in _LAYERS for node in proto.graph.node):
        return None
    from lgnx.passes.pipelines import run_passes

    proto = run_passes(proto, _TIDY)
    graph = proto.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        return None
    shapes = _shapes(proto)
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    ends = {value.name for value in graph.output}

    def reader(name: str) -> onnx.NodeProto | None:
        """The node that alone reads a value, if that is its data."""
        found = readers.get(name, [])
        alone = len(found) == 1 and name not in ends and found[0].input[0] == name
        return found[0] if alone and len(found[0].output) == 1 else None

    front: list[onnx.NodeProto] = []
    here = inputs[0].name
    while (node := reader(here)) is not None and not _streamed(node, shapes, constants):
        front.append(node)
        here = node.output[0]
    begin = here
    chain: list[onnx.NodeProto] = []
    while (node := reader(here)) is not None and _streamed(node, shapes, constants):
        chain.append(node)
        here = node.output[0]
    if not chain:
        return None
    nodes = tuple(_describe(node, shapes, constants) for node in chain)
    used = {id(node) for node in (*front, *chain)}
    rest = [node for node in graph.node if id(node) not in used]
    tail = Network.from_model(_tail(proto, rest, here, shapes[here]))
    kept = {k: v for k, v in tail.metadata.items() if k not in (FEATURE_NAMES, INPUT_SCALING)}
    channels, *spatial = shapes[here]
    return Prefix(
        front=Network.from_model(_front(proto, front, begin, shapes[begin])),
        nodes=nodes,
        tail=replace(tail, metadata=kept),
        map_shape=(channels, *_two(spatial, 1)),
    )


def _shapes(proto: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Static shapes without the batch."""
    inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    found = {}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        extents = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)[1:]
        if all(extent >= 1 for extent in extents):
            found[value.name] = extents
    return found


def _streamed(
    node: onnx.NodeProto,
    shapes: dict[str, tuple[int, ...]],
    constants: dict[str, onnx.TensorProto],
) -> bool:
    return (
        node.domain == DOMAIN
        and node.op_type in _LAYERS
        and all(len(shapes.get(name, ())) in (2, 3) for name in (node.input[0], node.output[0]))
        and all(name in constants for name in node.input[1:])
    )


def _two(values: Any, missing: int) -> tuple[int, int]:
    """Rows and columns of what is given along one or two axes."""
    given = tuple(int(value) for value in values)
    return (missing, given[0]) if len(given) == 1 else (given[0], given[1])


def _describe(
    node: onnx.NodeProto,
    shapes: dict[str, tuple[int, ...]],
    constants: dict[str, onnx.TensorProto],
) -> StreamedNode:
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    a = OPERATORS[node.op_type].with_defaults(given)
    channels, *spatial = shapes[node.input[0]]
    d = len(spatial)
    top, left = _two(a["pads"][:d], 0)
    bottom, right = _two(a["pads"][d:], 0)
    arrays = [numpy_helper.to_array(constants[name]) for name in node.input[1:]]
    return StreamedNode(
        op=node.op_type,
        name=node.name,
        shape=(channels, *_two(spatial, 1)),
        kernel_shape=_two(a["kernel_shape"], 1),
        strides=_two(a["strides"], 1),
        pads=(top, left, bottom, right),
        dilations=_two(a.get("dilations", [1] * d), 1),
        indices=arrays[0] if arrays else None,
        tables=arrays[1] if arrays else None,
        depth=a.get("depth", 1),
    )


def _front(
    proto: onnx.ModelProto, nodes: list[onnx.NodeProto], end: str, shape: tuple[int, ...]
) -> onnx.ModelProto:
    """The model up to a value, whose complement it gives: a gate, so that there is a network."""
    result = _empty(proto)
    result.graph.input.extend(proto.graph.input)
    result.graph.node.extend(nodes)
    name = _fresh(proto, "complement")
    result.graph.node.append(helper.make_node("Not", [end], [name], name))
    result.graph.output.append(_bits(proto, name, shape))
    return result


def _tail(
    proto: onnx.ModelProto, nodes: list[onnx.NodeProto], start: str, shape: tuple[int, ...]
) -> onnx.ModelProto:
    """The model from a value on, which comes with its channels last."""
    result = _empty(proto)
    name = _fresh(proto, "map")
    result.graph.input.append(_bits(proto, name, (*shape[1:], shape[0])))
    last = len(shape)
    moved, complement = f"{name}_moved", f"{name}_complement"
    result.graph.node.extend(
        [
            # Complements of complements are gates, so that there is a network in every case.
            helper.make_node("Not", [name], [complement], complement),
            helper.make_node(
                "Transpose", [complement], [moved], moved, perm=[0, last, *range(1, last)]
            ),
            helper.make_node("Not", [moved], [start], start),
        ]
    )
    result.graph.node.extend(nodes)
    result.graph.output.extend(proto.graph.output)
    return result


def _empty(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model without nodes, inputs and outputs."""
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    for field in ("node", "input", "output", "value_info"):
        result.graph.ClearField(field)
    return result


def _fresh(proto: onnx.ModelProto, base: str) -> str:
    used = {name for node in proto.graph.node for name in (*node.input, *node.output)}
    used |= {value.name for value in proto.graph.input}
    name = base
    while any(other.startswith(name) for other in used):
        name += "_"
    return name


def _bits(proto: onnx.ModelProto, name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    batch = proto.graph.input[0].type.tensor_type.shape.dim[0]
    first = batch.dim_value if batch.HasField("dim_value") else batch.dim_param or "batch"
    return helper.make_tensor_value_info(name, TensorProto.BOOL, [first, *shape])
