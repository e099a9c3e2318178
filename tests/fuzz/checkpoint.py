"""Checkpoints of torch, whatever is pickled in them."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from lgnx.converters.checkpoint import find_state, load_checkpoint
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.pt"
        path.write_bytes(data)
        with contextlib.suppress(LgnxError):
            find_state(load_checkpoint(path))
