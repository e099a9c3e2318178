"""BLIF files."""

from __future__ import annotations

import contextlib

from lgnx.converters.blif import read_blif
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        read_blif(data, "fuzz").netlist.validate()
