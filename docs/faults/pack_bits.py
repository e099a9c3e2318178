"""Faults of PackBits nodes."""

from __future__ import annotations

import numpy as np

from faults import Fault

FAULTS = [Fault("x is not a matrix", {"x": np.zeros((2, 3, 4), bool)})]
