"""Comparisons on wires: of bits, and of numbers with constants and with each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.netlist.arithmetic import Number, equal, less
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import looked_up, whole
from lgnx.netlist.rules.values import BOOL, Symbols, constant_symbols, decode, encode, same_order

_COMPARE: dict[str, Callable[..., np.ndarray]] = {
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
}
_MIRRORED = {
    "Equal": "Equal",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
}


def _run(call: Call) -> list[Symbols]:
    op = call.node.op_type
    scalar = call.with_scalar()
    if scalar and scalar[0].table is not None:
        x, limit, i = scalar
        compare = _COMPARE[op if i else _MIRRORED[op]]
        return [looked_up(call.builder, x, compare(x.table, limit))]
    symbols = [v if isinstance(v, Symbols) else _limit(call, i) for i, v in enumerate(call.inputs)]
    if not same_order(symbols):
        symbols = [whole(call.builder, value) for value in symbols]
    (a, b), batch = decode(symbols)
    if op == "Equal":
        bits = equal(call.builder, a, b)
    elif op in ("Less", "GreaterOrEqual"):
        bits = less(call.builder, a, b)
    else:
        bits = less(call.builder, b, a)
    if op in ("GreaterOrEqual", "LessOrEqual"):
        bits = call.builder.not_(bits)
    return [encode(Number(bits[None], 0, 1), batch, BOOL)]


def _limit(call: Call, i: int) -> Symbols:
    """Input i, which is constant, as whole numbers that compare the same with the other input."""
    limit, other = call.constant(i), call.inputs[1 - i]
    if limit.dtype.kind != "f" or not isinstance(other, Symbols):
        return constant_symbols(limit)
    other = whole(call.builder, other)
    below, above = other.low - 1, other.high + 1
    # The comparison as it is with the constant on the right.
    op = call.node.op_type if i else _MIRRORED[call.node.op_type]
    limit = limit.astype(np.float64)
    rounded = np.ceil(limit) if op in ("GreaterOrEqual", "Less") else np.floor(limit)
    never = above if op in ("Equal", "Greater", "GreaterOrEqual") else below
    lost = np.isnan(limit) | ((op == "Equal") & (rounded != limit))
    rounded = np.where(lost, never, np.clip(np.where(lost, 0, rounded), below, above))
    return constant_symbols(rounded.astype(np.int64))


RULES = {("", name): _run for name in _COMPARE}
