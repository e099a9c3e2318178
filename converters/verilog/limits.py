"""How large a model may be to become RTL whose convolutions are unrolled."""

from __future__ import annotations

from typing import Any

from lgnx.files import as_proto, model_name
from lgnx.netlist.estimate import estimate_gates
from lgnx.ops.errors import InputError

__all__ = ["MAX_GATES", "check_unrolled"]

MAX_GATES = 1_000_000


def check_unrolled(model: Any, most: int = MAX_GATES) -> None:
    """Check that a model has not too many gates when each position of its windows has its own.

    Raises
    ------
    InputError
        If it has more than ``most``, as far as shapes tell before anything is simplified.
    """
    gates = estimate_gates(as_proto(model))
    if gates > most:
        raise InputError(
            f"{model_name(model)}: unrolled, its layers are about {gates:,} gates, more than "
            f"{most:,}; --max-gates allows more, and --streaming has the kernels of a convolution "
            "once, not at every position"
        )
