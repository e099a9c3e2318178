"""qonnx, which finds the operators by the name of their domain."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from lgnx.verify.conformance.backend import Backend


class Qonnx(Backend):
    """execute_onnx of a model whose shapes are those of the data: qonnx wants them static.

    It runs the numpy references, without a check.
    """

    name = "qonnx"
    title = "qonnx"

    def missing(self) -> str | None:
        """Ask whether qonnx is installed."""
        found = importlib.util.find_spec("qonnx") is not None
        return None if found else "qonnx is not installed: pip install 'lgnx[qonnx]'"

    def run(self, model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Execute node by node."""
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.core.onnx_exec import execute_onnx
        from qonnx.transformation.infer_shapes import InferShapes

        static = onnx.ModelProto()
        static.CopyFrom(model)
        for value in static.graph.input:
            kind = value.type.tensor_type.elem_type
            shape = inputs[value.name].shape
            value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, kind, shape))
        for value in static.graph.output:
            value.type.tensor_type.ClearField("shape")
        wrapper = ModelWrapper(static).transform(InferShapes())
        outputs = execute_onnx(wrapper, dict(inputs))
        return [outputs[value.name] for value in model.graph.output]


def backends() -> Iterator[Backend]:
    """Give the backend."""
    yield Qonnx()
