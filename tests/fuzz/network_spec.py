"""Specs of networks, in YAML and JSON."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from lgnx.converters.network_spec import KINDS, read_spec
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_bytes(data)
        with contextlib.suppress(LgnxError):
            read_spec(path, "torchlogix", KINDS)
