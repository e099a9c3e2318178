"""The waves of a run as a VCD or FST file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from lgnx.files import atomic_path
from lgnx.ops.errors import InputError, ToolError
from lgnx.verify.build import build_library
from lgnx.verify.rtl import Rtl
from lgnx.verify.runner import Runner
from lgnx.verify.stalls import Stalls

__all__ = ["wave_format", "write_waves"]


def wave_format(path: str | os.PathLike[str]) -> Literal["vcd", "fst"]:
    """Give the format that the end of a name says.

    Raises
    ------
    InputError
        If it is neither, or there is no folder for the file.
    """
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"{path}: cannot write there: there is no such folder")
    suffix = Path(path).suffix.lower()
    if suffix == ".vcd":
        return "vcd"
    if suffix == ".fst":
        return "fst"
    raise InputError(f"{path}: waves are written as .vcd or .fst")


def write_waves(
    rtl: Rtl,
    x: np.ndarray,
    path: str | os.PathLike[str],
    *,
    stalls: Stalls | None = None,
    timeout: float,
    cache_dir: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
) -> None:
    """Simulate samples from power-up and write every net of the design.

    The first call for a design and format builds a library that can do so.

    Parameters
    ----------
    rtl
        The design.
    x
        ``[batch, ...]`` in the model's input.
    path
        File to write, whole or not at all; ``.fst`` or ``.vcd`` says what. A clock period is ten
        time units, as is a settled step of a combinational design.
    stalls
        Of a design with AXI streams.
    timeout, cache_dir, jobs
        See `lgnx.verify.simulation.CoSimulation`.

    Raises
    ------
    InputError
        If a sample does not fit, or the file cannot be written.
    ToolError, MissingExtraError
        If the build or the simulation fails.
    """
    form = wave_format(path)
    codes = rtl.codes(np.asarray(x))
    with atomic_path(path) as temporary:
        library = build_library(rtl, extra=form, cache_dir=cache_dir, jobs=jobs)
        runner = Runner(library, rtl, len(codes), timeout)
        status, message = runner.call(codes, stalls or Stalls.none(), fresh=True, waves=temporary)
        if temporary.stat().st_size == 0:
            raise ToolError(f"{path}: {message or f'the simulation ended with status {status}'}")
