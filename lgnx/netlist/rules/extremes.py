"""Max, Min, Clip and Relu on wires: comparisons and multiplexers; OR and AND for single bits."""

from __future__ import annotations

from functools import partial

import numpy as np

from lgnx.netlist.arithmetic import Number, larger
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import mapped
from lgnx.netlist.rules.values import NotBooleanError, Symbols, constant_symbols, decode, encode


def _many(call: Call) -> list[Symbols]:
    smallest = call.node.op_type == "Min"
    scalar = call.with_scalar()
    if scalar and call.wants_table(*scalar[:2]):
        x, c, _ = scalar
        return [mapped(x, lambda v: np.minimum(v, c) if smallest else np.maximum(v, c))]
    symbols = [call.symbols(i) for i in range(len(call.inputs))]
    return [_fold(call, symbols, [smallest] * (len(symbols) - 1))]


def _clip(call: Call) -> list[Symbols]:
    x = call.raw(0)
    limits = [(i, call.constant(i)) for i in (1, 2) if call.given(i)]
    if any(limit.size != 1 for _, limit in limits):
        raise NotBooleanError("its limits are not single numbers")
    limits = [(i, limit.reshape(())) for i, limit in limits]
    if any(call.wants_table(x, limit) for _, limit in limits):
        for i, limit in limits:
            function = np.maximum if i == 1 else np.minimum
            x = mapped(x, partial(function, limit))
        return [x]
    symbols = [call.symbols(0), *(constant_symbols(limit) for _, limit in limits)]
    return [_fold(call, symbols, [i == 2 for i, _ in limits])]


def _relu(call: Call) -> list[Symbols]:
    x = call.symbols(0)
    zero = constant_symbols(np.zeros((), x.dtype))
    return [_fold(call, [x, zero], [False])]


def _fold(call: Call, symbols: list[Symbols], smallest: list[bool]) -> Symbols:
    (result, *rest), batch = decode(symbols)
    for number, least in zip(rest, smallest, strict=True):
        result = larger(call.builder, result, number, smallest=least)
    return encode(Number(result.planes, result.low, result.high), batch, symbols[0].dtype)


RULES = {("", "Max"): _many, ("", "Min"): _many, ("", "Clip"): _clip, ("", "Relu"): _relu}
