"""ArgMax and ArgMin on wires: a tournament, in which the lowest index wins ties."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, tournament
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import NotBooleanError, Symbols, decode, encode, same_order


def _run(call: Call) -> list[Symbols]:
    attributes = call.node.attributes
    x = call.raw(0)
    if not same_order([x]):
        x = call.symbols(0)
    (number,), batch = decode([x])
    axis = attributes.get_int("axis", 0) % len(x.shape)
    if axis == batch:
        raise NotBooleanError("it mixes samples of the batch")
    if not x.shape[axis]:
        raise NotBooleanError("it reduces nothing")
    planes = np.moveaxis(number.planes, 1 + axis, 1)
    _, index = tournament(
        call.builder,
        Number(planes, number.low, number.high),
        smallest=call.node.op_type == "ArgMin",
        last=bool(attributes.get_int("select_last_index", 0)),
    )
    planes = index.planes
    if attributes.get_int("keepdims", 1):
        planes = np.expand_dims(planes, 1 + axis)
    elif axis < batch:
        batch = batch.at(batch - 1)
    return [encode(Number(planes, index.low, index.high), batch, np.dtype(np.int64))]


RULES = {("", "ArgMax"): _run, ("", "ArgMin"): _run}
