"""Faults of LogicConv nodes."""

from __future__ import annotations

from faults._tree import TREES
from faults._windows import DILATIONS, ROOM, WINDOWS

FAULTS = [*WINDOWS, *DILATIONS, *ROOM, *TREES]
