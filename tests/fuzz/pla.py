"""PLA files."""

from __future__ import annotations

import contextlib

from lgnx.converters.pla import read_pla
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        read_pla(data, "fuzz").netlist.validate()
