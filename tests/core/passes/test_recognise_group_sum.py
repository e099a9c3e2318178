from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

FLOAT, DOUBLE, INT32, INT64 = (
    getattr(TensorProto, n) for n in ("FLOAT", "DOUBLE", "INT32", "INT64")
)
NAMES = ("recognise-group-sum", "remove-unused")


def attributes(model):
    (node,) = (n for n in model.graph.node if n.op_type == "GroupSum")
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def counted(m, x="x", kind=FLOAT, axes=(2,), **more):
    return m.op("ReduceSum", m.op("Cast", x, to=kind), m.constant(list(axes)), **more)


def test_a_sum_of_the_last_axis_is_a_group_sum(make, apply, ops):
    m = make(4, 3)
    result = apply(m.model(counted(m, keepdims=0)), *NAMES)
    assert ops(result) == {"Reshape": 1, "GroupSum": 1}
    assert attributes(result) == {"groups": 4, "dtype": FLOAT}


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    kind=st.sampled_from([FLOAT, DOUBLE, INT32, INT64]),
    keepdims=st.integers(0, 1),
    data=st.data(),
)
def test_any_axes_but_the_batch_may_be_counted(make, apply, ops, shape, kind, keepdims, data):
    m = make(*shape)
    every = st.sampled_from(range(1, len(shape) + 1))
    axes = data.draw(st.lists(every, min_size=1, unique=True))
    axes = [axis - len(shape) - 1 if data.draw(st.booleans()) else axis for axis in axes]
    result = apply(m.model(counted(m, kind=kind, axes=axes, keepdims=keepdims)), *NAMES)
    assert ops(result)["GroupSum"] == 1
    assert ops(result)["ReduceSum"] == ops(result)["Cast"] == 0


def test_a_mean_divides_by_the_size_of_the_groups(make, apply):
    m = make(4, 3)
    y = m.op("ReduceMean", m.op("Cast", "x", to=FLOAT), m.constant([2]), keepdims=0)
    assert attributes(apply(m.model(y), *NAMES))["tau"] == 3


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("Add", 1.5), ("Div", 0.75), ("Sub", 2.0)], {"bias": 1.5, "tau": 0.75, "beta": -2.0}),
        ([("Div", 3.0), ("Add", 0.25)], {"tau": 3.0, "beta": 0.25}),
        ([("Mul", 0.125)], {"tau": 8.0}),
        ([("Add", 1.0), ("Add", 2.0)], {"bias": 1.0, "beta": 2.0}),
    ],
)
def test_scores_are_scaled_in_the_order_of_the_steps(make, apply, ops, steps, expected):
    m = make(4, 3)
    y = m.op("Cast", counted(m, kind=INT64, keepdims=0), to=FLOAT)
    for op, c in steps:
        y = m.op(op, y, m.constant(np.float32(c)))
    result = apply(m.model(y), *NAMES)
    assert ops(result) == {"Reshape": 1, "GroupSum": 1}
    assert attributes(result) == {"groups": 4, "dtype": FLOAT, **expected}


@pytest.mark.parametrize(
    ("op", "c", "kind"),
    [
        ("Mul", np.float32(3), FLOAT),
        ("Div", np.float32(-2), FLOAT),
        ("Add", np.float64(0.1), DOUBLE),
        ("Div", np.int32(2), INT32),
        ("Add", np.array([1, 2, 3, 4], np.float32), FLOAT),
        ("Add", np.float32("inf"), FLOAT),
    ],
)
def test_other_steps_stay(make, apply, ops, op, c, kind):
    m = make(4, 3)
    y = m.op(op, counted(m, kind=kind, keepdims=0), m.constant(c))
    result = apply(m.model(y), *NAMES)
    assert ops(result) == {"Reshape": 1, "GroupSum": 1, op: 1}


def test_a_third_step_stays(make, apply, ops):
    m = make(4, 3)
    y = counted(m, keepdims=0)
    for op in ("Div", "Div"):
        y = m.op(op, y, m.constant(np.float32(3)))
    assert ops(apply(m.model(y), *NAMES))["Div"] == 1


def test_counts_that_somebody_else_reads_are_not_scaled(make, apply, ops):
    m = make(4, 3)
    y = counted(m, keepdims=0)
    z = m.op("Div", y, m.constant(np.float32(3)))
    assert ops(apply(m.model(y, z), *NAMES)) == {"Reshape": 1, "GroupSum": 1, "Div": 1}


def test_a_sum_over_the_batch_stays(make, apply, ops):
    m = make(4, 3)
    y = counted(m, axes=(0, 1))
    assert ops(apply(m.model(y), *NAMES)) == {"Cast": 1, "ReduceSum": 1}


def test_a_sum_of_numbers_stays(make, apply, ops):
    m = make(4, 3, dtype=INT32)
    y = counted(m, kind=FLOAT)
    assert ops(apply(m.model(y), *NAMES)) == {"Cast": 1, "ReduceSum": 1}
