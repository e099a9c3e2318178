"""Names in Verilog: what may be one."""

from __future__ import annotations

import re

from lgnx.converters.verilog_names import KEYWORDS
from lgnx.ops.errors import InputError

__all__ = ["check_name"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_LONGEST = 200


def check_name(top: str) -> None:
    """Check the name of a top module, which others get parts added to.

    Raises
    ------
    InputError
        If it is no plain identifier that every tool leaves as it is.
    """
    if not _NAME.fullmatch(top) or top in KEYWORDS or len(top) > _LONGEST:
        raise InputError(
            f"top module {top!r}: must be letters, digits and single underscores, begin with a "
            "letter, and be no keyword of Verilog or SystemVerilog"
        )
