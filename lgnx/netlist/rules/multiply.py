"""Mul on wires: the AND of two bits, sums of shifted numbers for more."""

from __future__ import annotations

from lgnx.netlist.arithmetic import product
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import mapped
from lgnx.netlist.rules.values import Symbols, decode, encode


def _run(call: Call) -> list[Symbols]:
    scalar = call.with_scalar()
    if scalar and call.wants_table(*scalar[:2]):
        x, c, _ = scalar
        return [mapped(x, lambda v: v * c)]
    a, b = call.symbols(0), call.symbols(1)
    numbers, batch = decode([a, b])
    return [encode(product(call.builder, *numbers), batch, a.dtype)]


RULES = {("", "Mul"): _run}
