"""Models with lookup tables of qonnx.custom_op.lnn."""

from __future__ import annotations

import contextlib
import logging

from lgnx.converters.qonnx_lnn import from_lnn
from lgnx.ops.errors import LgnxError

logging.getLogger("onnx_ir").setLevel(logging.CRITICAL)  # of shapes that cannot be inferred


def target(data: bytes) -> None:
    """Convert any bytes."""
    with contextlib.suppress(LgnxError):
        from_lnn(data)
