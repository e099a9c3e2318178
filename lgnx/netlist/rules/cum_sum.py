"""CumSum on wires: one adder after the other."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, Sum
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import NotBooleanError, Symbols, check_exact, decode, encode


def _run(call: Call) -> list[Symbols]:
    attributes, x = call.node.attributes, call.symbols(0)
    (number,), batch = decode([x])
    axis = int(call.constant(1).reshape(())) % len(x.shape)
    if axis == batch:
        raise NotBooleanError("it mixes samples of the batch")
    planes = np.moveaxis(number.planes, 1 + axis, 0)
    n, backwards = len(planes), attributes.get_int("reverse", 0)
    order = range(n - 1, -1, -1) if backwards else range(n)
    low, high = min(0, n * number.low), max(0, n * number.high)
    check_exact(low, high, x.dtype)
    total = Number.constant(np.zeros(planes.shape[2:], np.int64))
    results = {}
    for i in order:
        more = Sum(call.builder, planes.shape[2:])
        more.add(total)
        more.add(Number(planes[i], number.low, number.high))
        before, total = total, more.finish()
        results[i] = before if attributes.get_int("exclusive", 0) else total
    stacked = np.stack([results[i].within(low, high).planes for i in range(n)], axis=1)
    y = Number(np.moveaxis(stacked, 1, 1 + axis), low, high)
    return [encode(y, batch, x.dtype)]


RULES = {("", "CumSum"): _run}
