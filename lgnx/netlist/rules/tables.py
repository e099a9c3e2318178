"""Functions of whole numbers, kept as tables until somebody needs their bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lgnx.netlist.arithmetic import Number, bits_for, less
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules.values import (
    BOOL,
    NotBooleanError,
    Symbols,
    check_exact,
    decode,
    encode,
)
from lgnx.ops.tables import MAX_INPUTS, pack_tables


def values_of(value: Symbols) -> np.ndarray:
    """Values of the numbers for the whole numbers low .. high that they are made of.

    Raises
    ------
    NotBooleanError
        If these are too many.
    """
    if value.table is not None:
        return value.table
    if bits_for(value.low, value.high) > MAX_INPUTS:
        raise NotBooleanError(
            f"it is a function of {value.high - value.low + 1} different numbers, too many for a "
            "table"
        )
    return np.arange(value.low, value.high + 1).astype(value.dtype)


def mapped(value: Symbols, function: Callable[[np.ndarray], np.ndarray]) -> Symbols:
    """Apply a function to each number, without gates."""
    with np.errstate(all="ignore"):
        table = function(values_of(value))
    if np.array_equal(table, np.arange(value.low, value.high + 1)):
        return encode_as(value, table.dtype)
    return replace(value, dtype=table.dtype, table=table)


def encode_as(value: Symbols, dtype: np.dtype) -> Symbols:
    """Whole numbers in another type, which must hold them."""
    check_exact(value.low, value.high, dtype)
    return replace(value, dtype=dtype, table=None)


def whole(builder: NetlistBuilder, value: Symbols) -> Symbols:
    """Make the bits of numbers that are a function of others.

    Raises
    ------
    NotBooleanError
        If they are not whole numbers.
    """
    if value.table is None:
        return value
    table = value.table
    if not (np.isfinite(table) & (table == np.floor(table))).all():
        raise NotBooleanError("it computes with numbers that are not whole")
    if max(abs(float(table.min())), abs(float(table.max()))) >= 1 << 62:
        raise NotBooleanError("it computes with numbers beyond 62 bits")
    made = Number.constant(table.astype(np.int64))
    (codes,), batch = decode([value])
    planes = [_looked_up(builder, codes, plane != 0) for plane in made.planes]
    return encode(Number(np.stack(planes), made.low, made.high), batch, value.dtype)


def looked_up(builder: NetlistBuilder, value: Symbols, truth: np.ndarray) -> Symbols:
    """Bits that are a function of numbers: bool, for the whole numbers low .. high."""
    (codes,), batch = decode([value])
    return encode(Number(_looked_up(builder, codes, truth)[None], 0, 1), batch, BOOL)


def _looked_up(builder: NetlistBuilder, codes: Number, truth: np.ndarray) -> np.ndarray:
    shape = codes.planes.shape[1:]
    changes = np.flatnonzero(np.diff(truth))
    if not len(changes):
        return np.full(shape, int(truth[0]), np.uint32)
    if len(changes) == 1:  # all above a limit, or all below
        limit = Number.constant(np.full((1,) * len(shape), codes.low + int(changes[0]) + 1))
        below = less(builder, codes, limit)
        return below if truth[0] else builder.not_(below)
    width = len(codes.planes)
    entries = np.zeros(1 << width, bool)
    entries[np.arange(codes.low, codes.high + 1) % (1 << width)] = truth
    literals = codes.planes.reshape(width, -1).T
    tables = np.repeat(pack_tables(entries[None]), len(literals), axis=0)
    return builder.lut(tables, literals).reshape(shape)
