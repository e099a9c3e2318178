"""Words of 64 samples that stand for the bits of a tensor.

Bits [B, D_1 .. D_n] are words [D_1 .. D_n, W], or those with other leading axes of as many rows:
the order of the rows is that of the bits of a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from lgnx.ops import DOMAIN
from lgnx.passes.edit import Inserter, batch_dim, sample_shape

WORDS = ir.DataType.UINT64


def leading(words: ir.Value) -> list[int]:
    """Extents of words without the last axis, which are always known."""
    assert words.shape is not None
    return [int(n) for n in words.shape[:-1]]  # type: ignore[arg-type]


def shaped(insert: Inserter, words: ir.Value, shape: Sequence[int]) -> ir.Value:
    """Give words these leading axes, by a Reshape where they have others."""
    if leading(words) == list(shape):
        return words
    return insert.reshape(words, [*shape, -1], [*shape, None])


def packed(insert: Inserter, x: ir.Value) -> ir.Value:
    """Pack bits of any rank, whose shape is known but for the batch: uint64 [D_1 .. D_n, W]."""
    inner = sample_shape(x)
    assert inner is not None
    n = int(np.prod(inner, dtype=np.int64))
    rows = x if len(inner) == 1 else insert.reshape(x, [-1, n], [batch_dim(x), n])
    words = insert.op("PackBits", [rows], dtype=WORDS, shape=[n, None], domain=DOMAIN)
    return shaped(insert, words, inner)


def unpacked(insert: Inserter, words: ir.Value, batch: ir.Value, extent: object) -> ir.Value:
    """Bits of words [D_1 .. D_n, W]; ``extent`` is what is known of the batch."""
    inner = leading(words)
    n = int(np.prod(inner, dtype=np.int64))
    bits = insert.op(
        "UnpackBits",
        [shaped(insert, words, [n]), batch],
        dtype=ir.DataType.BOOL,
        shape=[extent, n],
        domain=DOMAIN,
    )
    return bits if len(inner) == 1 else insert.reshape(bits, [-1, *inner], [extent, *inner])


def padded(insert: Inserter, words: ir.Value, begin: Sequence[int], end: Sequence[int]) -> ir.Value:
    """Put rows of zeros around words along their leading axes."""
    if not any(begin) and not any(end):
        return words
    pads = insert.constant("pads", np.array([*begin, 0, *end, 0], np.int64))
    shape = [n + a + b for n, a, b in zip(leading(words), begin, end, strict=True)]
    return insert.op("Pad", [words, pads], dtype=WORDS, shape=[*shape, None])


def sliced(
    insert: Inserter, words: ir.Value, axis: int, start: int, count: int, step: int
) -> ir.Value:
    """Take ``count`` rows of words along a leading axis, ``step`` apart."""
    shape = leading(words)
    if (start, count, step) == (0, shape[axis], 1):
        return words
    shape[axis] = count
    numbers = {"start": start, "end": start + (count - 1) * step + 1, "axis": axis, "step": step}
    constants = [insert.constant(name, np.array([n], np.int64)) for name, n in numbers.items()]
    return insert.op("Slice", [words, *constants], dtype=WORDS, shape=[*shape, None])
