"""Faults of groups and of the scale of scores, in every operator that has them."""

from __future__ import annotations

import numpy as np

from faults import Fault

GROUPS = [
    Fault("groups is negative", {"groups": -1}),
    Fault("groups does not divide the bits", {"groups": 5}),
]
NO_GROUPS = Fault("groups is 0", {"groups": 0})
SCALE = [
    Fault("dtype is none of the types of scores", {"groups": 2, "dtype": 10}),
    Fault("tau is not finite, or not greater than 0", {"groups": 2, "tau": 0.0}),
    Fault(
        "tau is not 1 for integer scores",
        {"groups": 2, "tau": 2.0, "bias": 0.0, "dtype": 6},
    ),
    Fault("bias is not finite", {"groups": 2, "bias": np.inf}),
    Fault("beta is not finite", {"groups": 2, "beta": np.nan}),
    Fault(
        "bias or beta is no whole number for integer scores",
        {"groups": 2, "bias": 0.5, "tau": 1.0, "dtype": 7},
    ),
    Fault(
        "bias or beta is beyond the integers of the scores",
        {"groups": 2, "beta": 3e9, "tau": 1.0, "dtype": 6},
    ),
]
