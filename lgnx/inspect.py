"""What a model consists of: layers, shapes, gates, depth and functions, at every level."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx.external_data_helper
import onnx.numpy_helper
import onnx.shape_inference

import lgnx.ops
from lgnx.files import as_proto, load_model
from lgnx.ops._tree import fan_in
from lgnx.ops.gates import GATE_NAMES
from lgnx.ops.program import Program, decode

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["LayerInfo", "ModelInfo", "TensorInfo", "WindowInfo", "function_name", "inspect"]

_BITWISE = {
    "BitwiseAnd": (0x8, 2),
    "BitwiseOr": (0xE, 2),
    "BitwiseXor": (0x6, 2),
    "BitwiseNot": (1, 1),
}
_SLIDING = {"LogicConv", "LogicConvTranspose", "OrPool"}
_PACKING = {"PackBits", "UnpackBits", "BitCount"}

Dimension = int | str | None


@dataclass(frozen=True)
class TensorInfo:
    """Name, type and shape of an input or output; a free axis is its name, or None."""

    name: str
    dtype: str
    shape: tuple[Dimension, ...]


@dataclass(frozen=True)
class WindowInfo:
    """What slides over the spatial axes of a convolution or a pooling.

    Attributes
    ----------
    kernels
        Trees of tables; None for a pooling.
    tables
        Tables of all trees, which are the gates of one position.
    depth
        Levels of the trees.
    positions
        Of the window, None if an extent is not known.
    kernel_shape, strides, pads, dilations, output_padding
        As in the file, defaults filled in; empty where the operator has no such attribute.
    """

    kernels: int | None
    tables: int | None
    depth: int | None
    positions: int | None
    kernel_shape: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...] = ()
    output_padding: tuple[int, ...] = ()


@dataclass(frozen=True)
class LayerInfo:
    """One node of the graph.

    Attributes
    ----------
    gates
        Number of gates, those of a convolution or a pooling at all positions together; None for a
        node that has none, or whose positions are not known.
    k
        Inputs per gate (the largest number, if they differ), None without gates.
    depth
        Gates on the longest path through the node.
    functions
        How often each gate function occurs.
    window
        Of a convolution or a pooling.
    """

    name: str
    op: str
    domain: str
    input_shape: tuple[Dimension, ...] | None
    output_shape: tuple[Dimension, ...] | None
    gates: int | None = None
    k: int | None = None
    depth: int = 0
    functions: dict[str, int] = field(default_factory=dict)
    window: WindowInfo | None = None


@dataclass(frozen=True)
class ModelInfo:
    """Everything that ``lgnx inspect`` shows.

    Attributes
    ----------
    level
        ``"layer"``, ``"bitwise"`` or ``"network"``: the lowest form that occurs in the model;
        ``"none"`` if it holds no logic.
    depth
        Gates on the longest path from an input to an output.
    functions
        How often each gate function occurs, most frequent first.
    file_bytes
        Size with external data; of the serialised model if it came from memory.
    self_contained
        The file carries the bodies of all lgnx operators that it uses.
    """

    path: str | None
    level: str
    file_bytes: int
    producer: str
    producer_version: str
    ir_version: int
    opsets: dict[str, int]
    metadata: dict[str, str]
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    layers: list[LayerInfo]
    gates: int
    depth: int
    functions: dict[str, int]
    initializer_bytes: int
    self_contained: bool


def function_name(table: int, k: int) -> str:
    """Name the function of a table (bit j is the output at address j) with k inputs."""
    if k == 1:
        table = table & 3 | (table & 3) << 2  # as a function of two inputs that ignores x1
    if k <= 2:
        return GATE_NAMES[table & 15]
    return f"{k}-input table"


def inspect(model: str | os.PathLike[str] | onnx.ModelProto | onnx_ir.Model) -> ModelInfo:
    """Describe a model.

    Parameters
    ----------
    model
        A file or a model in memory, at any level.

    Raises
    ------
    ModelError
        If the file cannot be read, or a gate program is not valid.
    """
    path = Path(model) if isinstance(model, (str, os.PathLike)) else None
    proto = load_model(path) if path is not None else as_proto(model)
    file_bytes = _file_bytes(path, proto) if path is not None else proto.ByteSize()
    proto = _with_shapes(proto)
    graph = proto.graph
    shapes = {v.name: _shape(v) for v in (*graph.value_info, *graph.input, *graph.output)}
    constants = {t.name: t for t in graph.initializer}
    shapes.update({name: tuple(t.dims) for name, t in constants.items()})
    layers = [_layer(node, shapes, constants) for node in graph.node]
    functions: Counter[str] = Counter()
    for layer in layers:
        functions.update(layer.functions)
    used = {node.op_type for node in graph.node if node.domain == lgnx.ops.DOMAIN}
    attached = {f.name for f in proto.functions if f.domain == lgnx.ops.DOMAIN}
    return ModelInfo(
        path=str(path) if path is not None else None,
        level=_level(layers),
        file_bytes=file_bytes,
        producer=proto.producer_name,
        producer_version=proto.producer_version,
        ir_version=proto.ir_version,
        opsets={o.domain or "ai.onnx": o.version for o in proto.opset_import},
        metadata={p.key: p.value for p in proto.metadata_props},
        inputs=[_tensor(v) for v in graph.input if v.name not in constants],
        outputs=[_tensor(v) for v in graph.output],
        layers=layers,
        gates=sum(layer.gates or 0 for layer in layers),
        depth=_depth(graph.node, layers),
        functions=dict(functions.most_common()),
        initializer_bytes=sum(len(t.raw_data) or t.ByteSize() for t in graph.initializer),
        self_contained=used <= attached,
    )


def _file_bytes(path: Path, proto: onnx.ModelProto) -> int:
    total = path.stat().st_size
    places = {
        onnx.external_data_helper.ExternalDataInfo(tensor).location
        for tensor in proto.graph.initializer
        if onnx.external_data_helper.uses_external_data(tensor)
    }
    return total + sum(
        (path.parent / place).stat().st_size for place in places if (path.parent / place).is_file()
    )


def _with_shapes(proto: onnx.ModelProto) -> onnx.ModelProto:
    try:
        return onnx.shape_inference.infer_shapes(proto, data_prop=True)
    except Exception:  # a model may be worth a look although its shapes do not fit
        return proto


def _shape(value: onnx.ValueInfoProto) -> tuple[Dimension, ...] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        d.dim_value if d.HasField("dim_value") else _axis_name(d.dim_param)
        for d in tensor.shape.dim
    )


def _axis_name(name: str) -> str | None:
    """Return the name of a free axis, None if it has none but what shape inference made up."""
    return None if not name or name.startswith("unk__") else name


def _tensor(value: onnx.ValueInfoProto) -> TensorInfo:
    kind = value.type.tensor_type.elem_type
    dtype = onnx.TensorProto.DataType.Name(kind).lower() if kind else "unknown"
    return TensorInfo(value.name, dtype, _shape(value) or ())


def _layer(
    node: onnx.NodeProto,
    shapes: dict[str, tuple[Dimension, ...] | None],
    constants: dict[str, onnx.TensorProto],
) -> LayerInfo:
    facts: dict[str, Any] = {}
    if node.domain == lgnx.ops.DOMAIN and node.op_type == "LogicDense":
        facts = _dense_facts(*(_constant(node, i, constants) for i in (1, 2)))
    elif node.domain == lgnx.ops.DOMAIN and node.op_type in _SLIDING:
        facts = _sliding_facts(node, shapes, constants)
    elif node.domain == lgnx.ops.DOMAIN and node.op_type == "LogicNetwork":
        words = _constant(node, 1, constants)
        facts = {} if words is None else _program_facts(decode(words))
    elif not node.domain and node.op_type in _BITWISE:
        shape = shapes.get(node.output[0])
        extents = [n for n in (shape or ())[:-1] if isinstance(n, int)]
        if shape and len(extents) == len(shape) - 1:
            rows = math.prod(extents)
            table, k = _BITWISE[node.op_type]
            functions = {function_name(table, k): rows}
            facts = {"gates": rows, "k": k, "depth": 1, "functions": functions}
    return LayerInfo(
        name=node.name or node.output[0],
        op=node.op_type,
        domain=node.domain,
        input_shape=shapes.get(node.input[0]) if node.input else None,
        output_shape=shapes.get(node.output[0]),
        **facts,
    )


def _constant(
    node: onnx.NodeProto, index: int, constants: dict[str, onnx.TensorProto]
) -> np.ndarray | None:
    if index >= len(node.input) or node.input[index] not in constants:
        return None
    return onnx.numpy_helper.to_array(constants[node.input[index]])


def _dense_facts(indices: np.ndarray | None, tables: np.ndarray | None) -> dict[str, Any]:
    if indices is None or tables is None or indices.ndim != 2 or tables.ndim != 2:
        return {}
    gates, k = indices.shape
    return {"gates": gates, "k": k, "depth": 1, "functions": _table_functions(tables, k)}


def _table_functions(tables: np.ndarray, k: int) -> dict[str, int]:
    """Count the functions of tables, uint8 [n, bytes]."""
    if k > 2:
        return {function_name(0, k): len(tables)}
    found, counts = np.unique(tables[:, 0], return_counts=True)
    return {function_name(int(t), k): int(n) for t, n in zip(found, counts, strict=True)}


def _sliding_facts(
    node: onnx.NodeProto,
    shapes: dict[str, tuple[Dimension, ...] | None],
    constants: dict[str, onnx.TensorProto],
) -> dict[str, Any]:
    given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    depth = given.pop("depth", 1)
    if "kernel_shape" not in given or not all(isinstance(v, list) for v in given.values()):
        return {}
    a = lgnx.ops.OPERATORS[node.op_type].with_defaults(given)
    a.pop("depth", None)
    shape = shapes.get(node.output[0])
    extents = [n for n in (shape or ())[2:] if isinstance(n, int)]
    known = shape is not None and len(extents) == len(shape) - 2 > 0
    positions = math.prod(extents) if known else None
    numbers = {name: tuple(values) for name, values in a.items()}
    if node.op_type == "OrPool":
        channels = shape[1] if shape is not None and len(shape) > 1 else None
        window = WindowInfo(None, None, None, positions, **numbers)
        k = math.prod(a["kernel_shape"])
        if positions is None or not isinstance(channels, int) or k < 2:  # of one bit: no gate
            return {"window": window}
        gates = channels * positions
        functions = {function_name(0xE, k) if k == 2 else f"{k}-input OR": gates}
        return {"gates": gates, "k": k, "depth": 1, "functions": functions, "window": window}
    indices, tables = (_constant(node, i, constants) for i in (1, 2))
    if indices is None or tables is None or indices.ndim != 2 or tables.ndim != 3:
        return {"window": WindowInfo(None, None, depth, positions, **numbers)}
    k = fan_in(indices.shape[1], depth)
    kernels, nodes = tables.shape[:2]
    window = WindowInfo(kernels, kernels * nodes, depth, positions, **numbers)
    if k is None or positions is None:
        return {"k": k, "depth": depth, "window": window}
    functions = _table_functions(tables.reshape(kernels * nodes, -1), k)
    return {
        "gates": kernels * nodes * positions,
        "k": k,
        "depth": depth,
        "functions": {name: n * positions for name, n in functions.items()},
        "window": window,
    }


def _program_facts(program: Program) -> dict[str, Any]:
    functions: Counter[str] = Counter()
    first = program.n_inputs + 1
    n_gates = sum(run.fanins.shape[0] for run in program.runs)
    levels = np.zeros(first + n_gates, np.int32)
    for run in program.runs:
        count = run.fanins.shape[0]
        functions[function_name(run.table, run.k)] += count
        levels[first : first + count] = levels[run.fanins].max(axis=1) + 1
        first += count
    return {
        "gates": n_gates,
        "k": max((run.k for run in program.runs), default=None),
        "depth": int(levels[program.outputs >> 1].max(initial=0)),
        "functions": dict(functions.most_common()),
    }


def _level(layers: Sequence[LayerInfo]) -> str:
    ours = {layer.op for layer in layers if layer.domain == lgnx.ops.DOMAIN}
    if "LogicNetwork" in ours:
        return "network"
    if ours & _PACKING:
        return "bitwise"
    return "layer" if ours else "none"


def _depth(nodes: Sequence[onnx.NodeProto], layers: Sequence[LayerInfo]) -> int:
    """Return the number of gates on the longest path; nodes are in topological order."""
    depths: dict[str, int] = {}
    for node, layer in zip(nodes, layers, strict=True):
        depth = max((depths.get(name, 0) for name in node.input), default=0) + layer.depth
        depths.update(dict.fromkeys(node.output, depth))
    return max(depths.values(), default=0)
