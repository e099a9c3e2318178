"""PLA files."""

from __future__ import annotations

import contextlib

from lgnx.converters.circuit import circuit_to_model
from lgnx.converters.pla import read_pla
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_pla(data, "fuzz"))
