"""What float32 may make of a sum, and where functions of one number step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.converters.qonnx_steps import MAX_STEPS, steps_of
from lgnx.converters.qonnx_sums import bounds

SEEDS = st.integers(0, 2**32 - 1)
FLOATS = st.floats(-(2.0**100), 2.0**100, width=32)
WEIGHTS = st.sampled_from([-1.0, 1.0, 0.3])


def in_some_order(
    rng: np.random.Generator, x: list[np.float32], w: list[np.float32], fused: bool
) -> np.float32:
    """A dot product in float32: any order, any grouping, products rounded or not."""
    terms: list[np.float32] = [a * b for a, b in zip(x, w, strict=True)]
    if fused:  # one accumulator, products never rounded
        total = np.float32(0)
        for i in rng.permutation(len(x)):
            exact = Fraction(float(x[i])) * Fraction(float(w[i])) + Fraction(float(total))
            total = np.float32(float(exact)) if abs(exact) < 2**100 else np.float32(exact)
        return total
    while len(terms) > 1:
        i, j = sorted(rng.choice(len(terms), 2, replace=False).tolist())
        second, first = terms.pop(j), terms.pop(i)
        terms.append(first + second)
    return terms[0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(FLOATS, st.sampled_from([-1.0, 1.0, 0.3])), min_size=1, max_size=9), SEEDS
)
def test_no_order_leaves_the_bounds(pairs: list[tuple[float, float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, x = ([np.float32(pair[i]) for pair in pairs] for i in range(2))
    terms = np.float64(x) * np.float64(w)
    low, high = bounds(terms[None])
    with np.errstate(all="ignore"):
        for fused in (False, True):
            for _ in range(4):
                found = in_some_order(rng, x, w, fused)
                assert low[0] <= found <= high[0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**24), 2**24), min_size=1, max_size=8), st.integers(-20, 20), SEEDS)
def test_a_sum_without_rounding_is_known_exactly(whole: list[int], e: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = [np.float32(np.ldexp(float(n), e)) for n in whole]
    low, high = bounds(np.float64(x)[None])
    if sum(map(abs, whole)) <= 2**24:
        assert low[0] == high[0] == np.float32(np.ldexp(float(sum(whole)), e))
    if low[0] == high[0]:
        results = {float(in_some_order(rng, x, [np.float32(1)] * len(x), False)) for _ in range(20)}
        assert results == {float(low[0])}


def test_ties_of_equal_weights() -> None:
    s = np.float64(np.float32(0.0371))
    low, high = bounds(np.array([[s, -s] * 3]))
    assert low[0] < 0 < high[0]  # s + s + s is rounded
    low, high = bounds(np.array([[s, -s] * 2]))
    assert low[0] == high[0] == 0  # no sum of some of them is
    low, high = bounds(np.array([[0.75, -0.75, 0.75, -0.75, 3, 0]]))
    assert low[0] == high[0] == 3
    assert bounds(np.zeros((2, 3)))[0].tolist() == [0, 0]


@np.errstate(over="ignore")
def check_steps(f, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    found = steps_of(f, shape)
    assert found is not None
    thresholds, levels = found
    around = [thresholds, np.nextafter(thresholds, np.float32(-np.inf)), thresholds * 2 + 1]
    with np.errstate(over="ignore"):
        around.append(np.nextafter(thresholds, np.float32(np.inf)))
    rows = np.concatenate([np.moveaxis(a, -1, 0) for a in around])
    rows = np.concatenate([rows, np.zeros((1, *shape)), np.full((1, *shape), np.float32(-1e38))])
    rows = np.clip(rows, -3e38, 3e38).astype(np.float32)
    reached = (rows[..., None] >= thresholds).sum(-1)
    expected = np.take_along_axis(levels, reached, 0)
    np.testing.assert_array_equal(np.concatenate([f(row[None]) for row in rows]), expected)
    return thresholds, levels


def test_steps_of_signs_and_staircases() -> None:
    thresholds, levels = check_steps(
        lambda x: np.where(x >= 0, np.float32(1), np.float32(-1)), (2,)
    )
    assert (thresholds.tolist(), levels.tolist()) == ([[0], [0]], [[-1, -1], [1, 1]])
    assert not np.signbit(thresholds).any()
    slopes = np.float32([3.7, -0.2, 1e-30, 0])
    check_steps(lambda x: np.sign(x * slopes + np.float32(0.1)), (4,))
    check_steps(lambda x: np.clip(np.round(x / np.float32(0.3)), -2, 1) * np.float32(0.3), (1, 3))
    assert steps_of(lambda x: np.clip(np.round(x), 0, MAX_STEPS + 1), (1,)) is None


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_steps_are_exact_for_any_scale_and_offset(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale, offset = (
        (rng.normal(0, 1, 5) * 10.0 ** rng.integers(-20, 20, 5)).astype(np.float32)
        for _ in range(2)
    )

    def f(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.where(x * scale + offset >= 0, np.float32(0.5), np.float32(-0.5))

    check_steps(f, (5,))


def test_bounds_are_those_of_every_row() -> None:
    rng = np.random.default_rng(0)
    terms = rng.normal(0, 1, (64, 6))
    low, high = bounds(terms)
    for row in range(64):
        one = bounds(terms[row : row + 1])
        assert one[0][0] == pytest.approx(low[row], abs=1e-5)
        assert low[row] <= np.float32(terms[row].sum()) <= high[row]
