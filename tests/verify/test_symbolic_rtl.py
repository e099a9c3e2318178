"""From convolutions and hand-written Boolean code to Verilog, simulated against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.verify.reference import run_reference


def trees(m, channels, n, depth, rng):
    tables = rng.integers(0, 16, (n, 2**depth - 1, 1)).astype(np.uint8)
    indices = rng.integers(0, channels * 9, (n, 2**depth), dtype=np.int32)
    return m.constant(indices), m.constant(tables)


@pytest.fixture
def convolutional(make):
    """Thermometer, two convolutions, one of them transposed, a pool, a layer, scores."""
    rng = np.random.default_rng(0)
    m = make(2, 5, 5, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([0.25, 0.75], np.float32)))
    bits = m.op("Reshape", m.op("Transpose", bits, perm=[0, 1, 4, 2, 3]), m.constant([0, 4, 5, 5]))
    kernel = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "depth": 2}
    y = m.op("LogicConv", bits, *trees(m, 4, 6, 2, rng), **kernel)
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = m.op("LogicConvTranspose", y, *trees(m, 6, 4, 2, rng), strides=[2, 2], **kernel)
    y = m.dense(m.op("Reshape", y, m.constant([0, 36])), 36, 20, 2, rng)
    return m.model(m.op("GroupSum", y, groups=4, tau=0.5))


def agree(design, model, batches):
    made = design(model, input_format="ufixed<8,1>")
    simulation = made.simulation()
    session = lgnx.InferenceSession(model)
    for x in batches:
        scores = simulation.scores(x)
        expected = run_reference(model, x)[0]
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
        assert (scores.dtype, scores.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(scores, expected)


def test_a_convolutional_network(design, convolutional):
    rng = np.random.default_rng(1)
    batches = [rng.integers(0, 256, (n, 2, 5, 5)) / 128 for n in (0, 1, 63, 64, 65, 300)]
    agree(design, convolutional, [x.astype(np.float32) for x in batches])


def test_boolean_onnx_with_sums_and_a_class(design, make):
    m = make(6, dtype=TensorProto.FLOAT)
    limits = [m.constant(np.float32(c)) for c in (0.25, 0.5, 1.25)]
    low, high = m.op("Greater", "x", limits[0]), m.op("GreaterOrEqual", "x", limits[1])
    other = m.op("Less", "x", limits[2])
    numbers = [m.op("Cast", bits, to=TensorProto.INT32) for bits in (low, high, other)]
    total = m.op("Add", m.op("Add", *numbers[:2]), numbers[2])
    majority = m.op("GreaterOrEqual", total, m.constant(np.int32(2)))
    votes = m.op("Concat", m.op("Xor", low, other), majority, axis=1)
    rows = m.op("Cast", m.op("Reshape", votes, m.constant([0, 3, 4])), to=TensorProto.FLOAT)
    counts = m.op("ReduceSum", rows, m.constant([2]), keepdims=0)
    model = m.model(m.op("ArgMax", counts, axis=1, keepdims=0))
    made = design(model, input_format="ufixed<8,1>")
    simulation, session = made.simulation(), lgnx.InferenceSession(model, fuse=True)
    rng = np.random.default_rng(2)
    for n in (1, 64, 65, 400):
        x = (rng.integers(0, 256, (n, 6)) / 128).astype(np.float32)
        expected = run_reference(model, x)[0]
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
        np.testing.assert_array_equal(simulation.run(x).class_index, expected)


def test_arithmetic_that_leads_to_bits(design, make):
    m = make(10)
    numbers = m.op("Cast", "x", to=TensorProto.FLOAT)
    weights = m.constant(np.array([[1, -1], [2, 3]] * 5, np.float32))
    totals = m.op("MatMul", numbers, weights)
    place = m.op("ArgMax", m.op("Reshape", numbers, m.constant([0, 2, 5])), axis=2, keepdims=0)
    y = m.op(
        "Concat",
        m.op("Greater", totals, m.constant(np.float32(4.5))),
        m.op("Equal", place, m.constant(np.array([[1, 2]]))),
        axis=1,
    )
    model = m.model(y)
    simulation = design(model).simulation()
    bits = (np.arange(1024)[:, None] >> np.arange(10) & 1) != 0
    np.testing.assert_array_equal(simulation.scores(bits), run_reference(model, bits)[0])
