"""Faults of OrPool nodes."""

from __future__ import annotations

from faults import Fault
from faults._windows import ROOM, WINDOWS

FAULTS = [
    *WINDOWS,
    *ROOM,
    Fault("an entry of pads is not less than the window", {"pads": [2, 0]}),
]
