"""Files of the ISCAS benchmarks."""

from __future__ import annotations

import contextlib

from lgnx.converters.iscas_bench import read_bench
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        read_bench(data, "fuzz").netlist.validate()
