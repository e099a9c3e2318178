"""JSON netlists of yosys."""

from __future__ import annotations

import contextlib

from lgnx.converters.yosys_json import read_yosys_json
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        read_yosys_json(data, "fuzz").netlist.validate()
