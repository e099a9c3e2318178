"""GroupSum on wires: counts of bits, whose scores are kept as a table."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, Sum
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import mapped
from lgnx.netlist.rules.values import NotBooleanError, Symbols, decode, encode
from lgnx.ops import DOMAIN
from lgnx.ops.group_sum import scale_counts


def _run(call: Call) -> list[Symbols]:
    (x,), batch = decode([call.bits(0)])
    a = call.attributes()
    groups = a.pop("groups")
    if batch == x.planes.ndim - 2 or x.planes.shape[-1] % groups:
        raise NotBooleanError("its groups do not fit its input")
    bits = x.planes[0].reshape(*x.planes.shape[1:-1], groups, -1)
    total = Sum(call.builder, bits.shape[:-1])
    total.add(Number(np.moveaxis(bits, -1, 0)[None], 0, 1))
    counts = encode(total.finish(), batch, np.dtype(np.int64))
    return [mapped(counts, lambda n: scale_counts(n, **a))]


RULES = {(DOMAIN, "GroupSum"): _run}
