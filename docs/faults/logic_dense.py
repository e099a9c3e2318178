"""Faults of LogicDense nodes."""

from __future__ import annotations

import numpy as np

from faults import Fault

INDICES = np.array([[0, 1], [0, 1]], np.int32)
TABLES = np.array([[8], [6]], np.uint8)

FAULTS = [
    Fault("x is a scalar", {"x": np.zeros((), bool)}),
    Fault("indices does not have two axes", {"indices": INDICES[0]}),
    Fault("there are no neurons, N = 0", {"indices": INDICES[:0], "tables": TABLES[:0]}),
    Fault("k is less than 1 or more than 16", {"indices": np.zeros((2, 17), np.int32)}),
    Fault("an index is negative", {"indices": INDICES - 1}),
    Fault("an index is no bit of x", {"indices": INDICES + 1}),
    Fault("tables does not have the shape that indices says", {"tables": TABLES[:1]}),
    Fault("a table has bits beyond 2^k (k = 1, 2)", {"tables": TABLES + np.uint8(16)}),
]
