from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

import lgnx
from lgnx.passes.pipelines import run_passes
from lgnx.verify.reference import reference_evaluator

FLOAT = TensorProto.FLOAT
NAMES = ("recognise-thermometer", "remove-unused")
COMPARISONS = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]
TYPES = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.FLOAT16: np.float16,
    TensorProto.INT8: np.int8,
    TensorProto.UINT8: np.uint8,
    TensorProto.INT64: np.int64,
}


def thermometer(model):
    (node,) = (n for n in model.graph.node if n.op_type == "Thermometer")
    thresholds = next(t for t in model.graph.initializer if t.name == node.input[1])
    strict = next((a.i for a in node.attribute if a.name == "strict"), 1)
    return numpy_helper.to_array(thresholds), strict


def test_several_comparisons_are_one_thermometer(make, apply, ops):
    m = make(5, dtype=FLOAT)
    bits = [m.op("Greater", "x", m.constant(np.float32(c))) for c in (0.25, 0.5, 0.25)]
    result = apply(m.model(m.op("Not", m.op("Concat", *bits, axis=1))), *NAMES)
    assert ops(result)["Greater"] == 0
    thresholds, strict = thermometer(result)
    assert (thresholds.tolist(), strict) == ([0.25, 0.5], 1)


def test_strict_and_other_comparisons_share_one_thermometer(make, apply):
    m = make(5, dtype=FLOAT)
    one = m.constant(np.float32(1))
    y = m.op("And", m.op("Greater", "x", one), m.op("GreaterOrEqual", "x", one))
    thresholds, strict = thermometer(apply(m.model(y), *NAMES))
    assert strict == 0
    assert thresholds.tolist() == [np.nextafter(np.float32(1), np.float32(2)), 1]


def test_each_feature_may_have_its_own_thresholds(make, apply):
    m = make(3, dtype=FLOAT)
    one, row = m.constant(np.float32(1)), m.constant(np.array([[1, 2, 3]], np.float32))
    y = m.op("And", m.op("Greater", "x", one), m.op("Greater", "x", row))
    thresholds, _ = thermometer(apply(m.model(y), *NAMES))
    assert thresholds.tolist() == [[1, 1], [1, 2], [1, 3]]


@pytest.mark.parametrize("axis", [1, 2])
def test_thresholds_along_a_new_axis_stay_there(make, apply, ops, axis):
    m = make(3, dtype=FLOAT)
    shape = [(2, 1), (2,)][axis - 1]
    limits = m.constant(np.array([0.25, 0.75], np.float32).reshape(shape))
    wide = m.op("Unsqueeze", "x", m.constant([axis]))
    result = apply(m.model(m.op("Not", m.op("Greater", wide, limits))), *NAMES)
    assert ops(result)["Thermometer"] == 1
    assert ops(result)["Unsqueeze"] == ops(result)["Greater"] == 0


def test_numbers_are_compared_before_they_are_moved(make, apply, ops):
    m = make(2, 3, dtype=FLOAT)
    half = m.constant(np.float32(0.5))
    column = m.op("Gather", m.op("Reshape", "x", m.constant([0, 6])), m.constant(4), axis=1)
    a = m.op("Greater", column, half)
    b = m.op("Greater", m.op("Transpose", "x", perm=[0, 2, 1]), half)
    y = m.op("Or", m.op("Unsqueeze", a, m.constant([1, 2])), b)
    result = apply(m.model(y), *NAMES)
    assert ops(result)["Thermometer"] == 1
    assert ops(result)["Greater"] == 0


def test_thermometers_of_one_input_are_merged(make, apply, ops):
    m = make(3, dtype=FLOAT)
    a = m.op("Thermometer", "x", m.constant(np.array([[0, 1]], np.float32)))
    b = m.op("Thermometer", "x", m.constant(np.array([1, 2], np.float32)), strict=0)
    result = apply(m.model(m.op("Xor", a, b)), *NAMES)
    assert ops(result)["Thermometer"] == 1


@pytest.mark.parametrize(
    "limit", [np.float32("nan"), np.ones((5, 5), np.float32), np.ones((4, 1, 1), np.float32)]
)
def test_what_is_no_thermometer_stays(make, apply, ops, limit):
    m = make(5, dtype=FLOAT)
    y = m.op("Not", m.op("Greater", m.op("Reshape", "x", m.constant([-1, 5])), m.constant(limit)))
    result = run_passes(m.model(y), NAMES)
    assert ops(result)["Greater"] == 1


def test_bits_that_no_logic_reads_stay(make, apply, ops):
    m = make(5, dtype=FLOAT)
    result = apply(m.model(m.op("Greater", "x", m.constant(np.float32(1)))), *NAMES)
    assert ops(result) == {"Greater": 1}


def test_numbers_made_of_bits_stay(make, apply, ops):
    m = make(5)
    total = m.op("ReduceSum", m.op("Cast", "x", to=FLOAT), m.constant([1]))
    y = m.op("Not", m.op("Greater", total, m.constant(np.float32(2))))
    assert ops(apply(m.model(y), *NAMES))["Greater"] == 1


@settings(max_examples=120, deadline=None)
@given(kind=st.sampled_from(list(TYPES)), data=st.data())
def test_every_number_gives_the_bits_that_it_gave(make, ops, kind, data):
    dtype = TYPES[kind]
    info = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    special = [info.min, info.max, 0, 1, 2]
    if np.dtype(dtype).kind == "f":
        special += [-np.inf, np.inf, -0.0, 0.5, float(info.smallest_subnormal)]
    m = make(2, dtype=kind)
    limits = [np.array(v, dtype) for v in special]
    bits = []
    for _ in range(data.draw(st.integers(1, 5))):
        op = data.draw(st.sampled_from(COMPARISONS))
        limit = m.constant(data.draw(st.sampled_from(limits)))
        inputs = ["x", limit] if data.draw(st.booleans()) else [limit, "x"]
        bits.append(m.op(op, *inputs))
    model = m.model(m.op("Not", m.op("Concat", *bits, axis=1)))
    values = list(limits)
    if np.dtype(dtype).kind == "f":
        with np.errstate(over="ignore"):
            values += [np.nextafter(v, dtype(d)) for v in limits for d in (-np.inf, np.inf)]
        values += [np.array(np.nan, dtype)]
    x = np.array(values, dtype)
    x = np.stack([x, x[::-1]], axis=1)
    expected = reference_evaluator(model).run(None, {"x": x})[0]
    recognised = run_passes(model, NAMES)
    np.testing.assert_array_equal(reference_evaluator(recognised).run(None, {"x": x})[0], expected)
    lowered = lgnx.lower(model)
    y = lgnx.InferenceSession(lowered, fuse=False).run(None, {"x": x})[0]
    np.testing.assert_array_equal(y, expected)
