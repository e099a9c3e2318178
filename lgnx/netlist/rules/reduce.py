"""ReduceSum, -Mean, -Max, -Min and -Prod on wires; of bits the maximum is OR."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, Sum, largest, product
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import mapped
from lgnx.netlist.rules.values import NotBooleanError, Symbols, check_exact, decode, encode

_REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")


def _run(call: Call) -> list[Symbols]:
    op, x = call.node.op_type, call.symbols(0)
    (number,), batch = decode([x])
    rank = len(x.shape)
    axes = _axes(call, rank)
    if batch in axes:
        raise NotBooleanError("it mixes samples of the batch")
    kept = [axis for axis in range(rank) if axis not in axes]
    planes = np.moveaxis(number.planes, [1 + axis for axis in axes], range(1, 1 + len(axes)))
    rest = planes.shape[1 + len(axes) :]
    terms = Number(planes.reshape(len(planes), -1, *rest), number.low, number.high)
    if op != "ReduceSum" and not terms.planes.shape[1]:
        raise NotBooleanError("it reduces nothing")
    if op in ("ReduceSum", "ReduceMean"):
        total = Sum(call.builder, rest)
        total.add(terms)
        check_exact(total.lowest, total.highest, x.dtype)
        result = total.finish()
    elif op == "ReduceProd":
        result = _product(call, terms, x.dtype)
    else:
        result = largest(call.builder, terms, smallest=op == "ReduceMin")
    if call.node.attributes.get_int("keepdims", 1):
        shape = [1 if axis in axes else n for axis, n in enumerate(number.planes.shape[1:])]
        result = Number(result.planes.reshape(-1, *shape), result.low, result.high)
    else:
        batch = batch.at(kept.index(batch))
    y = encode(result, batch, x.dtype)
    if op != "ReduceMean":
        return [y]
    if x.dtype.kind != "f":
        raise NotBooleanError(f"it computes a mean in {x.dtype}")
    count = x.dtype.type(terms.planes.shape[1])
    return [mapped(y, lambda values: values / count)]


def _axes(call: Call, rank: int) -> list[int]:
    given = call.node.attributes.get_ints("axes", None)
    if call.given(1):
        given = call.constant(1).tolist()
    if not given:
        noop = call.node.attributes.get_int("noop_with_empty_axes", 0)
        return [] if noop else list(range(rank))
    return sorted({axis % rank for axis in given})


def _product(call: Call, terms: Number, dtype: np.dtype) -> Number:
    builder: NetlistBuilder = call.builder
    result = Number(terms.planes[:, 0], terms.low, terms.high)
    for i in range(1, terms.planes.shape[1]):
        result = product(builder, result, Number(terms.planes[:, i], terms.low, terms.high))
        check_exact(result.low, result.high, dtype)
    return result


RULES = {("", name): _run for name in _REDUCTIONS}
