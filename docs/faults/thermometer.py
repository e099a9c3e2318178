"""Faults of Thermometer nodes."""

from __future__ import annotations

import numpy as np

from faults import Fault

THRESHOLDS = [
    Fault("thresholds is a scalar", {"thresholds": np.array(0.5, np.float32)}),
    Fault("there are no thresholds, B = 0", {"thresholds": np.zeros(0, np.float32)}),
    Fault("a threshold is NaN", {"thresholds": np.array([0.5, np.nan], np.float32)}),
    Fault("thresholds are not sorted", {"thresholds": np.array([0.5, 0.25], np.float32)}),
    Fault(
        "thresholds has more axes than x and one",
        {"x": np.zeros(2, np.float32), "thresholds": np.zeros((1, 1, 2), np.float32)},
    ),
    Fault(
        "an axis of thresholds but the last is neither 1 nor that of x",
        {"x": np.zeros((1, 2), np.float32), "thresholds": np.zeros((3, 2), np.float32)},
    ),
]

FAULTS = [
    Fault("strict is neither 0 nor 1", {"strict": 2}),
    Fault("x and thresholds differ in type", {"x": np.zeros(2, np.float64)}),
    *THRESHOLDS,
]
