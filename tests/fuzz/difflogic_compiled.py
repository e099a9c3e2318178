"""C sources of difflogic."""

from __future__ import annotations

import contextlib

from lgnx.converters.difflogic_compiled import parse
from lgnx.ops.errors import LgnxError


def target(data: bytes) -> None:
    """Read any text."""
    with contextlib.suppress(LgnxError):
        parse(data.decode(errors="replace"), "net.c")
