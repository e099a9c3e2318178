"""Faults of BitCount nodes."""

from __future__ import annotations

from faults._packed import PACKED
from faults._scale import GROUPS, NO_GROUPS

FAULTS = [NO_GROUPS, *GROUPS, *PACKED]
