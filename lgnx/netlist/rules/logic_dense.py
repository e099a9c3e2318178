"""LogicDense on wires."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import BOOL, NotBooleanError, Symbols, decode, encode
from lgnx.ops import DOMAIN


def _run(call: Call) -> list[Symbols]:
    (x,), batch = decode([call.bits(0)])
    indices, tables = call.constant(1), call.constant(2)
    if batch == x.planes.ndim - 2:
        raise NotBooleanError("its input has no axis of bits beside the batch")
    literals = x.planes[0]
    rows = literals.reshape(-1, literals.shape[-1])
    made = np.stack([call.builder.lut(tables, row.take(indices)) for row in rows])
    y = Number(made.reshape(1, *literals.shape[:-1], len(indices)), 0, 1)
    return [encode(y, batch, BOOL)]


RULES = {(DOMAIN, "LogicDense"): _run}
