"""Faults of LogicConvTranspose nodes."""

from __future__ import annotations

import numpy as np

from faults import Fault
from faults._tree import TREES
from faults._windows import DILATIONS, WINDOWS

FAULTS = [
    *WINDOWS,
    *DILATIONS,
    Fault("output_padding does not have d entries", {"output_padding": [0, 0]}),
    Fault("an entry of output_padding is less than 0", {"output_padding": [-1]}),
    Fault("an entry of output_padding is not less than the stride", {"output_padding": [2]}),
    Fault("an entry of pads is more than the window less one bit", {"pads": [2, 0]}),
    Fault(
        "padding leaves no output", {"x": np.zeros((1, 1, 1), bool), "pads": [1, 1], "strides": [1]}
    ),
    *TREES,
]
