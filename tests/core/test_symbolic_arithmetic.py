"""Adders, comparisons, multiplexers and tournaments against numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.netlist import NetlistBuilder
from lgnx.netlist.arithmetic import (
    Number,
    Sum,
    all_of,
    any_of,
    bits_for,
    equal,
    larger,
    largest,
    less,
    product,
    select,
    tournament,
)
from lgnx.ops import engine

BOUNDS = st.tuples(st.integers(-9, 9), st.integers(0, 9)).map(lambda b: (b[0], b[0] + b[1]))


def inputs(*bounds: tuple[int, int], n: int = 1) -> tuple[NetlistBuilder, list[Number]]:
    """Numbers [n] whose bits are inputs."""
    widths = [bits_for(*b) for b in bounds]
    builder = NetlistBuilder(n * sum(widths))
    parts = np.split(builder.inputs().reshape(-1, n), np.cumsum(widths)[:-1])
    return builder, [Number(part, *b) for part, b in zip(parts, bounds, strict=True)]


def evaluate(builder: NetlistBuilder, result: Number | np.ndarray, values: list, bounds) -> list:
    """Values of the result for rows of values [B, n] of the inputs."""
    number = result if isinstance(result, Number) else Number(result[None], 0, 1)
    columns = [
        np.stack([v >> w & 1 for w in range(bits_for(*b))], axis=1).reshape(len(v), -1)
        for v, b in zip(values, bounds, strict=True)
    ]
    bits = builder.finish(number.planes).simulate(np.concatenate(columns, axis=1) != 0)
    planes = bits.reshape(len(bits), len(number.planes), -1).astype(np.int64)
    weights = 1 << np.arange(len(number.planes), dtype=np.int64)
    if number.low < 0:
        weights[-1] *= -1
    found = np.einsum("bwn,w->bn", planes, weights)
    assert len(number.planes) == bits_for(number.low, number.high)
    assert found.min() >= number.low
    assert found.max() <= number.high
    return found


def pairs(bounds) -> list[np.ndarray]:
    grid = np.meshgrid(*(np.arange(low, high + 1) for low, high in bounds), indexing="ij")
    return [part.reshape(-1, 1) for part in grid]


OPERATIONS: dict[str, tuple[Callable, Callable]] = {
    "product": (product, np.multiply),
    "less": (less, np.less),
    "equal": (equal, np.equal),
    "larger": (larger, np.maximum),
    "smaller": (lambda b, x, y: larger(b, x, y, smallest=True), np.minimum),
    "select": (lambda b, x, y: select(b, less(b, x, y), x, y), np.minimum),
}


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=40, deadline=None)
@given(a=BOUNDS, b=BOUNDS)
def test_two_numbers(name, a, b):
    build, expected = OPERATIONS[name]
    builder, (x, y) = inputs(a, b)
    result = build(builder, x, y)
    values = pairs((a, b))
    np.testing.assert_array_equal(evaluate(builder, result, values, (a, b)), expected(*values))


@settings(max_examples=60, deadline=None)
@given(
    terms=st.lists(st.tuples(BOUNDS, st.booleans(), st.integers(0, 2)), min_size=1, max_size=3),
    constant=st.integers(-20, 20),
)
def test_sums_of_signed_and_shifted_numbers(terms, constant):
    bounds = [b for b, _, _ in terms]
    builder, numbers = inputs(*bounds)
    total = Sum(builder, (1,))
    total.add_constant(constant)
    for number, (_, negative, shift) in zip(numbers, terms, strict=True):
        total.add(number, negative=negative, shift=shift)
    values = pairs(bounds)
    signs = [(-1 if negative else 1) << shift for _, negative, shift in terms]
    expected = constant + sum(s * v for s, v in zip(signs, values, strict=True))
    np.testing.assert_array_equal(evaluate(builder, total.finish(), values, bounds), expected)


def counted(n: int) -> tuple[NetlistBuilder, Number]:
    builder = NetlistBuilder(n)
    total = Sum(builder, ())
    total.add(Number(builder.inputs()[None], 0, 1))
    return builder, total.finish()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 12, 64, 65])
def test_counting_bits(n):
    builder, count = counted(n)
    rng = np.random.default_rng(0)
    bits = np.concatenate([rng.random((200, n)) < rng.random((200, 1)), np.eye(n) > 0])
    bits = np.concatenate([bits, np.zeros((1, n), bool), np.ones((1, n), bool)])
    planes = builder.finish(count.planes).simulate(bits)
    np.testing.assert_array_equal(planes @ (1 << np.arange(len(count.planes))), bits.sum(axis=1))


@pytest.mark.parametrize(("n", "adders"), [(3, 1), (7, 4), (15, 11), (31, 26), (63, 57)])
def test_counting_takes_one_full_adder_for_each_carry(n, adders):
    builder, count = counted(n)
    net = builder.finish(count.planes)
    assert net.n_nodes == 5 * adders
    kinds, _, _ = engine.optimize(n, net.kinds, net.fanins, net.outputs)
    assert len(kinds) <= 5 * adders
    assert net.depth <= 3 * n.bit_length() + 6


def test_comparing_with_a_constant_takes_one_gate_for_each_bit():
    builder, (x,) = inputs((0, 255))
    net = builder.finish(less(builder, x, Number.constant(np.array([0b01011010]))))
    kinds, _, _ = engine.optimize(8, net.kinds, net.fanins, net.outputs)
    assert len(kinds) <= 7


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("smallest", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_tournaments(n, smallest, last):
    low, high = -2, 2
    builder, (x,) = inputs((low, high), n=n)
    numbers = Number(x.planes[..., None], low, high)
    value, index = tournament(builder, numbers, smallest=smallest, last=last)
    rows = np.random.default_rng(0).integers(low, high + 1, (500, n))
    best = rows.min(axis=1) if smallest else rows.max(axis=1)
    wins = rows == best[:, None]
    expected = n - 1 - wins[:, ::-1].argmax(axis=1) if last else wins.argmax(axis=1)
    bounds = [(low, high)]
    np.testing.assert_array_equal(evaluate(builder, index, [rows], bounds)[:, 0], expected)
    np.testing.assert_array_equal(evaluate(builder, value, [rows], bounds)[:, 0], best)
    alone = largest(builder, numbers, smallest=smallest)
    np.testing.assert_array_equal(evaluate(builder, alone, [rows], bounds)[:, 0], best)


@pytest.mark.parametrize(("build", "expected"), [(any_of, np.any), (all_of, np.all)])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 9])
def test_any_and_all(build, expected, n):
    builder = NetlistBuilder(n)
    net = builder.finish(build(builder, builder.inputs()))
    assert net.n_nodes == max(0, n - 1)
    bits = np.concatenate([np.random.default_rng(0).random((9, n)) < 0.5, np.ones((1, n), bool)])
    np.testing.assert_array_equal(net.simulate(bits)[:, 0], expected(bits, axis=1))


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(0, 0, 1), (0, 1, 1), (0, 255, 8), (-1, 0, 1), (-1, 1, 2), (-8, 7, 4), (-9, 0, 5), (3, 4, 3)],
)
def test_numbers_have_as_many_bits_as_their_bounds_need(low, high, bits):
    assert bits_for(low, high) == bits


def test_bounds_of_each_number_follow_from_its_constant_bits():
    builder = NetlistBuilder(2)
    a, b = builder.inputs().tolist()
    number = Number(np.array([[a, 1], [0, b]], np.uint32), 0, 3)
    low, high = number.each()
    assert (low.tolist(), high.tolist()) == ([0, 1], [1, 3])
