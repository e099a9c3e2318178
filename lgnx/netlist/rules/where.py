"""Where on wires: a multiplexer."""

from __future__ import annotations

from lgnx.netlist.arithmetic import select
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import Symbols, decode, encode


def _run(call: Call) -> list[Symbols]:
    symbols = [call.bits(0), call.symbols(1), call.symbols(2)]
    (condition, a, b), batch = decode(symbols)
    return [encode(select(call.builder, condition.planes[0], a, b), batch, symbols[1].dtype)]


RULES = {("", "Where"): _run}
