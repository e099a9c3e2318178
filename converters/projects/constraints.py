"""Options and constraints that the projects of FPGA vendors share."""

from __future__ import annotations

import math
import re

from lgnx.converters.formats import Option
from lgnx.ops.errors import InputError

__all__ = ["SHARED", "check_names", "check_times"]

SHARED = (
    Option("period", float, 4.0, "clock period in ns"),
    Option("io", str, "false-path", "paths from and to ports", ("false-path", "delay")),
    Option("io_delay", float, 0.5, "with io=delay: ns outside, at inputs and outputs"),
    Option("out_of_context", bool, True, "no pads, for a block inside a larger design"),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")


def check_times(period: float, io_delay: float) -> None:
    """Check the numbers that reach constraints.

    Raises
    ------
    InputError
        If they are no times.
    """
    if not (math.isfinite(period) and period > 0):
        raise InputError(f"option period: {period}, must be a time in ns above 0")
    if not (math.isfinite(io_delay) and 0 <= io_delay < period):
        raise InputError(f"option io_delay: {io_delay}, must be 0 to the period, {period}")


def check_names(**names: str) -> None:
    """Check that names of parts are words, since they reach Tcl.

    Raises
    ------
    InputError
        If one is not.
    """
    for option, name in names.items():
        if not _NAME.fullmatch(name):
            raise InputError(f"option {option}: {name!r}, must be letters, digits and . _ -")
