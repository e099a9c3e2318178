"""Passes checked against the numpy references."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from lgnx.passes.pipelines import run_passes
from lgnx.verify.reference import reference_evaluator


@pytest.fixture(scope="session")
def apply(corner_inputs, packed_feeds) -> Callable[..., onnx.ModelProto]:
    """Run passes: outputs and argument must stay what they were, and a second run do nothing."""

    def run(model: onnx.ModelProto, *names: str) -> onnx.ModelProto:
        before = model.SerializeToString()
        result = run_passes(model, names)
        assert model.SerializeToString() == before
        onnx.checker.check_model(result, full_check=True)
        packed = any(value.name == "batch" for value in model.graph.input)
        feeds = packed_feeds(model) if packed else [{"x": x} for x in corner_inputs(model)]
        same_outputs(model, result, feeds)
        again = run_passes(result, names)
        assert [n.op_type for n in again.graph.node] == [n.op_type for n in result.graph.node]
        return result

    return run


def same_outputs(
    a: onnx.ModelProto, b: onnx.ModelProto, feeds: list[dict[str, np.ndarray]]
) -> None:
    assert [v.name for v in a.graph.output] == [v.name for v in b.graph.output]
    first, second = reference_evaluator(a), reference_evaluator(b)
    for given in feeds:
        for expected, actual in zip(first.run(None, given), second.run(None, given), strict=True):
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(actual, expected)
