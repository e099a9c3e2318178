"""Checkpoints of treelite."""

from __future__ import annotations

import contextlib

from lgnx.converters.treelite_checkpoint import parse
from lgnx.converters.treelite_trees import from_checkpoint
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any bytes."""
    with contextlib.suppress(LgnxError):
        from_checkpoint(parse(data, "forest.tl"), vote="hard", max_bits=1 << 12)
