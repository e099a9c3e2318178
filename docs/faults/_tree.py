"""Faults of trees of truth tables, in every operator that has them."""

from __future__ import annotations

import numpy as np

from faults import Fault

PAIR, TABLE = np.array([[0, 1]], np.int32), np.array([[[8]]], np.uint8)


def tree(indices: np.ndarray, tables: np.ndarray, depth: int = 1) -> dict[str, object]:
    """Replace the trees of the example."""
    return {"indices": indices, "tables": tables, "depth": depth}


TREES = [
    Fault("depth is less than 1", {"depth": 0}),
    Fault("indices does not have two axes", tree(PAIR[0], TABLE)),
    Fault("there are no kernels, K = 0", tree(PAIR[:0], TABLE[:0])),
    Fault(
        "the number of leaves is not k^depth for any k, or more than 65536",
        tree(np.zeros((1, 3), np.int32), TABLE, 2),
    ),
    Fault("an index is negative", tree(PAIR - 1, TABLE)),
    Fault("an index is no bit of the window", tree(PAIR + 7, TABLE)),
    Fault("tables does not have the shape that indices, depth say", tree(PAIR, TABLE[0])),
    Fault("a table has bits beyond 2^k (k = 1, 2)", tree(PAIR, TABLE + 16)),
]
