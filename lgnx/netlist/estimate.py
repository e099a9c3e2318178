"""How large the netlist of a model will be, told from shapes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from lgnx.ops import DOMAIN, OPERATORS

_CONVOLUTIONS = ("LogicConv", "LogicConvTranspose")
LAYERS = ("LogicDense", *_CONVOLUTIONS, "OrPool")
"""The operators that become gates."""


def estimate_gates(model: onnx.ModelProto) -> int:
    """Estimate the gates of a model's layers, convolutions unrolled, before they are simplified.

    A table of two inputs counts as one gate, one of k > 2 inputs as 2^(k - 1). A layer whose shape
    is not known counts as none: it is not unrolled either.
    """
    nodes = [n for n in model.graph.node if n.domain == DOMAIN and n.op_type in LAYERS]
    if any(node.op_type != "LogicDense" for node in nodes):
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = model.graph
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in (*graph.value_info, *graph.input, *graph.output):
        dims = value.type.tensor_type.shape.dim
        shapes.setdefault(value.name, [d.dim_value for d in dims])
    return sum(_gates(node, shapes) for node in nodes)


def _gates(node: onnx.NodeProto, shapes: Mapping[str, list[int]]) -> int:
    y = shapes.get(node.output[0], [])
    if node.op_type == "OrPool":
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        kernel = OPERATORS["OrPool"].with_defaults(given)["kernel_shape"]
        return int(np.prod(y[1:], dtype=np.int64)) * (int(np.prod(kernel, dtype=np.int64)) - 1)
    indices, tables = (shapes.get(name, []) for name in node.input[1:3])
    depth = next((a.i for a in node.attribute if a.name == "depth"), 1)
    # What is not a layer at all counts as none: whoever unrolls it says what is wrong with it.
    if len(indices) != 2 or len(tables) != (2 if node.op_type == "LogicDense" else 3) or depth < 1:
        return 0
    if node.op_type == "LogicDense":
        return tables[0] * _gates_of_table(indices[1])
    positions = int(np.prod(y[2:], dtype=np.int64)) if len(y) > 2 else 0
    return tables[0] * tables[1] * positions * _gates_of_table(round(indices[1] ** (1 / depth)))


def _gates_of_table(k: int) -> int:
    return 1 if k <= 2 else 1 << (k - 1)
