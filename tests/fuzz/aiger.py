"""AIGER files, ASCII and binary."""

from __future__ import annotations

import contextlib

from lgnx.converters.aiger_reader import read_circuit
from lgnx.converters.circuit import circuit_to_model
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_circuit(data, "fuzz"))
