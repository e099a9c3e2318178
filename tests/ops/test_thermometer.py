from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

FLOATS = ["float16", "float32", "float64"]
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


def test_a_bit_is_one_above_its_threshold(agree):
    x = np.array([0.5, 0.25, np.nan, np.inf, -np.inf], np.float32)
    thresholds = np.array([0.25, 0.5], np.float32)
    above = [[1, 0], [0, 0], [0, 0], [1, 1], [0, 0]]
    np.testing.assert_array_equal(agree("Thermometer", x, thresholds), above)
    at_least = [[1, 1], [1, 0], [0, 0], [1, 1], [0, 0]]
    np.testing.assert_array_equal(agree("Thermometer", x, thresholds, strict=0), at_least)


@pytest.mark.parametrize("strict", [0, 1])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_every_type_of_number_is_taken(agree, dtype, strict):
    kind = np.dtype(dtype)
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    x = np.array([[limits.min, 0, 1, 2, 3, limits.max]], kind)
    thresholds = np.array([[limits.min, 0, 1, 2, limits.max]], kind)
    agree("Thermometer", x, thresholds, strict=strict)


def test_large_integers_are_not_compared_as_floats(agree):
    x = np.array([2**53, 2**53 + 1], np.int64)
    bits = agree("Thermometer", x, np.array([2**53], np.int64))
    np.testing.assert_array_equal(bits, [[False], [True]])


@settings(max_examples=30, deadline=None)
@given(data=st.data(), strict=st.integers(0, 1), dtype=st.sampled_from(["float32", "int32"]))
def test_thresholds_broadcast_over_the_features(agree, data, strict, dtype):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    own = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    dropped = data.draw(st.integers(0, len(shape)))
    count = data.draw(st.integers(1, 3))
    values = st.integers(-3, 3) if dtype == "int32" else st.floats(width=32)
    x = data.draw(hnp.arrays(dtype, shape, elements=values))
    levels = st.integers(-3, 3) if dtype == "int32" else st.floats(width=32, allow_nan=False)
    thresholds = data.draw(hnp.arrays(dtype, (*own[dropped:], count), elements=levels))
    agree("Thermometer", x, thresholds, strict=strict)


@pytest.mark.parametrize(
    ("thresholds", "attributes", "expected"),
    [
        ([[np.nan, 1]], {}, "input thresholds: 1 of 2 thresholds are NaN"),
        ([[1, 2]], {"strict": 2}, "attribute strict: is 2, must be 0"),
        (np.zeros((1, 0)), {}, "input thresholds: has no thresholds"),
        (0.5, {}, "input thresholds: is a scalar"),
        (
            np.zeros((5, 2)),
            {},
            "input thresholds: shape [5, 2] does not broadcast against x of shape [1, 4]",
        ),
        (np.zeros((1, 1, 4, 2)), {}, "input thresholds: has rank 4, at most 3"),
    ],
)
def test_bad_thresholds_are_named(problems, thresholds, attributes, expected):
    x = np.zeros((1, 4), np.float32)
    assert expected in problems("Thermometer", x, np.array(thresholds, np.float32), **attributes)


def test_unsorted_thresholds_are_a_warning_only(problems):
    x = np.zeros((1, 4), np.float32)
    found = problems("Thermometer", x, np.array([1, 0.5], np.float32))
    assert found == "warning: node 'node', input thresholds: are not sorted along the last axis"


def test_shapes_that_do_not_broadcast_stop_the_run(refused):
    x, thresholds = np.zeros((2, 4), np.float32), np.zeros((3, 2), np.float32)
    assert "thresholds" in refused("Thermometer", x, thresholds)
