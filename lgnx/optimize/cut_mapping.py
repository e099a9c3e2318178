"""Mapping of a netlist to look-up tables by cuts: least depth first, then few tables.

The cuts of a node are sets of at most k variables that determine it. A few good ones are kept at
each node (priority cuts: Mishchenko et al., "Combinational and sequential mapping with priority
cuts", ICCAD 2007). The result depends on the netlist alone.
"""

from __future__ import annotations

import numpy as np

from lgnx.netlist.luts import LutBuilder, LutNetlist
from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["map_to_luts"]

_KEPT = 8  # cuts at a node

Cut = tuple[int, float, frozenset[int]]
"""Level, area flow, leaves."""


def map_to_luts(netlist: Netlist, k: int) -> LutNetlist:
    """Cover a netlist by tables of at most ``k`` inputs, in the least depth that cuts give."""
    fanins = (netlist.fanins >> 1).tolist()
    read = np.maximum(netlist.fan_outs(), 1).tolist()
    first = netlist.first_node
    # An input is its own cut; the constant needs no leaf.
    sets: list[list[Cut]] = [[(0, 0.0, frozenset())]]
    sets += [[(0, 0.0, frozenset([v]))] for v in range(1, first)]
    best: list[Cut] = [each[0] for each in sets]
    for node, (a, b) in enumerate(fanins):
        found: dict[frozenset[int], Cut] = {}
        for _, _, left in sets[a]:
            for _, _, right in sets[b]:
                leaves = left | right
                if len(leaves) <= k and leaves not in found:
                    level = 1 + max((best[v][0] for v in leaves), default=-1)
                    flow = 1 + sum(best[v][1] / read[v] for v in leaves)
                    found[leaves] = (level, flow, leaves)
        kept = sorted(found.values(), key=lambda cut: (cut[0], cut[1], len(cut[2]), sorted(cut[2])))
        best.append(kept[0])
        variable = first + node
        sets.append([*kept[:_KEPT], (kept[0][0], kept[0][1], frozenset([variable]))])
    return _cover(netlist, [sorted(cut[2]) for cut in best], fanins)


def _cover(netlist: Netlist, leaves: list[list[int]], fanins: list[list[int]]) -> LutNetlist:
    first = netlist.first_node
    needed = [False] * (first + netlist.n_nodes)
    for output in (netlist.outputs >> 1).tolist():
        needed[output] = True
    for variable in reversed(range(first, len(needed))):
        if needed[variable]:
            for leaf in leaves[variable]:
                needed[leaf] = True
    builder = LutBuilder(netlist.n_inputs)
    literals = [0, *builder.inputs(), *[0] * netlist.n_nodes]
    for variable in range(first, len(needed)):
        if needed[variable]:
            own = leaves[variable]
            table = _table(netlist, variable, own, fanins)
            literals[variable] = builder.add(table, [literals[leaf] for leaf in own])
    ends = [literals[o >> 1] ^ (o & 1) for o in netlist.outputs.tolist()]
    return builder.finish(ends)


def _table(netlist: Netlist, variable: int, leaves: list[int], fanins: list[list[int]]) -> int:
    """Function of a node over leaves."""
    size = 1 << len(leaves)
    ones = (1 << size) - 1
    values = {0: 0}
    for slot, leaf in enumerate(leaves):
        values[leaf] = sum(1 << j for j in range(size) if j >> slot & 1)
    first = netlist.first_node
    stack = [variable]
    while stack:
        top = stack[-1]
        a, b = fanins[top - first]
        waiting = [v for v in (a, b) if v not in values]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        x, y = netlist.fanins[top - first].tolist()
        p = values[a] ^ (ones if x & 1 else 0)
        q = values[b] ^ (ones if y & 1 else 0)
        values[top] = p ^ q if netlist.kinds[top - first] == XOR_KIND else p & q
    return values[variable]
