"""Netlists of one structure: the quick proof for parts that were only connected."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["same_structure"]


def same_structure(a: Netlist, b: Netlist) -> bool:
    """Tell whether two netlists are the same gates on the same gates, in whatever order.

    Gates of equal kind and equal fan-ins are one and the same; nothing is simplified. So True is a
    proof that both compute the same, and False says nothing.
    """
    if (a.n_inputs, a.n_outputs) != (b.n_inputs, b.n_outputs):
        return False
    pair = (a, b)
    names = []
    for netlist in pair:
        own = np.zeros(netlist.first_node + netlist.n_nodes, np.int64)
        own[: netlist.first_node] = np.arange(netlist.first_node)
        names.append(own)
    levels = [n.levels() if n.n_nodes else np.zeros(0, np.uint32) for n in pair]
    orders = [np.argsort(level, kind="stable") for level in levels]
    deepest = max((int(level.max(initial=0)) for level in levels), default=0)
    bounds = [
        np.searchsorted(level[order], np.arange(1, deepest + 2))
        for level, order in zip(levels, orders, strict=True)
    ]
    used = a.n_inputs + 1
    for level in range(deepest):
        members = [
            order[bound[level] : bound[level + 1]]
            for order, bound in zip(orders, bounds, strict=True)
        ]
        keys = np.concatenate(
            [_keys(n, own, m) for n, own, m in zip(pair, names, members, strict=True)]
        )
        _, ids = np.unique(keys, axis=0, return_inverse=True)
        ids = ids.ravel() + used
        used = int(ids.max(initial=used - 1)) + 1
        middle = len(members[0])
        names[0][a.first_node + members[0]] = ids[:middle]
        names[1][b.first_node + members[1]] = ids[middle:]
    ends = [2 * own[n.outputs >> 1] + (n.outputs & 1) for n, own in zip(pair, names, strict=True)]
    return bool(np.array_equal(*ends))


def _keys(netlist: Netlist, names: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Kind and fan-ins of nodes, int64 [n, 3], the smaller fan-in first."""
    fanins = netlist.fanins[members]
    literals = np.sort(2 * names[fanins >> 1] + (fanins & 1), axis=1)
    kinds = (netlist.kinds[members] == XOR_KIND).astype(np.int64)
    return np.column_stack([kinds, literals])
