"""The function bodies, in stock onnxruntime and in onnx's own evaluator.

Standard operators know nothing of what lgnx forbids, so no cases of errors apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from lgnx.functions import attach_functions
from lgnx.verify.conformance.backend import Backend, Run
from lgnx.verify.conformance.backends._stock import stock_session


class StockOnnxruntime(Backend):
    """onnxruntime without the library of lgnx."""

    name = "bodies-onnxruntime"
    title = "bodies, onnxruntime"

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Open one session for all inputs."""
        return stock_session(attach_functions(model))


class OnnxEvaluator(Backend):
    """onnx.reference.ReferenceEvaluator."""

    name = "bodies-onnx"
    title = "bodies, onnx"

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Make one evaluator for all inputs."""
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(attach_functions(model))

        def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            with np.errstate(invalid="ignore"):
                return list(evaluator.run(None, dict(inputs)))

        return run


def backends() -> Iterator[Backend]:
    """Give the two backends."""
    yield StockOnnxruntime()
    yield OnnxEvaluator()
