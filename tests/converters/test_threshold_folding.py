"""Thresholds that take in what is done to numbers before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.converters.threshold_folding import fold_into_thresholds
from lgnx.ops.errors import ModelError

FINITE = {"allow_nan": False, "allow_infinity": False}
HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16)  # every number there is, and NaN
NUMBERS = st.floats(width=32, min_value=-(2.0**100), max_value=2.0**100)
SCALES = st.floats(width=32, min_value=2.0**-60, max_value=2.0**60)


def agree(f, limits, thresholds, x):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(x[:, None] > thresholds, f(x[:, None]) > limits)


@settings(max_examples=60, deadline=None)
@given(mean=NUMBERS, scale=SCALES, limits=st.lists(st.floats(**FINITE), min_size=1, max_size=5))
def test_scaling_goes_into_thresholds_for_every_half(mean, scale, limits):
    def f(x):
        return (x.astype(np.float64) - mean) / scale

    limits = np.array(limits)
    thresholds, strict = fold_into_thresholds(f, limits, np.float16)
    assert strict
    assert thresholds.dtype == np.float16
    agree(f, limits, thresholds, HALVES)


@settings(max_examples=100, deadline=None)
@given(
    dtype=st.sampled_from([np.float32, np.float64]),
    rounded=st.sampled_from([np.float32, np.float64]),
    mean=NUMBERS,
    scale=SCALES,
    limits=st.lists(st.floats(width=32, **FINITE), min_size=1, max_size=5),
    seed=st.integers(0, 2**32 - 1),
)
def test_scaling_goes_into_thresholds_of_floats(dtype, rounded, mean, scale, limits, seed):
    def f(x):
        return ((x.astype(np.float64) - mean) / scale).astype(rounded)

    limits = np.array(limits, rounded)
    thresholds, strict = fold_into_thresholds(f, limits, dtype)
    assert strict
    near = [thresholds]
    for way in (-np.inf, np.inf):
        for _ in range(40):
            with np.errstate(over="ignore"):
                near.append(np.nextafter(near[-1], dtype(way)))
        near.append(thresholds)
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        spread = (rng.normal(size=200) * scale * np.abs(limits).max() + mean).astype(dtype)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan], dtype)
    agree(f, limits, thresholds, np.concatenate([*near, spread, special]))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
@pytest.mark.parametrize("digits", [-3, 0, 4])
def test_rounding_down_goes_into_thresholds_of_integers(dtype, digits):
    def f(x):
        return np.floor((x.astype(np.float64) - 3.7) / 1.3 * 2.0**digits)

    info = np.iinfo(dtype)
    x = np.arange(int(info.min), int(info.max) + 1).astype(dtype)
    low = f(x[:1])[0]
    limits = np.array([low, low + 1, -1, 0, 0.5, 7, 1e9]).clip(min=low)
    thresholds, strict = fold_into_thresholds(f, limits, dtype)
    assert strict
    agree(f, limits, thresholds, x)
    limits = np.array([low - 1, low, low + 1, -np.inf, 0.5])
    thresholds, strict = fold_into_thresholds(f, limits, dtype)
    assert not strict
    np.testing.assert_array_equal(x[:, None] >= thresholds, f(x[:, None]) > limits)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_that_a_float_does_not_hold_keep_their_rounding(dtype):
    def f(x):
        return x.astype(np.float32)

    limits = np.array([2.0**24, 2.0**40 + 2.0**17, 2.0**62], np.float32)
    thresholds, strict = fold_into_thresholds(f, limits, dtype)
    assert strict
    assert thresholds[0] == 2**24 + 1  # which becomes 2^24
    near = np.concatenate([thresholds - dtype(1), thresholds, thresholds + dtype(1)])
    agree(f, limits, thresholds, near)


def test_bits_that_are_always_1_and_always_0_are_no_thresholds_of_one_integer_type():
    with pytest.raises(ModelError, match="every number of uint8 is above one threshold, and none"):
        fold_into_thresholds(lambda x: x.astype(np.float32), np.array([-0.5, 300]), np.uint8)


def test_a_bit_that_is_never_1_is_the_largest_number():
    t, _ = fold_into_thresholds(lambda x: x.astype(np.float64), np.array([300.0]), np.uint8)
    assert t.tolist() == [255]
    t, _ = fold_into_thresholds(lambda x: x / 2, np.array([np.inf], np.float32), np.float32)
    assert t.tolist() == [np.inf]
