"""Numbers that take few values, as bits: how layers of them become truth tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from lgnx.converters.qonnx_sums import bounds, nearest
from lgnx.converters.qonnx_windows import shape_of
from lgnx.ops.tables import pack_tables
from lgnx.passes.edit import Inserter

__all__ = ["Codes", "Sums", "fan_ins", "numbers_of", "sums_of", "tables_of"]

_FLOAT, _INT64 = ir.DataType.FLOAT, ir.DataType.INT64


@dataclass(frozen=True)
class Codes:
    """Numbers [B, ...] that follow from bits.

    Attributes
    ----------
    bits
        bool [B, W].
    wires
        [..., n]: where in ``bits`` the n bits of each number are, low bit first.
    levels
        float32 [2^n, ...]: the number for each of the 2^n values of its bits.
    """

    bits: ir.Value
    wires: np.ndarray
    levels: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        return self.levels.shape[1:]

    def moved(self, places: np.ndarray) -> Codes:
        """Give the numbers at some places of the flattened sample."""
        n = self.wires.shape[-1]
        levels = self.levels.reshape(len(self.levels), -1)[:, places]
        return replace(self, wires=self.wires.reshape(-1, n)[places], levels=levels)


@dataclass(frozen=True)
class Sums:
    """Numbers [B, N], of which each follows from a few bits.

    Attributes
    ----------
    bits
        bool [B, W].
    wires
        [N, k], what each number reads; -1 where it reads less than k bits.
    low, high
        float32 [2^k, N]: bounds of what the model may compute for each address.
    node
        Name of the node that adds.
    sums
        The bounds behind that node; ``low`` and ``high`` are those behind what follows it.
    """

    bits: ir.Value
    wires: np.ndarray
    low: np.ndarray
    high: np.ndarray
    node: str
    sums: tuple[np.ndarray, np.ndarray]


def fan_ins(codes: Codes, weights: np.ndarray) -> list[np.ndarray]:
    """Bits that each column of weights [I, N] reads; numbers with one value read none."""
    varies = (codes.levels != codes.levels[0]).any(0)
    return [np.unique(codes.wires[(column != 0) & varies]) for column in weights.T]


def sums_of(
    codes: Codes, weights: np.ndarray, bias: np.ndarray | None, node: str, rounds: bool
) -> Sums:
    """Give ``codes @ weights + bias``, which a node adds, for every address.

    Parameters
    ----------
    codes
        Of shape [I].
    weights
        float32 [I, N].
    bias
        float32 [N].
    rounds
        Whether a sum is what exact arithmetic gives, rounded once, rather than what any order of
        its additions may give.
    """
    read = fan_ins(codes, weights)
    k = max(1, *(len(wires) for wires in read))
    wires = np.full((len(read), k), -1, np.int64)
    low, high = (np.zeros((1 << k, len(read)), np.float32) for _ in range(2))
    n = codes.wires.shape[-1]
    addresses = np.arange(1 << k)
    for neuron, (known, column) in enumerate(zip(read, weights.T, strict=True)):
        inputs = np.flatnonzero(column)
        # Numbers with one value are read at code 0, wherever their bits are.
        places = np.searchsorted(known, codes.wires[inputs])
        places = np.minimum(places, max(len(known) - 1, 0))
        own = np.arange(1 << len(known))
        chosen = (own[:, None, None] >> places & 1) << np.arange(n)
        values = codes.levels[chosen.sum(-1), inputs]
        terms = values.astype(np.float64) * column[inputs].astype(np.float64)
        if bias is not None:
            terms = np.column_stack([terms, np.full(len(terms), bias[neuron], np.float64)])
        wires[neuron, : len(known)] = known
        bound = (nearest(terms),) * 2 if rounds else bounds(terms)
        low[:, neuron], high[:, neuron] = (part[addresses % len(own)] for part in bound)
    return Sums(codes.bits, wires, low, high, node, (low, high))


def tables_of(results: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give packed tables of the bits of results, and what the bits stand for.

    Parameters
    ----------
    results
        float32 [2^k, N], not NaN.

    Returns
    -------
    tuple
        uint8 [N * n, nb], the tables of the n bits of each number, low bit first, and the levels
        float32 [2^n, N].
    """
    distinct = [np.unique(column) for column in results.T]
    n = max(1, (max(len(values) for values in distinct) - 1).bit_length())
    levels = np.stack([np.pad(v, (0, (1 << n) - len(v)), mode="edge") for v in distinct], 1)
    codes = np.stack(
        [np.searchsorted(v, column) for v, column in zip(distinct, results.T, strict=True)]
    )
    bits = codes[:, None] >> np.arange(n)[:, None] & 1
    return pack_tables(bits.reshape(len(codes) * n, -1)), levels.astype(np.float32)


def numbers_of(insert: Inserter, codes: Codes) -> ir.Value:
    """Make the numbers of their bits by ordinary ONNX."""
    shape, n = codes.shape, codes.wires.shape[-1]
    batch, width = shape_of(codes.bits)
    bits, wires = codes.bits, codes.wires.reshape(-1)
    if not np.array_equal(wires, np.arange(width)):
        where = insert.constant("wires", wires)
        known = [batch, wires.size]
        bits = insert.op("Gather", [bits, where], {"axis": 1}, dtype=ir.DataType.BOOL, shape=known)
    uniform = all((level == level.reshape(-1)[:1]).all() for level in codes.levels)
    levels = codes.levels
    if uniform:
        levels = levels.reshape(len(levels), -1)[:, 0]
    full = [batch, *shape]
    if n == 1:
        if len(shape) != 1:
            bits = insert.reshape(bits, [0, *shape], full)
        low, high = (insert.constant(f"level_{i}", levels[i]) for i in range(2))
        return insert.op("Where", [bits, high, low], dtype=_FLOAT, shape=full)
    split = insert.reshape(bits, [0, *shape, n], [*full, n])
    ones = insert.op("Cast", [split], {"to": int(_INT64)}, dtype=_INT64, shape=[*full, n])
    powers = insert.constant("powers", 1 << np.arange(n, dtype=np.int64))
    weighted = insert.op("Mul", [ones, powers], dtype=_INT64, shape=[*full, n])
    axis, keep = insert.constant("axis", np.array([len(full)])), {"keepdims": 0}
    code = insert.op("ReduceSum", [weighted, axis], keep, dtype=_INT64, shape=full)
    if not uniform:
        size = int(np.prod(shape))
        first = insert.constant("rows", np.arange(size).reshape(shape) << n)
        code = insert.op("Add", [code, first], dtype=_INT64, shape=full)
        levels = levels.reshape(len(levels), size).T.reshape(-1)
    table = insert.constant("levels", levels)
    return insert.op("Gather", [table, code], {"axis": 0}, dtype=_FLOAT, shape=full)
