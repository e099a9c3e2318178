"""Faults of windows that slide over 3 bits of one channel, in every operator that has them."""

from __future__ import annotations

import numpy as np

from faults import Fault

WINDOWS = [
    Fault("kernel_shape is missing", {"kernel_shape": None}),
    Fault("kernel_shape has no entry, or more than 3", {"kernel_shape": [1] * 4}),
    Fault("an entry of kernel_shape is less than 1", {"kernel_shape": [0]}),
    Fault("strides does not have d entries", {"strides": [1, 1]}),
    Fault("an entry of strides is less than 1", {"strides": [0]}),
    Fault("pads does not have 2 d entries", {"pads": [1]}),
    Fault("an entry of pads is less than 0", {"pads": [-1, 0]}),
    Fault("an entry of any of these is more than 2^31 - 1", {"strides": [2**31]}),
    Fault("x does not have 2 + d axes", {"x": np.zeros((1, 1, 3, 3), bool)}),
]
DILATIONS = [
    Fault("dilations does not have d entries", {"dilations": [1, 1]}),
    Fault("an entry of dilations is less than 1", {"dilations": [0]}),
]
ROOM = [
    Fault("the window with its gaps is larger than x with its padding", {"kernel_shape": [9]}),
]
