"""Add, Sub, Sum and Neg on wires: adders."""

from __future__ import annotations

from lgnx.netlist.arithmetic import Sum
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import mapped
from lgnx.netlist.rules.values import Symbols, check_exact, decode, encode


def _run(call: Call) -> list[Symbols]:
    op = call.node.op_type
    scalar = call.with_scalar()
    if scalar and call.wants_table(*scalar[:2]):
        x, c, i = scalar
        if op == "Sub":
            return [mapped(x, lambda v: v - c if i else c - v)]
        return [mapped(x, lambda v: v + c)]
    symbols = [call.symbols(i) for i in range(len(call.inputs))]
    numbers, batch = decode(symbols)
    total = Sum(call.builder, numbers[0].planes.shape[1:])
    for i, number in enumerate(numbers):
        total.add(number, negative=op == "Neg" or (op == "Sub" and i == 1))
    if op == "Sum":  # in whatever order
        check_exact(total.lowest, total.highest, symbols[0].dtype)
    return [encode(total.finish(), batch, symbols[0].dtype)]


RULES = {("", name): _run for name in ("Add", "Sub", "Sum", "Neg")}
