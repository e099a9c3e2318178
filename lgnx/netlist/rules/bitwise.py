"""BitwiseAnd, BitwiseOr, BitwiseXor and BitwiseNot on wires: plane by plane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.netlist.arithmetic import Number, bits_for
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import Symbols, decode, encode, exact_range

_GATES: dict[str, Callable[..., np.ndarray]] = {
    "BitwiseAnd": NetlistBuilder.and_,
    "BitwiseOr": NetlistBuilder.or_,
    "BitwiseXor": NetlistBuilder.xor,
}


def _binary(call: Call) -> list[Symbols]:
    x, y = call.symbols(0), call.symbols(1)
    (a, b), batch = decode([x, y])
    low, high = min(a.low, b.low), max(a.high, b.high)
    width = bits_for(low, high)
    planes = _GATES[call.node.op_type](call.builder, a.extended(width), b.extended(width))
    bounds = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if low < 0 else (0, (1 << width) - 1)
    return [encode(Number(planes, *bounds), batch, x.dtype)]


def _not(call: Call) -> list[Symbols]:
    x = call.symbols(0)
    (a,), batch = decode([x])
    least, most = exact_range(x.dtype)
    low, high = least + most - a.high, least + most - a.low
    # Of signed numbers the sign is inverted, too, so one bit more than a non-negative one has.
    width = bits_for(min(low, a.low), max(high, a.high))
    inverted = call.builder.not_(a.extended(width))
    return [encode(Number(inverted, low, high).trimmed(), batch, x.dtype)]


RULES = {("", name): _binary for name in _GATES} | {("", "BitwiseNot"): _not}
