"""Faults of UnpackBits nodes."""

from __future__ import annotations

from faults._packed import PACKED

FAULTS = PACKED
