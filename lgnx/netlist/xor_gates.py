"""Netlists with XOR nodes from ones of ANDs only, and the other way."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.netlist import AND_KIND, XOR_KIND, Netlist


def expand_xors(netlist: Netlist) -> Netlist:
    """Make each XOR node three ANDs: a ^ b = ~(a & b) & ~(~a & ~b)."""
    xor = netlist.kinds == XOR_KIND
    first = netlist.first_node
    roots = first - 1 + np.cumsum(1 + 2 * xor.astype(np.int64))
    variables = np.concatenate([np.arange(first), roots]).astype(np.uint32)

    def renumber(literals: np.ndarray) -> np.ndarray:
        return 2 * variables.take(literals >> 1) + (literals & 1)

    sides, places = renumber(netlist.fanins), roots - first
    fanins = np.empty((int(roots[-1]) - first + 1 if len(roots) else 0, 2), np.uint32)
    fanins[places[~xor]] = sides[~xor]
    both, none, root = places[xor] - 2, places[xor] - 1, places[xor]
    fanins[both] = sides[xor]
    fanins[none] = sides[xor] ^ 1
    fanins[root, 0] = 2 * (first + both) + 1
    fanins[root, 1] = 2 * (first + none) + 1
    kinds = np.full(len(fanins), AND_KIND, np.uint8)
    return Netlist(netlist.n_inputs, kinds, fanins, renumber(netlist.outputs))


def merge_xors(netlist: Netlist) -> Netlist:
    """Make three ANDs that form an exclusive or one XOR node; what then is not read is dropped."""
    first, fanins = netlist.first_node, netlist.fanins
    both_nodes = (fanins & 1).all(axis=1) & (fanins >> 1 >= first).all(axis=1)
    roots = np.flatnonzero((netlist.kinds == AND_KIND) & both_nodes)
    halves = (fanins[roots] >> 1).astype(np.int64) - first
    pure = (netlist.kinds[halves] == AND_KIND).all(axis=1)
    roots, halves = roots[pure], halves[pure]
    left = np.sort(fanins[halves[:, 0]], axis=1)
    right = np.sort(fanins[halves[:, 1]] ^ 1, axis=1)
    same = (left == right).all(axis=1)  # ~(p & q) & ~(~p & ~q) = p ^ q
    roots, halves = roots[same], halves[same]
    kinds, fanins = netlist.kinds.copy(), fanins.copy()
    kinds[roots] = XOR_KIND
    fanins[roots] = left[same]
    merged = Netlist(netlist.n_inputs, kinds, fanins, netlist.outputs)
    kept = np.ones(netlist.n_nodes, bool)
    kept[halves.ravel()] = merged.fan_outs()[first:][halves.ravel()] > 0
    number = np.zeros(first + netlist.n_nodes, np.uint32)
    number[:first] = np.arange(first)
    number[first:][kept] = np.arange(first, first + np.count_nonzero(kept))

    def renumber(literals: np.ndarray) -> np.ndarray:
        return 2 * number.take(literals >> 1) + (literals & 1)

    return Netlist(netlist.n_inputs, kinds[kept], renumber(fanins[kept]), renumber(netlist.outputs))
