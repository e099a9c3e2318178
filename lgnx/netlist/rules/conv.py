"""Conv on wires: bits, or numbers, with constant whole weights."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.matmul import weighted_columns, whole_weights
from lgnx.netlist.rules.values import NotBooleanError, Symbols, decode, encode
from lgnx.netlist.windows import window_sources


def _run(call: Call) -> list[Symbols]:
    x, a = call.symbols(0), call.attributes()
    (number,), batch = decode([x])
    weights = whole_weights(call.constant(1))
    if batch != 0 or number.planes.shape[1] != 1:
        raise NotBooleanError("the first axis of its input is not the batch")
    if a.pop("group", 1) != 1 or a.pop("auto_pad", "NOTSET") != "NOTSET":
        raise NotBooleanError("it has groups, or pads by itself")
    channels, *spatial = number.planes.shape[2:]
    a["kernel_shape"] = weights.shape[2:]
    sources = window_sources(channels, spatial, **a)
    extents = sources.shape[1 + len(spatial) :]
    planes = number.planes.reshape(len(number.planes), -1)
    zeros = np.zeros((len(planes), 1), np.uint32)
    windows = np.concatenate([planes, zeros], axis=1)[:, sources.reshape(-1, *extents)]
    offsets = whole_weights(call.constant(2)) if call.given(2) else None
    terms = Number(windows, min(0, number.low), max(0, number.high))
    y = weighted_columns(call.builder, terms, weights.reshape(len(weights), -1).T, offsets, x.dtype)
    return [encode(Number(y.planes[:, None], y.low, y.high), batch, x.dtype)]


RULES = {("", "Conv"): _run}
