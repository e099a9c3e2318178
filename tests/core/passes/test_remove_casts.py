from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

FLOAT, DOUBLE, BOOL = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.BOOL


def test_a_detour_through_floats_disappears(make, apply, ops):
    m = make(4)
    bits = m.op("Cast", m.op("Cast", "x", to=FLOAT), to=BOOL)
    assert ops(apply(m.model(m.op("Not", bits)), "remove-casts")) == {"Not": 1}


def test_two_casts_to_numbers_become_one(make, apply, ops):
    m = make(4)
    y = m.op("Cast", m.op("Cast", "x", to=FLOAT), to=DOUBLE)
    assert ops(apply(m.model(y), "remove-casts")) == {"Cast": 1}


@pytest.mark.parametrize(
    ("op", "limit", "expected"),
    [
        ("Greater", 0.0, []),
        ("Greater", 0.5, []),
        ("GreaterOrEqual", 1.0, []),
        ("Less", 0.5, ["Not"]),
        ("LessOrEqual", 0.0, ["Not"]),
        ("Greater", 1.0, ["Cast", "Greater"]),  # always false: left to others
        ("Less", 2.0, ["Cast", "Less"]),
        ("Greater", -1.0, ["Cast", "Greater"]),
        ("Greater", np.nan, ["Cast", "Greater"]),
    ],
)
def test_comparisons_of_bits(make, apply, op, limit, expected):
    m = make(4)
    y = m.op(op, m.op("Cast", "x", to=FLOAT), m.constant(np.float32(limit)))
    result = apply(m.model(m.op("Not", y)), "remove-casts")
    assert [node.op_type for node in result.graph.node] == [*expected, "Not"]


@pytest.mark.parametrize("op", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
@pytest.mark.parametrize("limit", [-0.5, 0.0, 0.5, 1.0, 1.5])
def test_comparisons_the_other_way_round(make, apply, op, limit):
    m = make(4)
    y = m.op(op, m.constant(np.float32(limit)), m.op("Cast", "x", to=FLOAT))
    apply(m.model(m.op("Not", y)), "remove-casts")


def test_arithmetic_on_bits_becomes_logic(make, apply, ops):
    m = make(2, 3)
    a, b = (m.op("Cast", m.op("Gather", "x", m.constant(i), axis=1), to=FLOAT) for i in (0, 1))
    both = m.op("Mul", a, b)
    either = m.op("Sub", m.op("Add", a, b), both)
    neither = m.op("Sub", m.constant(np.float32(1)), either)
    y = m.op("Cast", neither, to=BOOL)
    result = apply(m.model(y), "remove-casts", "remove-unused")
    assert ops(result)["Cast"] == 0
    assert ops(result)["Or"] == ops(result)["Not"] == 1


@pytest.mark.parametrize(("op", "expected"), [("Max", "Or"), ("Min", "And"), ("Mul", "And")])
def test_extrema_of_bits_become_logic(make, apply, ops, op, expected):
    m = make(2, 3)
    a, b = (m.op("Cast", m.op("Gather", "x", m.constant(i), axis=1), to=FLOAT) for i in (0, 1))
    y = m.op("Not", m.op("Cast", m.op(op, a, b), to=BOOL))
    assert ops(apply(m.model(y), "remove-casts")) == {"Gather": 2, expected: 1, "Not": 1}


def test_extrema_of_three_numbers_stay(make, apply, ops):
    m = make(3)
    bits = m.op("Cast", "x", to=FLOAT)
    y = m.op("Cast", m.op("Max", bits, bits, bits), to=BOOL)
    assert ops(apply(m.model(y), "remove-casts"))["Max"] == 1


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, "OrPool"),
        ({"strides": [2, 1], "pads": [1, 0, 0, 1]}, "OrPool"),
        ({"dilations": [1, 1], "ceil_mode": 0}, "OrPool"),
        ({"dilations": [2, 1]}, "MaxPool"),
        ({"ceil_mode": 1, "strides": [2, 2]}, "MaxPool"),
        ({"auto_pad": "SAME_UPPER"}, "MaxPool"),
    ],
)
def test_the_maximum_over_windows_of_bits_becomes_or_pool(make, apply, ops, attributes, expected):
    m = make(2, 5, 4)
    bits = m.op("Cast", "x", to=FLOAT)
    pooled = m.op("MaxPool", bits, kernel_shape=[2, 3], **attributes)
    result = apply(m.model(m.op("Cast", pooled, to=BOOL)), "remove-casts")
    assert ops(result)[expected] == 1
    assert ops(result)["Cast"] == (0 if expected == "OrPool" else 2)


@pytest.mark.parametrize(
    ("move", "constants", "attributes"),
    [
        ("Reshape", [[-1, 2, 3]], {}),
        ("Transpose", [], {"perm": [0, 2, 1]}),
        ("Gather", [[2, 0]], {"axis": 1}),
        ("Slice", [[0], [2], [2]], {}),
        ("Unsqueeze", [[1]], {}),
        ("Expand", [[1, 3, 2]], {}),
        ("Identity", [], {}),
        ("Tile", [[1, 2, 1]], {}),
        ("Pad", [[0, 1, 0, 0, 0, 1]], {}),
    ],
)
def test_data_movement_takes_bits(make, apply, move, constants, attributes):
    shape = (1, 2) if move == "Expand" else (3, 2)
    m = make(*shape)
    moved = m.op(move, m.op("Cast", "x", to=FLOAT), *map(m.constant, constants), **attributes)
    result = apply(m.model(m.op("Cast", moved, to=BOOL)), "remove-casts", "remove-unused")
    assert "Cast" not in [node.op_type for node in result.graph.node]


def test_constants_of_bits_move_along(make, apply, ops):
    m = make(3)
    parts = [m.op("Cast", "x", to=FLOAT), m.op("Cast", m.op("Not", "x"), to=FLOAT)]
    joined = m.op("Concat", *parts, axis=1)
    result = apply(m.model(m.op("Cast", joined, to=BOOL)), "remove-casts")
    assert ops(result)["Cast"] == 0


def test_numbers_that_are_no_bits_stay_numbers(make, apply, ops):
    m = make(3, dtype=FLOAT)
    y = m.op("Cast", m.op("Mul", "x", "x"), to=BOOL)
    assert ops(apply(m.model(y), "remove-casts")) == {"Mul": 1, "Cast": 1}


def test_a_cast_that_is_an_output_stays(make, apply, ops):
    m = make(3)
    numbers = m.op("Cast", "x", to=FLOAT)
    result = apply(m.model(numbers, m.op("Cast", numbers, to=BOOL)), "remove-casts")
    assert ops(result)["Cast"] == 1
