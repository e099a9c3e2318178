"""Data movement between gates: onnxruntime on the graph against the network made of it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest
from onnx import TensorProto
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as MissingError

import lgnx
from lgnx.netlist.regions import find_regions
from lgnx.verify.reference import reference_evaluator

INT64 = TensorProto.INT64


def batch_and(m, x, *extents):
    """Shape [batch, *extents], computed as exporters write it."""
    batch = m.op("Shape", x, start=0, end=1)
    return m.op("Concat", batch, m.constant(list(extents)), axis=0)


def scattered(m, x):
    flat = m.op("Reshape", x, m.constant([0, 12]))
    updates = m.op("Transpose", m.op("Gather", flat, m.constant([5, 7]), axis=1), perm=[1, 0])
    turned, places = m.op("Transpose", x, perm=[1, 2, 0]), m.constant([[0, 0], [2, 1]])
    return m.op("Transpose", m.op("ScatterND", turned, places, updates), perm=[2, 0, 1])


# Each takes bits [B, 3, 4] and gives bits of any shape.
MOVES = {
    "Concat": lambda m, x: m.op("Concat", x, m.op("Not", x), axis=2),
    "DepthToSpace": lambda m, x: m.op(
        "DepthToSpace", m.op("Reshape", x, m.constant([0, 4, 3, 1])), blocksize=2
    ),
    "SpaceToDepth": lambda m, x: m.op(
        "SpaceToDepth", m.op("Reshape", x, m.constant([0, 3, 2, 2])), blocksize=2
    ),
    "Expand": lambda m, x: m.op(
        "Expand", m.op("Unsqueeze", x, m.constant([1])), batch_and(m, x, 2, 3, 4)
    ),
    "Flatten": lambda m, x: m.op("Flatten", x, axis=1),
    "Gather": lambda m, x: m.op("Gather", x, m.constant([[3, 0], [1, -1]]), axis=2),
    "GatherElements": lambda m, x: m.op(
        "GatherElements",
        x,
        m.op("Expand", m.constant([[[3, 0]]]), batch_and(m, x, 3, 2)),
        axis=2,
    ),
    "GatherND": lambda m, x: m.op(
        "GatherND", m.op("Transpose", x, perm=[1, 2, 0]), m.constant([[0, 3], [2, 1]])
    ),
    "GatherND in samples": lambda m, x: m.op(
        "GatherND",
        x,
        m.op("Expand", m.constant([[[0, 3], [2, 1]]]), batch_and(m, x, 2, 2)),
        batch_dims=1,
    ),
    "Pad": lambda m, x: m.op(
        "Pad", x, m.constant([0, 1, 0, 0, 0, 2]), m.constant(np.array(True)), mode="constant"
    ),
    "Pad along axes": lambda m, x: m.op("Pad", x, m.constant([1, 1]), "", m.constant([-1])),
    "Reshape": lambda m, x: m.op("Reshape", x, m.constant([0, -1, 2])),
    "Reshape to a computed shape": lambda m, x: m.op("Reshape", x, batch_and(m, x, 2, 6)),
    "ScatterElements": lambda m, x: m.op(
        "ScatterElements",
        x,
        m.op("Expand", m.constant([[[1]]]), batch_and(m, x, 3, 1)),
        m.op("Gather", x, m.constant([3]), axis=2),
        axis=2,
    ),
    "ScatterND": scattered,
    "Slice": lambda m, x: m.op(
        "Slice", x, *(m.constant(v) for v in ([3, 0], [0, 9], [-1, 1], [-2, 1]))
    ),
    "Slice of all samples": lambda m, x: m.op(
        "Slice", x, m.constant([0]), m.constant([2**62]), m.constant([0])
    ),
    "Split": lambda m, x: m.op("Split", x, m.constant([4]), axis=2),
    "Squeeze": lambda m, x: m.op(
        "Squeeze", m.op("Gather", x, m.constant([2]), axis=1), m.constant([1])
    ),
    "Tile": lambda m, x: m.op("Tile", x, m.constant([1, 2, 1])),
    "Transpose": lambda m, x: m.op("Transpose", x, perm=[0, 2, 1]),
    "Trilu": lambda m, x: m.op("Trilu", x, m.constant(1), upper=0),
    "batch last": lambda m, x: m.op("Transpose", m.op("Not", m.op("Transpose", x, perm=[2, 1, 0]))),
    "rows as samples": lambda m, x: m.op(
        "Reshape", m.op("Not", m.op("Reshape", x, m.constant([-1, 4]))), m.constant([-1, 12])
    ),
    "constants of the batch": lambda m, x: m.op(
        "Xor", x, m.op("Expand", m.constant([[[True], [False], [True]]]), batch_and(m, x, 3, 1))
    ),
}


def original(model):
    """What runs the graph itself: onnxruntime, where it has all operators for these types."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(model.SerializeToString(), options)
    except MissingError:
        return reference_evaluator(model)


def agree(model, batches=(1, 2, 3, 64, 65)):
    network = lgnx.lower(model)
    kinds = [node.op_type for node in network.graph.node]
    assert set(kinds) <= {"LogicNetwork", "Reshape", "Transpose"}
    assert kinds.count("LogicNetwork") == 1
    graph, made = original(model), lgnx.InferenceSession(network)
    rng = np.random.default_rng(0)
    for n in batches:
        x = rng.random((n, 3, 4)) < 0.5
        (expected,), (actual,) = graph.run(None, {"x": x}), made.run(None, {"x": x})
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(actual, expected)


def bring_back(m, name, y):
    return m.op("Transpose", y, perm=[1, 0]) if name == "GatherND" else y


@pytest.mark.parametrize("name", MOVES)
def test_bits_are_moved(make, name):
    m = make(3, 4)
    y = MOVES[name](m, m.op("Not", "x"))
    agree(m.model(m.op("Not", bring_back(m, name, y))))


@pytest.mark.parametrize("name", [n for n in MOVES if n != "constants of the batch"])
def test_numbers_are_moved(make, name):
    """The move of numbers 0 .. 3, seen through the parity and the size of each."""
    m = make(3, 4)
    twice = m.op("Mul", m.op("Cast", "x", to=INT64), m.constant([[[2], [1], [3]]]))
    if name == "Concat":
        y = m.op("Concat", twice, m.op("Neg", twice), axis=2)
    elif name == "Pad":
        y = m.op("Pad", twice, m.constant([0, 1, 0, 0, 0, 2]), m.constant(-5))
    elif name in ("batch last", "rows as samples"):
        y = MOVES[name](m, m.op("Greater", twice, m.constant(1)))
        return agree(m.model(m.op("Not", y)))
    elif name == "Trilu":
        y = m.op("Trilu", twice, m.constant(1), upper=1)
    else:
        y = MOVES[name](m, twice)
    y = bring_back(m, name, y)
    large = m.op("Greater", y, m.constant(1))
    agree(m.model(m.op("Xor", large, m.op("Equal", y, m.constant(3)))))


@pytest.mark.parametrize("shift", [-3, -2, 0, 2])
@pytest.mark.parametrize("op", ["Concat", "Pad", "Trilu", "ScatterElements"])
def test_numbers_of_different_bounds_meet(make, op, shift):
    m = make(3, 4)
    numbers = m.op("Cast", "x", to=INT64)
    moved = m.op("Add", numbers, m.constant(shift))
    thrice = m.op("Mul", numbers, m.constant(3))
    if op == "Concat":
        y = m.op("Concat", thrice, moved, axis=1)
    elif op == "Pad":
        y = m.op("Pad", moved, m.constant([0, 0, 0, 0, 1, 1]))
    elif op == "Trilu":
        y = m.op("Trilu", moved, upper=1)
    else:
        at = m.op("Expand", m.constant([[[2], [1], [0]]]), batch_and(m, "x", 3, 1))
        last = m.op("Gather", moved, m.constant([3]), axis=2)
        y = m.op("ScatterElements", thrice, at, last, axis=2)
    equal = [m.op("Equal", y, m.constant(c)) for c in range(-3, 4)]
    agree(m.model(m.op("Concat", *equal, axis=1)))


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_fixed_batch_may_stand_in_shapes(make, batch):
    m = make(3, 4, batch=batch)
    zeros = m.constant(np.zeros((batch, 3, 2), bool))
    y = m.op("Concat", m.op("Not", "x"), zeros, axis=2)
    y = m.op("Reshape", y, m.constant([batch, 2, 9]))
    rows = m.op("Reshape", m.op("Not", y), m.constant([batch * 2, 9]))
    counts = m.op("ReduceSum", m.op("Cast", rows, to=INT64), m.constant([1]))
    y = m.op("Reshape", m.op("Greater", counts, m.constant(4)), m.constant([batch, 2]))
    agree(m.model(y), batches=[batch])


def test_samples_are_not_scattered_into_a_batch(make):
    m = make(4)
    zeros = m.op("Expand", m.constant([[False]]), batch_and(m, "x", 4))
    y = m.op("ScatterND", zeros, m.constant([[0], [1]]), m.op("Not", "x"))
    _, reasons = find_regions(ir.serde.deserialize_model(m.model(m.op("Not", y))))
    found = {node.op_type: reason for node, reason in reasons.items()}
    assert found["ScatterND"] == "it may pick samples of the batch"
