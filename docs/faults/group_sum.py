"""Faults of GroupSum nodes."""

from __future__ import annotations

import numpy as np

from faults import Fault
from faults._scale import GROUPS, NO_GROUPS, SCALE

FAULTS = [Fault("x is a scalar", {"x": np.zeros((), bool)}), NO_GROUPS, *GROUPS, *SCALE]
