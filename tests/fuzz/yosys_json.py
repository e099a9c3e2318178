"""JSON netlists of yosys."""

from __future__ import annotations

import contextlib

from lgnx.converters.circuit import circuit_to_model
from lgnx.converters.yosys_json import read_yosys_json
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_yosys_json(data, "fuzz"))
