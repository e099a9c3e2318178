"""Arithmetic on numbers whose bits are literals of a netlist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.netlist.build import NetlistBuilder


@dataclass(frozen=True)
class Number:
    """A tensor of whole numbers made of bits.

    Attributes
    ----------
    planes
        uint32 [W, ...]: literals of bit w of each number, two's complement where ``low`` is
        negative. W is just large enough for the bounds.
    low, high
        Bounds of the numbers, both of them included.
    """

    planes: np.ndarray
    low: int
    high: int

    @staticmethod
    def constant(array: np.ndarray) -> Number:
        """Give numbers that are known, int64 or bool."""
        array = np.asarray(array).astype(np.int64)
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        width = bits_for(low, high)
        planes = np.stack([(array >> w & 1).astype(np.uint32) for w in range(width)])
        return Number(planes, low, high)

    def extended(self, width: int) -> np.ndarray:
        """Planes of a width that is at least that of the bounds, by more copies of the sign."""
        missing = width - len(self.planes)
        sign = self.planes[-1:] if self.low < 0 else np.zeros_like(self.planes[-1:])
        return np.concatenate([self.planes, *[sign] * missing])

    def within(self, low: int, high: int) -> Number:
        """Give the same numbers with bounds that hold, too."""
        width = max(len(self.planes), bits_for(low, high))
        return Number(self.extended(width), low, high).trimmed()

    def each(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of each number, int64 [...], as far as its constant bits tell."""
        weights = [1 << w for w in range(len(self.planes))]
        low = np.zeros(self.planes.shape[1:], np.int64)
        high = np.zeros(self.planes.shape[1:], np.int64)
        for plane, weight in zip(self.planes, weights, strict=True):
            if self.low < 0 and weight == weights[-1]:
                low -= weight * (plane != 0)
                high -= weight * (plane == 1)
            else:
                low += weight * (plane == 1)
                high += weight * (plane != 0)
        return np.maximum(low, self.low), np.minimum(high, self.high)

    def trimmed(self) -> Number:
        """Leave out planes beyond those that the bounds need."""
        return Number(self.planes[: bits_for(self.low, self.high)], self.low, self.high)


def bits_for(low: int, high: int) -> int:
    """Bits of the numbers from low to high, at least 1; one more where some are negative."""
    if low >= 0:
        return max(1, high.bit_length())
    return max((~low).bit_length(), high.bit_length() if high > 0 else 0) + 1


def any_of(builder: NetlistBuilder, bits: np.ndarray) -> np.ndarray:
    """OR over the first axis of literals [n, ...], as a balanced tree; false for n = 0."""
    return builder.not_(all_of(builder, builder.not_(bits)))


def all_of(builder: NetlistBuilder, bits: np.ndarray) -> np.ndarray:
    """AND over the first axis of literals [n, ...], as a balanced tree; true for n = 0."""
    if not len(bits):
        return np.ones(bits.shape[1:], np.uint32)
    while len(bits) > 1:
        half = len(bits) // 2
        pairs = builder.and_(bits[:half], bits[half : 2 * half])
        bits = np.concatenate([pairs, bits[2 * half :]])
    return bits[0]


class Sum:
    """Sums bits of any weights, and constants, with as few full adders as there are carries.

    Parameters
    ----------
    builder
        Gets the gates.
    shape
        Shape of the sum.
    """

    def __init__(self, builder: NetlistBuilder, shape: tuple[int, ...]) -> None:
        self.builder, self.shape = builder, shape
        self.constant = 0
        self._low, self._high, self._lowest, self._highest = np.zeros((4, *shape), np.int64)
        self._columns: dict[int, list[np.ndarray]] = {}

    def add_constant(self, value: int) -> None:
        """Add one number to all."""
        self.constant += value
        self._widen(*np.full((2, 1, *self.shape), value, np.int64))

    def add(self, numbers: Number, *, shift: int = 0, negative: bool = False) -> None:
        """Add numbers [...], or numbers [n, ...] with one more axis that is summed up.

        They are multiplied by 2^shift; with ``negative`` they are subtracted.
        """
        planes = numbers.planes
        if planes.ndim == 1 + len(self.shape):
            planes = planes[:, None]
        n = planes.shape[1]
        planes = np.broadcast_to(planes, (len(planes), n, *self.shape))
        low, high = (part << shift for part in Number(planes, numbers.low, numbers.high).each())
        self._widen(*((-high, -low) if negative else (low, high)))
        for w, bits in enumerate(planes):
            is_sign = numbers.low < 0 and w == len(planes) - 1
            self.add_bits(bits, w + shift, negative != is_sign)

    def _widen(self, low: np.ndarray, high: np.ndarray) -> None:
        """Take the bounds of terms [n, ...] in."""
        self._low = self._low + low.sum(axis=0)
        self._high = self._high + high.sum(axis=0)
        self._lowest = self._lowest + np.minimum(low, 0).sum(axis=0)
        self._highest = self._highest + np.maximum(high, 0).sum(axis=0)

    @property
    def low(self) -> int:
        """Lower bound of the sum."""
        return int(self._low.min()) if self._low.size else 0

    @property
    def high(self) -> int:
        """Upper bound of the sum."""
        return int(self._high.max()) if self._high.size else 0

    @property
    def lowest(self) -> int:
        """Lower bound of the sums of any of its terms, in whatever order they are added."""
        return int(self._lowest.min()) if self._lowest.size else 0

    @property
    def highest(self) -> int:
        """Upper bound of these."""
        return int(self._highest.max()) if self._highest.size else 0

    def add_bits(self, bits: np.ndarray, weight: int, negative: bool) -> None:
        """Add literals [n, ...] times 2^weight, without a change of the bounds."""
        if not bits.size:
            return
        if negative:  # -b = (1 - b) - 1
            bits = self.builder.not_(bits)
            self.constant -= len(bits) << weight
        constant = bits.reshape(len(bits), -1)
        same = (constant == constant[:, :1]).all(axis=1) & (constant < 2).all(axis=1)
        self.constant += int(constant[same, :1].sum(dtype=np.int64)) << weight
        if not same.all():
            self._columns.setdefault(weight, []).append(bits[~same])

    def finish(self, low: int | None = None, high: int | None = None) -> Number:
        """Give the sum; closer bounds may be known than those that follow from the terms."""
        low, high = self.low if low is None else low, self.high if high is None else high
        width = bits_for(low, high)
        columns: list[list[np.ndarray]] = [self._columns.get(w, []) for w in range(width)]
        for w in range(width):
            if self.constant >> w & 1:
                columns[w] = [*columns[w], np.ones((1, *self.shape), np.uint32)]
        planes = []
        for w, column in enumerate(columns):
            bits = np.concatenate([*column, np.zeros((0, *self.shape), np.uint32)])
            while len(bits) > 1:
                bits, carries = self._compress(bits, keep_carry=w + 1 < width)
                if w + 1 < width:
                    columns[w + 1].append(carries)
            planes.append(bits[0] if len(bits) else np.zeros(self.shape, np.uint32))
        return Number(np.stack(planes), low, high)

    def _compress(self, bits: np.ndarray, *, keep_carry: bool) -> tuple[np.ndarray, np.ndarray]:
        """Replace three bits of one weight by one, and one of the next: full adders."""
        b, n = self.builder, len(bits) // 3
        if not n:
            total = b.xor(bits[:1], bits[1:])
            return total, b.and_(bits[:1], bits[1:]) if keep_carry else bits[:0]
        x, y, z = bits[:n], bits[n : 2 * n], bits[2 * n : 3 * n]
        half = b.xor(x, y)
        total = b.xor(half, z)
        carries = b.or_(b.and_(x, y), b.and_(half, z)) if keep_carry else bits[:0]
        # What was added goes to the back, so all bits come in at about the same level.
        return np.concatenate([bits[3 * n :], total]), carries


def product(builder: NetlistBuilder, a: Number, b: Number) -> Number:
    """Multiply numbers of one shape."""
    shape = np.broadcast_shapes(a.planes.shape[1:], b.planes.shape[1:])
    total = Sum(builder, shape)
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    for i, left in enumerate(a.planes):
        for j, right in enumerate(b.planes):
            if not left.any() or not right.any():
                continue
            negative = (a.low < 0 and i == len(a.planes) - 1) != (
                b.low < 0 and j == len(b.planes) - 1
            )
            bits = np.broadcast_to(_and(builder, left, right), shape)
            total.add_bits(bits[None], i + j, negative)
    return total.finish(min(corners), max(corners))


def _and(builder: NetlistBuilder, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """AND without gates where an operand is constant, so the bounds of products stay close."""
    a, b = np.broadcast_arrays(a, b)
    result = np.where(a == 0, 0, np.where(a == 1, b, np.where(b == 1, a, 0))).astype(np.uint32)
    open_ = (a > 1) & (b > 1)
    result[open_] = builder.and_(a[open_], b[open_])
    return result


def less(builder: NetlistBuilder, a: Number, b: Number) -> np.ndarray:
    """Tell where a < b."""
    width = bits_for(min(a.low, b.low), max(a.high, b.high))
    pairs = list(zip(a.extended(width), b.extended(width), strict=True))
    if min(a.low, b.low) < 0:
        x, y = pairs[-1]
        pairs[-1] = y, x  # a set sign makes a number smaller
    result = np.zeros(np.broadcast_shapes(a.planes.shape[1:], b.planes.shape[1:]), np.uint32)
    for x, y in pairs:
        below = builder.and_(builder.not_(x), y)
        not_above = builder.or_(builder.not_(x), y)
        result = builder.or_(below, builder.and_(result, not_above))
    return result


def equal(builder: NetlistBuilder, a: Number, b: Number) -> np.ndarray:
    """Tell where a = b."""
    width = bits_for(min(a.low, b.low), max(a.high, b.high))
    same = builder.not_(builder.xor(a.extended(width), b.extended(width)))
    return all_of(builder, same)


def select(builder: NetlistBuilder, condition: np.ndarray, a: Number, b: Number) -> Number:
    """``a`` where the condition is true, else ``b``."""
    low, high = min(a.low, b.low), max(a.high, b.high)
    width = bits_for(low, high)
    return Number(builder.mux(condition, a.extended(width), b.extended(width)), low, high)


def larger(builder: NetlistBuilder, a: Number, b: Number, *, smallest: bool = False) -> Number:
    """The larger of two numbers, or the smaller; an OR or an AND of bits."""
    bounds = min if smallest else max
    low, high = bounds(a.low, b.low), bounds(a.high, b.high)
    if min(a.low, b.low) >= 0 and max(a.high, b.high) <= 1:
        gate = builder.and_ if smallest else builder.or_
        return Number(gate(a.planes, b.planes), low, high)
    wins = less(builder, a, b) if smallest else less(builder, b, a)
    chosen = select(builder, wins, a, b)
    return Number(chosen.planes, chosen.low, chosen.high).within(low, high)


def largest(builder: NetlistBuilder, numbers: Number, *, smallest: bool = False) -> Number:
    """Largest number along the first axis of numbers [n, ...], n > 0, as a balanced tree."""
    planes, low, high = numbers.planes, numbers.low, numbers.high
    while planes.shape[1] > 1:
        half = planes.shape[1] // 2
        a, b = (Number(planes[:, i * half : (i + 1) * half], low, high) for i in (0, 1))
        won = larger(builder, a, b, smallest=smallest).within(low, high)
        planes = np.concatenate([won.planes, planes[:, 2 * half :]], axis=1)
    return Number(planes[:, 0], low, high)


def tournament(
    builder: NetlistBuilder, numbers: Number, *, smallest: bool = False, last: bool = False
) -> tuple[Number, Number]:
    """Find the largest number along the first axis of numbers [n, ...], n > 0.

    Parameters
    ----------
    smallest
        The smallest instead.
    last
        Of equal numbers the last one wins, else the first one.

    Returns
    -------
    tuple
        The number and its index.
    """
    n = numbers.planes.shape[1]
    indices = np.broadcast_to(
        np.arange(n).reshape(-1, *[1] * (numbers.planes.ndim - 2)), numbers.planes.shape[1:]
    )
    values, places = numbers.planes, Number.constant(indices).planes
    while (n := values.shape[1]) > 1:
        half = n // 2
        left, right = (
            Number(values[:, start : 2 * half : 2], numbers.low, numbers.high) for start in (0, 1)
        )
        low, high = (right, left) if smallest else (left, right)
        wins = builder.not_(less(builder, high, low)) if last else less(builder, low, high)
        values, places = (
            np.concatenate(
                [
                    builder.mux(wins, part[:, 1 : 2 * half : 2], part[:, 0 : 2 * half : 2]),
                    part[:, 2 * half :],
                ],
                axis=1,
            )
            for part in (values, places)
        )
    return Number(values[:, 0], numbers.low, numbers.high), Number(
        places[:, 0], 0, numbers.planes.shape[1] - 1
    )
