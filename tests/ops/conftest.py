"""One operator evaluated in four independent ways."""

from __future__ import annotations

import contextlib
import re
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
    """Assert that reference, kernel and function body give the same; return the output.

    The inputs beyond x are fed, and for the kernel are initializers too.
    """

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
        if len(feeds) > 1:
            fixed = make_model(op_type, named, expected.dtype, attributes, list(named)[1:])
            first = {"x": feeds["x"]}
            results["kernel of initializers"] = run_onnxruntime(fixed, first, kernels=True)
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
        for constants in {CONSTANTS.get(op_type, ()), tuple(named)[1:]}:
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


@pytest.fixture(scope="session")
def random_trees() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Random indices and tables of trees over a window of ``width`` bits."""

    def make(
        rng: np.random.Generator, width: int, kernels: int, k: int, depth: int
    ) -> tuple[np.ndarray, np.ndarray]:
        nodes = sum(k**level for level in range(depth))
        indices = rng.integers(0, width, (kernels, k**depth), dtype=np.int32)
        tables = rng.integers(0, 256, (kernels, nodes, max(1, 2**k // 8)), dtype=np.uint8)
        return indices, tables & np.uint8(min(255, 2**2**k - 1) if k < 3 else 255)

    return make


@pytest.fixture(scope="session")
def inferred() -> Callable[..., tuple[list[int | str | None], ...]]:
    """Shape of y for an x of given dimensions, as onnx infers it and as the kernel does.

    Names that stand in for unknown sizes are None.
    """

    def check(
        op_type: str, dims: Collection[int | str], *constants: np.ndarray, **attributes: Any
    ) -> tuple[list[int | str | None], ...]:
        named = by_name(op_type, (np.zeros(1, bool), *constants))
        model = make_model(op_type, named, bool, attributes, list(named)[1:])
        x = helper.make_tensor_value_info("x", onnx.TensorProto.BOOL, list(dims))
        model.graph.input[0].CopyFrom(x)
        options = quiet_options()
        lgnx.ops.register(options)
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        complete = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        shape = complete.graph.output[0].type.tensor_type.shape
        by_onnx = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in shape.dim]
        stand_ins = re.compile("unk__|lgnx_")
        return tuple(
            [None if stand_ins.match(str(n)) else n for n in shape]
            for shape in (by_onnx, session.get_outputs()[0].shape)
        )

    return check
