"""Lists of truth tables."""

from __future__ import annotations

import contextlib

from lgnx.converters.circuit import circuit_to_model
from lgnx.converters.truth_tables import read_truth_tables
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes, in each base."""
    for base in ("auto", "hex", "binary"):
        with contextlib.suppress(LgnxError):
            circuit_to_model(read_truth_tables(data, "fuzz", base))
