"""MatMul and Gemm on wires: bits, or numbers, with constant whole weights."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, Sum
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import (
    NotBooleanError,
    Symbols,
    check_exact,
    constant_symbols,
    decode,
    encode,
)


def _matmul(call: Call) -> list[Symbols]:
    return [_multiply(call, whole_weights(call.constant(1)), None)]


def _gemm(call: Call) -> list[Symbols]:
    a = call.node.attributes
    added = call.given(2)
    if a.get_float("alpha", 1.0) != 1 or (added and a.get_float("beta", 1.0) != 1):
        raise NotBooleanError("its alpha or beta is not 1")
    if a.get_int("transA", 0):
        raise NotBooleanError("it mixes samples of the batch")
    weights = whole_weights(call.constant(1))
    weights = weights.T if a.get_int("transB", 0) else weights
    offsets = None
    if added:
        offsets = np.broadcast_to(whole_weights(call.constant(2)), (1, weights.shape[1]))[0]
    return [_multiply(call, weights, offsets)]


def _multiply(call: Call, weights: np.ndarray, offsets: np.ndarray | None) -> Symbols:
    """Numbers [..., N] times weights int64 [N, M], plus offsets int64 [M]."""
    x = call.symbols(0)
    (number,), batch = decode([x])
    if weights.ndim != 2:
        raise NotBooleanError("its weights are not a matrix")
    if batch == len(x.shape) - 1:
        raise NotBooleanError("it mixes samples of the batch")
    terms = Number(np.moveaxis(number.planes, -1, 1), number.low, number.high)
    y = weighted_columns(call.builder, terms, weights, offsets, x.dtype)
    return encode(Number(np.moveaxis(y.planes, 1, -1), y.low, y.high), batch, x.dtype)


def whole_weights(array: np.ndarray) -> np.ndarray:
    """Constants as int64.

    Raises
    ------
    NotBooleanError
        If they are not whole numbers.
    """
    constant_symbols(array)
    return array.astype(np.int64)


def weighted_columns(
    builder: NetlistBuilder,
    terms: Number,
    weights: np.ndarray,
    offsets: np.ndarray | None,
    dtype: np.dtype,
) -> Number:
    """Sums of numbers [n, ...], each times its weight, plus an offset.

    Parameters
    ----------
    weights
        int64 [n, m].
    offsets
        int64 [m], or None.
    dtype
        Type that the model sums in.

    Returns
    -------
    Number
        Numbers [m, ...].

    Raises
    ------
    NotBooleanError
        If a sum may not be exact, or if there are none.
    """
    n, m = weights.shape
    if not n or not m or n != terms.planes.shape[1]:
        raise NotBooleanError("its weights do not fit its input")
    totals = []
    for column in range(m):
        total = Sum(builder, terms.planes.shape[2:])
        if offsets is not None:
            total.add_constant(int(offsets[column]))
        for sign in (1, -1):
            sized = np.maximum(sign * weights[:, column], 0)
            for shift in range(int(sized.max()).bit_length()):
                chosen = np.flatnonzero(sized >> shift & 1)
                part = Number(terms.planes[:, chosen], terms.low, terms.high)
                total.add(part, shift=shift, negative=sign < 0)
        check_exact(total.lowest, total.highest, dtype)
        totals.append(total.finish())
    low, high = min(t.low for t in totals), max(t.high for t in totals)
    return Number(np.stack([t.within(low, high).planes for t in totals], axis=1), low, high)


RULES = {("", "MatMul"): _matmul, ("", "Gemm"): _gemm}
