"""Comparisons on wires: of bits, and of numbers with constants and with each other."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, equal, less
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import BOOL, Symbols, constant_symbols, decode, encode


def _run(call: Call) -> list[Symbols]:
    op = call.node.op_type
    symbols = [
        value if isinstance(value, Symbols) else _limit(call, i)
        for i, value in enumerate(call.inputs)
    ]
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
    below, above = other.low - 1, other.high + 1
    # The op as it is with the constant on the right.
    op = call.node.op_type if i else _MIRRORED[call.node.op_type]
    up = op in ("GreaterOrEqual", "Less")
    whole = np.ceil(limit) if up else np.floor(limit)
    never = above if op.startswith(("Greater", "Equal")) else below
    lost = np.isnan(limit) | ((op == "Equal") & (whole != limit))
    whole = np.where(lost, never, np.clip(np.where(lost, 0, whole), below, above))
    return constant_symbols(whole.astype(np.int64))


_MIRRORED = {
    "Equal": "Equal",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
}

RULES = {("", name): _run for name in _MIRRORED}
