"""Binarised networks in QONNX, made of its own operators, and what qonnx computes for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

QONNX = "qonnx.custom_op.general"


class Qonnx:
    """Builds a model node by node; every node has one output."""

    def __init__(self, *shape: int, batch: Any = 1) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        array = np.asarray(array)
        kept = array.astype(np.float32) if array.dtype.kind == "f" else array
        self.constants.append(numpy_helper.from_array(kept, name))
        return name

    def op(self, op: str, *inputs: Any, **attributes: Any) -> str:
        custom = op in ("BipolarQuant", "Quant", "MultiThreshold", "Trunc")
        names = [v if isinstance(v, str) else self.constant(v) for v in inputs]
        y = f"{op}_{len(self.nodes)}"
        domain = QONNX if custom else ""
        self.nodes.append(helper.make_node(op, names, [y], f"n_{y}", domain=domain, **attributes))
        return y

    def sign(self, x: str, scale: float = 1.0) -> str:
        return self.op("BipolarQuant", x, np.float32(scale))

    def quant(self, x: str, scale: Any, bits: int, zero: float = 0.0, **attributes: Any) -> str:
        given = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
        return self.op("Quant", x, np.float32(scale), np.float32(zero), np.float32(bits), **given)

    def norm(self, x: str, rng: np.random.Generator, n: int) -> str:
        parts = [rng.normal(0, 1, n), rng.normal(0, 1, n), rng.normal(0, 1, n), rng.random(n) + 0.5]
        return self.op("BatchNormalization", x, *parts)

    def model(self, y: str, opset: int = 18) -> onnx.ModelProto:
        output = onnx.ValueInfoProto(name=y)
        output.type.tensor_type.elem_type = TensorProto.FLOAT
        graph = helper.make_graph(self.nodes, "g", [self.input], [output], self.constants)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def sparse(rng: np.random.Generator, inputs: int, outputs: int, fan_in: int) -> np.ndarray:
    """Places of the weights that are not 0, bool [inputs, outputs]."""
    order = rng.random((inputs, outputs)).argsort(0)
    return order < fan_in


def run_qonnx(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """What qonnx computes, sample by sample: its models have a fixed batch."""
    from qonnx.transformation.infer_shapes import InferShapes

    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    plain.graph.input[0].type.tensor_type.shape.dim[0].dim_value = len(x)
    wrapped = ModelWrapper(plain).transform(InferShapes())
    name = wrapped.graph.output[0].name
    return execute_onnx(wrapped, {wrapped.graph.input[0].name: x})[name]
