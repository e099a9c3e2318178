"""One operator evaluated in four independent ways."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import lgnx
from lgnx.ops import DOMAIN, OPERATORS
from lgnx.ops._operator import VERSION


def by_name(op_type: str, inputs: tuple[Any, ...]) -> dict[str, np.ndarray]:
    formal = [value.name for value in OPERATORS[op_type].schema.inputs]
    return {n: a for n, a in zip(formal, inputs, strict=False) if a is not None}


def make_model(
    op_type: str,
    inputs: dict[str, np.ndarray],
    dtype: Any,
    attributes: dict[str, Any],
    constants: Collection[str] = (),
) -> onnx.ModelProto:
    """A model of one node; the inputs that are not constants are fed, with unknown extents."""
    formal = [value.name for value in OPERATORS[op_type].schema.inputs]
    names = [name if name in inputs else "" for name in formal]
    while names and not names[-1]:
        names.pop()
    node = helper.make_node(op_type, names, ["y"], "node", domain=DOMAIN, **attributes)
    given = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), [None] * array.ndim
        )
        for name, array in inputs.items()
        if name not in constants
    ]
    y = helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)
    initializers = [numpy_helper.from_array(inputs[n], n) for n in inputs if n in constants]
    graph = helper.make_graph([node], "g", given, [y], initializers)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


CONSTANTS = {"LogicNetwork": ("program", "thresholds")}
"""Inputs that a kernel takes as initializers only."""


def quiet_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return options


def run_onnxruntime(
    model: onnx.ModelProto, feeds: dict[str, np.ndarray], *, kernels: bool
) -> np.ndarray:
    options = quiet_options()
    if kernels:
        lgnx.ops.register(options)
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, feeds)[0]


@pytest.fixture(scope="session")
def agree() -> Callable[..., np.ndarray]:
    """Assert that reference, kernel and function body give the same; return the output."""

    def check(op_type: str, *inputs: np.ndarray | None, **attributes: Any) -> np.ndarray:
        expected = OPERATORS[op_type].reference(*inputs, **attributes)
        named = by_name(op_type, inputs)
        constants = CONSTANTS.get(op_type, ())
        model = make_model(op_type, named, expected.dtype, attributes, constants)
        feeds = {name: array for name, array in named.items() if name not in constants}
        complete = lgnx.attach_functions(model)
        results = {
            "kernel": run_onnxruntime(model, feeds, kernels=True),
            "kernel beside a body": run_onnxruntime(complete, feeds, kernels=True),
            "body in onnxruntime": run_onnxruntime(complete, feeds, kernels=False),
            "body in onnx": ReferenceEvaluator(complete).run(None, feeds)[0],
        }
        for way, actual in results.items():
            assert actual.dtype == expected.dtype, way
            assert actual.shape == expected.shape, way
            np.testing.assert_array_equal(actual, expected, err_msg=way)
        return expected

    return check


@pytest.fixture(scope="session")
def kernel_agrees() -> Callable[..., None]:
    """Hold the kernel alone against the reference, where the other forms would take too long."""

    def check(op_type: str, *inputs: np.ndarray, **attributes: Any) -> None:
        named = by_name(op_type, inputs)
        expected = OPERATORS[op_type].reference(*inputs, **attributes)
        constants = CONSTANTS.get(op_type, ())
        model = make_model(op_type, named, expected.dtype, attributes, constants)
        feeds = {name: array for name, array in named.items() if name not in constants}
        got = run_onnxruntime(model, feeds, kernels=True)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)

    return check


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Run the kernel on bad input and return the message of onnxruntime's error."""

    def check(op_type: str, *inputs: np.ndarray, out: Any = bool, **attributes: Any) -> str:
        named = by_name(op_type, inputs)
        constants = CONSTANTS.get(op_type, ())
        model = make_model(op_type, named, out, attributes, constants)
        feeds = {name: array for name, array in named.items() if name not in constants}
        with pytest.raises(Exception, match=op_type) as caught:
            run_onnxruntime(model, feeds, kernels=True)
        assert "onnxruntime" in type(caught.value).__module__
        return str(caught.value)

    return check


@pytest.fixture(scope="session")
def problems() -> Callable[..., str]:
    """What lgnx.check says of one node whose inputs beyond x are initializers."""

    def check(op_type: str, *inputs: np.ndarray, out: Any = bool, **attributes: Any) -> str:
        named = by_name(op_type, inputs)
        model = make_model(op_type, named, out, attributes, list(named)[1:])
        dims = model.graph.input[0].type.tensor_type.shape.dim
        for extent, dim in zip(inputs[0].shape, dims, strict=True):
            dim.dim_value = extent
        with contextlib.suppress(Exception):  # bad attributes may have no shape
            model = onnx.shape_inference.infer_shapes(model)
        return "\n".join(str(problem) for problem in lgnx.check(model))

    return check


BATCHES = (0, 1, 63, 64, 65)


@pytest.fixture(scope="session")
def corner_bits() -> Callable[[int], list[np.ndarray]]:
    """Matrices of bits: all zeros, all ones, one hot, and random ones of every corner batch."""

    def make(width: int) -> list[np.ndarray]:
        rng = np.random.default_rng(width)
        constant = [np.full((65, width), value) for value in (False, True)]
        one_hot = np.eye(width, dtype=bool)
        return [*constant, one_hot, *(rng.random((n, width)) < 0.5 for n in BATCHES)]

    return make
