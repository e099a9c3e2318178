"""Truth tables of one and two inputs as at most one node each."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import product

import numpy as np

from lgnx.netlist.netlist import AND_KIND, XOR_KIND

MAX_GATE_INPUTS = 2

_COLUMNS = {1: (0b10,), 2: (0b1010, 0b1100)}  # the tables of the inputs themselves
_EVERY_BIT = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True)
class Gates:
    """How to make each function of k inputs, by its table.

    Attributes
    ----------
    needs_node
        bool [2^2^k]: whether it takes a node; else it is a constant or an input.
    kinds
        uint8 [2^2^k], of the node: 0 = AND, 1 = XOR.
    flips
        uint32 [2^2^k, k]: 1 where the node reads the complement of an input.
    passes
        uint32 [2^2^k, k]: all ones where the function is that input, or its complement.
    complement
        uint32 [2^2^k]: 1 where the output is the complement of node, input or false.
    """

    needs_node: np.ndarray
    kinds: np.ndarray
    flips: np.ndarray
    passes: np.ndarray
    complement: np.ndarray


@functools.cache
def gates_of_tables(k: int) -> Gates:
    """Find out, by trying, how to make all functions of one or two inputs."""
    ones = (1 << (1 << k)) - 1
    columns = _COLUMNS[k]
    n = ones + 1
    gates = Gates(
        np.ones(n, bool),
        np.zeros(n, np.uint8),
        np.zeros((n, k), np.uint32),
        np.zeros((n, k), np.uint32),
        np.zeros(n, np.uint32),
    )
    for complement in (0, 1):
        for i, column in ((None, 0), *enumerate(columns)):
            table = column ^ ones * complement
            gates.needs_node[table] = False
            gates.complement[table] = complement
            if i is not None:
                gates.passes[table, i] = _EVERY_BIT
        if k == 1:
            continue
        a, b = columns
        _set(gates, a ^ b ^ ones * complement, XOR_KIND, (0, 0), complement)
        for flips in product((0, 1), (0, 1)):
            table = (a ^ ones * flips[0]) & (b ^ ones * flips[1])
            _set(gates, table ^ ones * complement, AND_KIND, flips, complement)
    return gates


def _set(gates: Gates, table: int, kind: int, flips: tuple[int, int], complement: int) -> None:
    gates.kinds[table] = kind
    gates.flips[table] = flips
    gates.complement[table] = complement
