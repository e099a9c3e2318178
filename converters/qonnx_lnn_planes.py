"""Numbers that are made of bits: LookupTable has them, LogicDense has their bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from lgnx.converters.qonnx_windows import shape_of
from lgnx.ops.tables import pack_tables
from lgnx.passes.edit import Inserter

__all__ = ["Planes", "numbers_of", "planes_of", "side_by_side", "split_numbers", "without_zeros"]

_BOOL, _INT64 = ir.DataType.BOOL, ir.DataType.INT64


@dataclass(frozen=True)
class Planes:
    """Unsigned numbers [..., C] and their bits.

    Attributes
    ----------
    bits
        bool [..., W].
    wires
        [C, planes]: where in the last axis of ``bits`` each bit of each number is, low bit first;
        -1 for bits that are 0.
    """

    bits: ir.Value
    wires: np.ndarray


def split_numbers(insert: Inserter, x: ir.Value, n: int) -> Planes:
    """Take the n low bits of unsigned numbers [..., C], C known, by ordinary ONNX."""
    assert x.dtype is not None
    *outer, channels = shape_of(x)
    shape = [*outer, channels, n]
    last = insert.constant("axis", np.array([-1]))
    numbers = insert.op("Unsqueeze", [x, last], dtype=x.dtype, shape=[*outer, channels, 1])
    masks = insert.constant("masks", (1 << np.arange(n)).astype(x.dtype.numpy()))
    masked = insert.op("BitwiseAnd", [numbers, masks], dtype=x.dtype, shape=shape)
    bits = insert.op("Cast", [masked], {"to": int(_BOOL)}, dtype=_BOOL, shape=shape)
    flat = insert.reshape(bits, [*[0] * len(outer), channels * n], [*outer, channels * n])
    return Planes(flat, np.arange(channels * n).reshape(channels, n))


def numbers_of(
    insert: Inserter, bits: ir.Value, planes: int, dtype: np.dtype, signed: bool
) -> ir.Value:
    """Make numbers [..., C] of bits [..., C * planes], low bit first, by ordinary ONNX.

    The highest bit of each counts negative if they are ``signed``.
    """
    kind = ir.DataType.from_numpy(dtype)
    numbers, shape = bits, shape_of(bits)
    if planes > 1:
        *outer, width = shape
        shape = [*outer, width // planes]
        split = [*shape, planes]
        numbers = insert.reshape(bits, [*[0] * len(outer), *split[-2:]], split)
        numbers = insert.op("Cast", [numbers], {"to": int(_INT64)}, dtype=_INT64, shape=split)
        powers = 1 << np.arange(planes, dtype=np.int64)
        powers[-1] *= -1 if signed else 1
        weights = insert.constant("powers", powers)
        numbers = insert.op("Mul", [numbers, weights], dtype=_INT64, shape=split)
        axis, keep = insert.constant("axis", np.array([len(split) - 1])), {"keepdims": 0}
        numbers = insert.op("ReduceSum", [numbers, axis], keep, dtype=_INT64, shape=shape)
    return insert.op("Cast", [numbers], {"to": int(kind)}, dtype=kind, shape=shape)


def side_by_side(insert: Inserter, parts: Sequence[Planes]) -> Planes:
    """Concatenate numbers along the last axis."""
    shapes = [shape_of(part.bits) for part in parts]
    count = max(part.wires.shape[1] for part in parts)
    offsets = np.cumsum([0, *(shape[-1] for shape in shapes)])
    wires = [
        np.pad(
            np.where(part.wires < 0, -1, part.wires + offset),
            [(0, 0), (0, count - part.wires.shape[1])],
            constant_values=-1,
        )
        for part, offset in zip(parts, offsets[:-1], strict=True)
    ]
    bits = insert.op(
        "Concat",
        [part.bits for part in parts],
        {"axis": len(shapes[0]) - 1},
        dtype=_BOOL,
        shape=[*shapes[0][:-1], int(offsets[-1])],
    )
    return Planes(bits, np.concatenate(wires))


def without_zeros(table: np.ndarray, wires: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let inputs that are always 0 make no difference.

    Parameters
    ----------
    table
        [M, 2^k].
    wires
        [M, k], what each input reads; -1 for those that are 0.

    Returns
    -------
    tuple
        Table and wires in which no wire is -1.
    """
    absent = wires < 0
    if not absent.any():
        return table, wires
    always = (absent << np.arange(wires.shape[1])).sum(1)
    addresses = np.arange(table.shape[1]) & ~always[:, None]
    return np.take_along_axis(table, addresses, 1), np.maximum(wires, 0)


def planes_of(table: np.ndarray) -> tuple[int, np.ndarray]:
    """Bits of the entries of tables [M, S], and the packed tables of each, [M * planes, nb]."""
    if table.dtype.kind == "b":
        return 1, pack_tables(table)
    low, high = int(table.min()), int(table.max())
    planes = 8 * table.itemsize if low < 0 else max(1, high.bit_length())
    packed = [pack_tables(table >> table.dtype.type(j) & 1) for j in range(planes)]
    return planes, np.stack(packed, 1).reshape(len(table) * planes, -1)
