"""Models read as chains of layers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

import lgnx
from lgnx.converters.layer_chain import read_chain
from lgnx.converters.layer_steps import Chain, Compare, Conv, Dense, Pool, Reshape, Sum
from lgnx.ops import OPERATORS
from lgnx.ops.errors import ModelError


def run(chain: Chain, x: np.ndarray) -> np.ndarray:
    """Compute what the steps of a chain say, with the reference of each operator."""
    for step in chain.steps:
        if isinstance(step, Reshape):
            assert x.shape[1:] == step.before
            x = x.reshape(len(x), *step.shape)
        elif isinstance(step, Compare):
            compare = np.greater if step.strict else np.greater_equal
            bits = np.moveaxis(compare(x[..., None], step.thresholds), -1, step.axis + 1)
            count = step.thresholds.shape[-1]
            at = step.axis
            x = bits.reshape(*x.shape[:at], x.shape[at] * count, *x.shape[at + 1 :])
        elif isinstance(step, Dense):
            assert x.shape[-1] == step.in_dim
            indices = step.indices.astype(np.int32)
            x = OPERATORS["LogicDense"].reference(x, indices, step.tables)
        elif isinstance(step, Conv):
            name = "LogicConvTranspose" if step.transposed else "LogicConv"
            assert x.shape[1:] == (step.channels, *step.sizes)
            indices = step.indices.astype(np.int32)
            x = OPERATORS[name].reference(x, indices, step.tables, **step.attributes)
        elif isinstance(step, Pool):
            x = OPERATORS["OrPool"].reference(x, **step.attributes)
        else:
            assert isinstance(step, Sum)
            kind = onnx.helper.np_dtype_to_tensor_dtype(step.dtype)
            names = ("groups", "bias", "tau", "beta")
            options = {name: getattr(step, name) for name in names}
            x = OPERATORS["GroupSum"].reference(x, dtype=kind, **options)
    return x


def assert_same(model: onnx.ModelProto, x: np.ndarray) -> Chain:
    chain = read_chain(model)
    expected = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    got = run(chain, x)
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
    return chain


def kinds(chain: Chain) -> list[str]:
    return [type(step).__name__ for step in chain.steps]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_classifier(classifier, rng) -> None:
    chain = assert_same(classifier, rng.random((100, 6), np.float32))
    assert kinds(chain) == ["Compare", "Dense", "Dense", "Sum"]
    assert [step.name for step in chain.steps][1:3] == ["n_LogicDense_2", "n_LogicDense_3"]
    assert chain.dtype == np.float32


@pytest.mark.parametrize(("axis", "perm"), [(1, [0, 1, 4, 2, 3]), (2, [0, 1, 2, 4, 3]), (3, None)])
def test_the_axis_of_a_thermometer_is_the_one_that_is_read(make, rng, axis: int, perm) -> None:
    m = make(2, 3, 4, dtype=TensorProto.FLOAT)
    y = m.op("Thermometer", "x", m.constant(rng.random((2, 1, 1, 5), np.float32)))
    y = m.op("Transpose", y, perm=perm) if perm else y
    shape = [0, 2, 3, 4]
    shape[axis] *= 5
    y = m.op("Reshape", y, m.constant(shape))
    tables, indices = rng.integers(0, 16, (7, 1), np.uint8), rng.integers(0, 4, (7, 2), np.int32)
    model = m.model(m.op("LogicDense", y, m.constant(indices), m.constant(tables)))
    chain = assert_same(model, rng.random((50, 2, 3, 4), np.float32))
    assert kinds(chain) == ["Compare", "Dense"]
    assert chain.steps[0].axis == axis


def moves(make, m: Any, x: str, shape: list[int], data: st.DataObject) -> tuple[str, list[int]]:
    """Some nodes that move the bits of a sample."""
    for _ in range(data.draw(st.integers(0, 3))):
        size = math.prod(shape)
        kind = data.draw(st.sampled_from(["Reshape", "Transpose", "Gather", "Slice", "Unsqueeze"]))
        if kind == "Reshape":
            divisors = [n for n in range(1, size + 1) if size % n == 0]
            first = data.draw(st.sampled_from(divisors))
            shape = [first, size // first]
            x = m.op("Reshape", x, m.constant([0, *shape]))
        elif kind == "Transpose":
            order = data.draw(st.permutations(range(len(shape))))
            x = m.op("Transpose", x, perm=[0, *(1 + i for i in order)])
            shape = [shape[i] for i in order]
        elif kind == "Gather":
            axis = data.draw(st.integers(0, len(shape) - 1))
            chosen = data.draw(st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=9))
            x = m.op("Gather", x, m.constant(np.array(chosen)), axis=1 + axis)
            shape = [*shape[:axis], len(chosen), *shape[axis + 1 :]]
        elif kind == "Slice":
            bounds = [m.constant([n]) for n in (shape[-1] - 1, -(1 << 40), len(shape), -1)]
            x = m.op("Slice", x, *bounds)  # the other way round
        elif len(shape) < 4:
            x, shape = m.op("Unsqueeze", x, m.constant([1])), [1, *shape]
    return x, shape


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_moved_bits_are_read_where_they_went(make, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    m = make(3, 4, dtype=TensorProto.FLOAT)
    x = m.op("Thermometer", "x", m.constant(rng.random((4, 2), np.float32)))
    shape = [3, 4, 2]
    for _ in range(data.draw(st.integers(1, 3))):
        x, shape = moves(make, m, x, shape, data)
        x = m.op("Reshape", x, m.constant([0, math.prod(shape)]))
        n = 12
        x, shape = m.dense(x, math.prod(shape), n, data.draw(st.integers(1, 4)), rng), [n]
    x, shape = moves(make, m, x, shape, data)
    model = m.model(x)
    chain = assert_same(model, rng.random((20, 3, 4), np.float32))
    assert kinds(chain).count("Dense") == sum(n.op_type == "LogicDense" for n in model.graph.node)


def test_images(make, rng) -> None:
    m = make(2, 7, 8)
    indices, tables = m.trees(2 * 9, 5, 2, 2, rng)
    y = m.op("LogicConv", "x", indices, tables, kernel_shape=[3, 3], pads=[1, 0, 1, 2], depth=2)
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    indices, tables = m.trees(5 * 4, 3, 2, 1, rng)
    y = m.op("LogicConvTranspose", y, indices, tables, kernel_shape=[2, 2], depth=1)
    y = m.op("Transpose", y, perm=[0, 2, 3, 1])
    size = math.prod(
        dim.dim_value for dim in m.model(y).graph.output[0].type.tensor_type.shape.dim[1:]
    )
    y = m.dense(m.op("Flatten", y), size, 12, 3, rng)
    y = m.op(
        "Reshape",
        m.op("Gather", y, m.constant(np.arange(12)[::-1]), axis=1),
        m.constant([0, 3, 2, 2]),
    )
    indices, tables = m.trees(3, 4, 2, 1, rng)
    y = m.op("LogicConv", y, indices, tables, kernel_shape=[1, 1], depth=1)
    chain = assert_same(m.model(y), rng.random((30, 2, 7, 8)) < 0.5)
    assert kinds(chain) == ["Conv", "Pool", "Conv", "Reshape", "Dense", "Reshape", "Conv"]


def test_a_network_level_model(classifier, rng) -> None:
    chain = assert_same(lgnx.lower(classifier), rng.random((200, 6), np.float32))
    assert kinds(chain)[0] == "Compare"
    assert kinds(chain)[-1] == "Sum"
    assert all(a.in_dim and b.in_dim == len(a.indices) for a, b in pairwise(chain.steps[1:-1]))


def test_a_network_level_model_of_images(make, rng) -> None:
    m = make(2, 5, 5)
    indices, tables = m.trees(2 * 4, 3, 2, 2, rng)
    y = m.op("LogicConv", "x", indices, tables, kernel_shape=[2, 2], depth=2)
    chain = assert_same(lgnx.lower(m.model(y)), rng.random((30, 2, 5, 5)) < 0.5)
    assert kinds(chain)[0] == kinds(chain)[-1] == "Reshape"


def test_an_argmax_is_left_out(make, rng) -> None:
    m = make(9)
    y = m.op("GroupSum", m.dense("x", 9, 12, 2, rng), groups=3)
    model = m.model(m.op("ArgMax", y, axis=1, keepdims=0))
    assert read_chain(model).left_out == "the node 'n_ArgMax_2' (ArgMax)"
    assert kinds(read_chain(model)) == ["Dense", "Sum"]
    lowered = read_chain(lgnx.lower(model))
    assert lowered.left_out == "the ArgMax of its scores"


def test_numbers_may_be_widened_before_they_are_compared(make, rng) -> None:
    m = make(4, dtype=TensorProto.FLOAT)
    y = m.op("Cast", "x", to=TensorProto.DOUBLE)
    y = m.op("Thermometer", y, m.constant(rng.random((4, 2))))
    assert kinds(read_chain(m.model(y))) == ["Compare", "Reshape"]


def skip(m: Any, rng: Any) -> str:
    y = m.dense("x", 9, 9, 2, rng)
    return m.op("Or", y, "x")


def twice(m: Any, rng: Any) -> str:
    y = m.dense("x", 9, 9, 2, rng)
    m.dense("x", 9, 9, 2, rng)
    return m.dense(y, 9, 9, 2, rng)


def negated(m: Any, rng: Any) -> str:
    return m.dense(m.op("Not", "x"), 9, 9, 2, rng)


def scaled(m: Any, rng: Any) -> str:
    y = m.op("GroupSum", m.dense("x", 9, 9, 2, rng), groups=3)
    return m.op("Mul", y, m.constant(np.float32(2)))


def last_index(m: Any, rng: Any) -> str:
    y = m.op("GroupSum", m.dense("x", 9, 9, 2, rng), groups=3)
    return m.op("ArgMax", y, axis=1, select_last_index=1)


def across_samples(m: Any, rng: Any) -> str:
    return m.dense(m.op("Slice", "x", *[m.constant([n]) for n in (0, 1, 0)]), 9, 9, 2, rng)


def moved_before_pooling(m: Any, rng: Any) -> str:
    y = m.op("Reshape", "x", m.constant([0, 1, 3, 3]))
    y = m.op("OrPool", y, kernel_shape=[2, 2])
    return m.op("OrPool", m.op("Transpose", y, perm=[0, 1, 3, 2]), kernel_shape=[2, 2])


def nothing_left(m: Any, rng: Any) -> str:
    return m.op("Slice", "x", *[m.constant([n]) for n in (0, 0, 1)])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            skip,
            r"node 'n_Or_1' \(Or\): reads 'x', must read the value of the node before it alone: l",
        ),
        (
            twice,
            r"node 'n_LogicDense_1' \(LogicDense\): reads 'x', must read the value of the node",
        ),
        (negated, r"node 'n_Not_0' \(Not\): is no layer; lgnx\.lower\(model, to='network'\) makes"),
        (scaled, r"node 'n_Mul_2' \(Mul\): stands behind the scores"),
        (last_index, r"node 'n_ArgMax_2' \(ArgMax\): stands behind the scores"),
        (across_samples, r"node 'n_Slice_0' \(Slice\): moves values between samples"),
        (moved_before_pooling, r"node 'n_OrPool_3' \(OrPool\): reads bits in another order than"),
        (nothing_left, r"node 'n_Slice_0' \(Slice\): leaves nothing of a sample"),
    ],
)
def test_what_is_no_chain_is_refused_by_node(make, rng, build, message: str) -> None:
    m = make(9)
    model = m.model(build(m, rng))
    with pytest.raises(ModelError, match=f"^model: {message}"):
        read_chain(model)


def test_what_is_no_chain_becomes_one_at_the_network_level(make, rng) -> None:
    m = make(9)
    model = m.model(skip(m, rng))
    assert_same(lgnx.lower(model), rng.random((100, 9)) < 0.5)


def test_numbers_that_were_moved_are_refused(make, rng) -> None:
    m = make(4, 4, dtype=TensorProto.FLOAT)
    y = m.op("Transpose", "x", perm=[0, 2, 1])
    y = m.op("Thermometer", y, m.constant(rng.random((4, 2), np.float32)))
    with pytest.raises(ModelError, match=r"\(Thermometer\): reads numbers that were moved about"):
        read_chain(m.model(y))


def test_numbers_that_are_rounded_are_refused(make, rng) -> None:
    m = make(4, dtype=TensorProto.DOUBLE)
    y = m.op("Cast", "x", to=TensorProto.FLOAT)
    y = m.op("Thermometer", y, m.constant(rng.random((4, 2), np.float32)))
    with pytest.raises(ModelError, match=r"\(Cast\): makes float64 float32; lgnx\.lower"):
        read_chain(m.model(y))


def test_a_model_that_is_wrong_is_refused(make, rng) -> None:
    m = make(9)
    model = m.model(m.dense("x", 9, 9, 2, rng))
    indices = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    indices[0, 0] = 9
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(indices, "c0"))
    with pytest.raises(ModelError, match="indices"):
        read_chain(model)


def test_several_outputs_are_refused(make, rng) -> None:
    m = make(9)
    y = m.dense("x", 9, 9, 2, rng)
    with pytest.raises(
        ModelError, match=r"^model: has the outputs 'Log\w+', 'Log\w+', must have one"
    ):
        read_chain(m.model(y, m.dense(y, 9, 9, 2, rng)))
