"""Faults of packed words and their batch size, in every operator that takes them."""

from __future__ import annotations

import numpy as np

from faults import Fault

PACKED = [
    Fault("x is not a matrix", {"x": np.zeros(2, np.uint64)}),
    Fault("batch does not have shape [1]", {"batch": np.array([3, 3], np.int64)}),
    Fault("batch is negative", {"batch": np.array([-1], np.int64)}),
    Fault("batch does not fit the words", {"batch": np.array([65], np.int64)}),
]
