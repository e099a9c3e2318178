"""The numpy references, behind `lgnx.check` of the model with everything that is fed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from lgnx.verify.conformance.backend import Backend


class Reference(Backend):
    """Checks the model with its inputs as constants, so that it sees every error there is."""

    name = "reference"
    title = "numpy reference"
    detects = frozenset({"file", "node", "data"})

    def run(self, model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Check, then evaluate."""
        from lgnx.check import check_or_raise
        from lgnx.verify.reference import reference_evaluator

        check_or_raise(model)
        check_or_raise(_bound(model, inputs))
        return list(reference_evaluator(model).run(None, dict(inputs)))


def _bound(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    del bound.graph.input[:]
    bound.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in inputs.items())
    return bound


def backends() -> Iterator[Backend]:
    """Give the backend."""
    yield Reference()
