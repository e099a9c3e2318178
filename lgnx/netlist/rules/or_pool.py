"""OrPool on wires: a balanced tree of ORs for every window."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number, any_of
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import BOOL, NotBooleanError, Symbols, decode, encode
from lgnx.netlist.windows import window_sources
from lgnx.ops import DOMAIN


def _run(call: Call) -> list[Symbols]:
    (x,), batch = decode([call.bits(0)])
    if batch != 0 or x.planes.shape[1] != 1:
        raise NotBooleanError("the first axis of its input is not the batch")
    _, _, channels, *spatial = x.planes.shape
    sources = window_sources(channels, spatial, **call.attributes())
    d = len(spatial)
    extents = sources.shape[1 + d :]
    literals = np.append(x.planes.ravel(), np.uint32(0))
    windows = literals.take(sources.reshape(channels, -1, *extents))
    bits = any_of(call.builder, np.moveaxis(windows, 1, 0))
    return [encode(Number(bits[None, None], 0, 1), batch, BOOL)]


RULES = {(DOMAIN, "OrPool"): _run}
