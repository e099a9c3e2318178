"""The Verilog of an RTL folder, handed to yosys."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from lgnx.verify.rtl import Rtl

__all__ = ["MEMORY", "verilog_for_yosys"]

MEMORY = 16384  # MiB that yosys may use


def verilog_for_yosys(rtl: Rtl, folder: Path, modules: Collection[str] | None = None) -> str:
    """Copy Verilog files into a folder under plain names, and give the command that reads them.

    yosys's scripts take no odd paths.

    Parameters
    ----------
    modules
        Names of those that are wanted, of which each has a file; None for all.
    """
    names = []
    for number, path in enumerate(rtl.files):
        if modules is None or path.stem in modules:
            names.append(f"file{number}{path.suffix}")
            shutil.copyfile(path, folder / names[-1])
    flag = "-sv " if rtl.language == "systemverilog" else ""
    return f"read_verilog {flag}{' '.join(names)}"
