"""Equivalence of large netlists of like structure, by ABC's ``&cec``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lgnx.abc import run_abc
from lgnx.netlist.netlist import Netlist
from lgnx.ops.errors import require
from lgnx.optimize.aig import to_aig

__all__ = ["proved_by_cec"]


def proved_by_cec(a: Netlist, b: Netlist, *, budget: float) -> bool:
    """Tell whether ABC proves two netlists equal within so many seconds.

    Raises
    ------
    ToolError, MissingExtraError
        If ABC fails, or it or aigverse is not installed.
    """
    write = require("aigverse.io", extra="proof").write_aiger
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        for file, netlist in (("a.aig", a), ("b.aig", b)):
            write(to_aig(netlist), str(Path(name) / file))
        text = run_abc(["&r a.aig", "&cec b.aig"], Path(name), timeout=budget)
    return text is not None and "Networks are equivalent" in text
