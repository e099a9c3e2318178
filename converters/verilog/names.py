"""Names in Verilog: what may be one."""

from __future__ import annotations

import re

from lgnx.converters.verilog_names import KEYWORDS
from lgnx.ops.errors import InputError

__all__ = ["check_name"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_LONGEST = 200
# Ports, nets and instances of the modules: Verilator takes none that is called like its module.
_INSIDE = frozenset(
    "argmax bits class_held class_index clk core counts enable encoded encoder enough group "
    "in_valid index largest m_axis_tdata m_axis_tready m_axis_tvalid network out_ready out_valid "
    "popcount results rst rst_n s_axis_tdata s_axis_tready s_axis_tvalid scores skid trigger "
    "unused unused_counts valid x y".split()
)


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
    if top in _INSIDE or re.fullmatch(r"(stage|logic|held|level|counts_late|enough_late)\d+", top):
        raise InputError(f"top module {top!r}: is the name of a port or net inside; give another")
