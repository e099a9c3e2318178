"""LogicConv and LogicConvTranspose on wires: the trees of every position are unrolled."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import BOOL, NotBooleanError, Symbols, decode, encode
from lgnx.netlist.trees import build_trees
from lgnx.netlist.windows import leaf_sources, window_sources
from lgnx.ops import DOMAIN


def _run(call: Call) -> list[Symbols]:
    (x,), batch = decode([call.bits(0)])
    if batch != 0 or x.planes.shape[1] != 1:
        raise NotBooleanError("the first axis of its input is not the batch")
    indices, tables = call.constant(1), call.constant(2)
    a = call.attributes()
    depth = a.pop("depth")
    _, _, channels, *spatial = x.planes.shape
    transpose = call.node.op_type == "LogicConvTranspose"
    sources = window_sources(channels, spatial, **a, transpose=transpose)
    extents = sources.shape[1 + len(spatial) :]
    kernels, leaves = indices.shape
    # The literal behind the last one is what padding reads: constant 0.
    literals = np.append(x.planes.ravel(), np.uint32(0))
    bits = literals.take(leaf_sources(indices, sources).reshape(kernels, leaves, -1))
    bits = build_trees(call.builder, bits, tables, depth)
    y = Number(bits.reshape(1, 1, kernels, *extents), 0, 1)
    return [encode(y, batch, BOOL)]


RULES = {(DOMAIN, "LogicConv"): _run, (DOMAIN, "LogicConvTranspose"): _run}
