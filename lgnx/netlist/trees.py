"""Trees of truth tables, as LogicConv has them, in a netlist."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.build import NetlistBuilder


def build_trees(
    builder: NetlistBuilder, literals: np.ndarray, tables: np.ndarray, depth: int
) -> np.ndarray:
    """Append trees to a netlist, each at every position.

    Parameters
    ----------
    literals
        uint32 [K, k^depth, E], the leaves of each tree at each position.
    tables
        uint8 [K, nodes, max(1, 2^k / 8)], the nodes of each tree from the leaves to the root.
    depth
        Levels of the trees.

    Returns
    -------
    numpy.ndarray
        uint32 [K, E], the roots.
    """
    kernels, leaves, positions = literals.shape
    k = round(leaves ** (1 / depth))
    first = 0
    for _ in range(depth):
        n = literals.shape[1] // k
        gates = literals.reshape(kernels, n, k, positions).transpose(0, 1, 3, 2).reshape(-1, k)
        level = tables[:, first : first + n].reshape(kernels * n, -1)
        made = builder.lut(np.repeat(level, positions, axis=0), gates)
        literals = made.reshape(kernels, n, positions)
        first += n
    return literals[:, 0]
