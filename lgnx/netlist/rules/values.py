"""Symbolic values: wires in place of bits, and numbers whose bits are wires.

Every bit is a number. 0 and 1 are the constants; any other number is a literal of the netlist that
grows meanwhile. A batch of unknown size is run with two samples, a fixed one with as many as it
has; their literals differ by OFFSET. All samples must show the same picture, or an operator has
mixed samples and is not logic of one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lgnx.netlist.arithmetic import Number
from lgnx.ops.errors import LgnxError

SAMPLES = 2
OFFSET = np.int64(1) << 40
BOOL = np.dtype(bool)


class NotBooleanError(LgnxError):
    """A node is not Boolean logic on the bits of one sample; the message says why."""


class Batch(int):
    """The axis of the batch, and how many samples it has."""

    samples: int

    def __new__(cls, axis: int, samples: int) -> Batch:
        """Make one."""
        batch = super().__new__(cls, axis)
        batch.samples = samples
        return batch

    def at(self, axis: int) -> Batch:
        """Give the same batch as another axis."""
        return Batch(axis, self.samples)


@dataclass(frozen=True)
class Symbols:
    """A tensor of bits, or of numbers made of bits.

    Attributes
    ----------
    planes
        int64 [W, ...]: bit w of each number, of all samples, in two's complement (without a sign
        where ``low`` is not negative). Bits have one plane.
    low, high
        Bounds of the numbers; 0 and 1 for bits.
    dtype
        Element type in the model.
    samples
        Size of the batch; None for constants.
    table
        Where the numbers are not these whole numbers n but a function of them: its values for
        low .. high, of ``dtype``.
    """

    planes: np.ndarray
    low: int
    high: int
    dtype: np.dtype
    samples: int | None
    table: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.planes.shape[1:]

    @property
    def is_bits(self) -> bool:
        """Whether the tensor is bool."""
        return self.dtype == BOOL


def source_bits(literals: np.ndarray, samples: int) -> Symbols:
    """Make bits of a batch of the literals of one sample, uint32 [...]."""
    return encode(Number(literals[None, None], 0, 1), Batch(0, samples), BOOL)


def constant_symbols(array: np.ndarray) -> Symbols:
    """Make a symbolic value of a constant.

    Raises
    ------
    NotBooleanError
        If it holds anything but whole numbers.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise NotBooleanError(f"it reads a constant of {array.dtype}")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise NotBooleanError("it computes with a constant that is not a whole number")
    if array.size and max(abs(float(array.min())), abs(float(array.max()))) >= 1 << 62:
        raise NotBooleanError("it computes with a constant beyond 62 bits")
    number = Number.constant(array.astype(np.int64))
    return Symbols(number.planes.astype(np.int64), number.low, number.high, array.dtype, None)


def decode(values: Sequence[Symbols]) -> tuple[list[Number], Batch]:
    """Find the numbers of one sample in values that are broadcast against each other.

    Returns
    -------
    tuple
        The numbers, whose axes are those of the tensors, and the axis of the batch, which has as
        many entries as the tensors have for each sample along it.

    Raises
    ------
    NotBooleanError
        If no axis is the batch, or if samples were mixed.
    """
    try:
        shape = np.broadcast_shapes(*(value.shape for value in values))
    except ValueError as error:
        raise NotBooleanError(f"its inputs do not broadcast: {error}") from error
    planes = [
        np.broadcast_to(
            v.planes.reshape(-1, *[1] * (len(shape) - len(v.shape)), *v.shape),
            (len(v.planes), *shape),
        )
        for v in values
    ]
    samples = next((v.samples for v in values if v.samples is not None), SAMPLES)
    candidates = [axis for axis, extent in enumerate(shape) if extent % samples == 0]
    for axis in candidates:
        literals = [_one_sample(part, axis, samples) for part in planes]
        found = [part for part in literals if part is not None]
        if len(found) == len(values):
            numbers = [Number(p, v.low, v.high) for p, v in zip(found, values, strict=True)]
            return numbers, Batch(axis, samples)
    if candidates:
        raise NotBooleanError("it mixes samples of the batch")
    raise NotBooleanError("none of its axes is the batch")


def encode(
    number: Number, batch: Batch, dtype: np.dtype, table: np.ndarray | None = None
) -> Symbols:
    """Undo `decode`: give the numbers of a batch.

    Raises
    ------
    NotBooleanError
        If they are not exact in their type.
    """
    if table is None:
        check_exact(number.low, number.high, dtype)
    literals = number.planes
    shape = list(literals.shape)
    shape[1 + batch] *= batch.samples
    every = np.empty(shape, np.int64)
    for sample, part in enumerate(np.split(every, batch.samples, axis=1 + batch)):
        np.add(literals, sample * OFFSET, out=part)
        np.copyto(part, literals, where=literals < 2)
    return Symbols(every, number.low, number.high, dtype, batch.samples, table)


def _one_sample(planes: np.ndarray, axis: int, samples: int) -> np.ndarray | None:
    one, *others = np.split(planes, samples, axis=1 + axis)
    for sample, other in enumerate(others, 1):
        if not np.array_equal(other, np.where(one > 1, one + sample * OFFSET, one)):
            return None
    return one.astype(np.uint32)


def check_exact(low: int, high: int, dtype: np.dtype) -> None:
    """Refuse numbers that a type does not hold exactly.

    Raises
    ------
    NotBooleanError
        If low or high is out of its range.
    """
    least, most = exact_range(dtype)
    if low < least or high > most:
        raise NotBooleanError(
            f"its numbers may lie from {low} to {high}, which {dtype} does not hold exactly"
        )


def exact_range(dtype: np.dtype) -> tuple[int, int]:
    """Whole numbers that a type holds, all of them exactly.

    Raises
    ------
    NotBooleanError
        If it is no type to compute with.
    """
    if dtype == BOOL:
        return 0, 1
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return int(limits.min), int(limits.max)
    if dtype.kind == "f":
        limit = 1 << (np.finfo(dtype).nmant + 1)
        return -limit, limit
    raise NotBooleanError(f"it computes in {dtype}")


def same_order(values: Sequence[Symbols]) -> bool:
    """Tell whether values compare as the whole numbers do that they are made of."""
    first = values[0].table
    if first is None:
        return all(value.table is None for value in values)
    if not (np.diff(first.astype(np.longdouble)) > 0).all():
        return False
    return all(
        value.table is not None
        and (value.low, value.high) == (values[0].low, values[0].high)
        and np.array_equal(value.table, first)
        for value in values
    )
