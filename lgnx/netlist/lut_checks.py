"""Proofs about networks of look-up tables, one table at a time, at all values of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lgnx.netlist.luts import LutNetlist, reduce_table
from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["decomposed", "same_tables"]


def same_tables(a: LutNetlist, b: LutNetlist, inputs: Sequence[int]) -> bool:
    """Tell whether two networks have the same tables, apart from some that need not be there.

    The wires of one are found in the other from the inputs on: a table over wires that were found
    is a constant, one of these wires, or a table of the other. So True is a proof that both
    compute the same, and False says nothing.

    Parameters
    ----------
    inputs
        For each input of ``a`` a literal of ``b``; one of a wire that is not there, for an input
        that must not matter.
    """
    known: dict[tuple[int, tuple[int, ...]], int] = {}
    for i, (table, fanin) in enumerate(zip(b.tables, b.fanins, strict=True)):
        key, flip = _key(*reduce_table(table, [2 * wire for wire in fanin]))
        known.setdefault(key, 2 * (b.first_lut + i) + flip)
    literals: list[int | None] = [0, *inputs]
    for table, fanin in zip(a.tables, a.fanins, strict=True):
        own = [literals[wire] for wire in fanin]
        found = [literal for literal in own if literal is not None]
        if len(found) < len(own):
            literals.append(None)
            continue
        value, wires = reduce_table(table, found)
        if len(wires) < 2:
            literals.append(2 * wires[0] + (value & 1) if wires else value)
            continue
        key, flip = _key(value, wires)
        place = known.get(key)
        literals.append(None if place is None else place ^ flip)
    ends = [None if literals[o >> 1] is None else (literals[o >> 1] or 0) ^ (o & 1)
            for o in a.outputs.tolist()]  # fmt: skip
    return ends == b.outputs.tolist()


def _key(table: int, wires: tuple[int, ...]) -> tuple[tuple[int, tuple[int, ...]], int]:
    """A function or its complement, whichever is 0 at address 0, and which one it is."""
    flip = table & 1
    return (table ^ ((1 << (1 << len(wires))) - 1 if flip else 0), wires), flip


def decomposed(luts: LutNetlist, netlist: Netlist, roots: np.ndarray) -> bool:
    """Tell whether a netlist computes each table from what the table reads.

    Parameters
    ----------
    roots
        uint32 [n_luts]: the literal of each table's output in the netlist.
    """
    literals = [*(2 * np.arange(luts.first_lut)).tolist(), *roots.tolist()]
    fanins, kinds = netlist.fanins.tolist(), netlist.kinds.tolist()
    first = netlist.first_node
    for i, (table, wires) in enumerate(zip(luts.tables, luts.fanins, strict=True)):
        size = 1 << len(wires)
        ones = (1 << size) - 1
        values = {0: 0}
        for slot, wire in enumerate(wires):
            pattern = sum(1 << j for j in range(size) if j >> slot & 1)
            literal = literals[wire]
            values[literal >> 1] = pattern ^ (ones if literal & 1 else 0)
        stack = [literals[luts.first_lut + i] >> 1]
        root = stack[0]
        while stack:
            top = stack[-1]
            if top in values:
                stack.pop()
                continue
            if top < first:
                return False  # reads an input that the table does not
            x, y = fanins[top - first]
            waiting = [v for v in (x >> 1, y >> 1) if v not in values]
            if waiting:
                stack += waiting
                continue
            p = values[x >> 1] ^ (ones if x & 1 else 0)
            q = values[y >> 1] ^ (ones if y & 1 else 0)
            values[top] = p ^ q if kinds[top - first] == XOR_KIND else p & q
        flip = ones if literals[luts.first_lut + i] & 1 else 0
        if values[root] ^ flip != table:
            return False
    ends = [literals[o >> 1] ^ (o & 1) for o in luts.outputs.tolist()]
    return ends == netlist.outputs.tolist()
