"""Scripts of ABC that map a network to look-up tables, of growing effort."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lgnx.abc import run_abc
from lgnx.netlist.luts import LutNetlist
from lgnx.optimize.abc_files import read_bench, write_bench

__all__ = ["EFFORTS", "Script", "run_script", "scripts"]

EFFORTS = ("low", "medium", "high")
_ROUNDS = {"low": 0, "medium": 3, "high": 8}
_MAP = "if -a; mfs2 -a; lutpack -S 1"
_DEEP_SECONDS = 20


@dataclass(frozen=True)
class Script:
    """One script.

    Attributes
    ----------
    name
        For reports.
    commands
        Of ABC, between reading a network and writing it.
    """

    name: str
    commands: str


def scripts(effort: str) -> Iterator[tuple[Script, int]]:
    """Give the scripts of an effort, and how often each is run at most."""
    rounds = _ROUNDS[effort]
    yield (
        Script(
            "sweep, dc2, dch, if, mfs2", f"strash; ifraig; scorr; dc2; fraig; strash; dch; {_MAP}"
        ),
        1,
    )
    if rounds:
        yield Script("dch, if, mfs2", f"strash; dch -f; {_MAP}"), rounds
        synch = "strash; &get -n; &synch2 -K 6; &put; " + _MAP
        yield Script("&synch2, if, mfs2", synch), rounds
    if effort == "high":
        deep = f"strash; &get -n; &deepsyn -T {_DEEP_SECONDS}; &put; dch; {_MAP}"
        yield Script("&deepsyn, dch, if, mfs2", deep), 1


def run_script(script: Script, luts: LutNetlist, k: int, timeout: float) -> LutNetlist | None:
    """Run a script on a network; None where it was stopped after ``timeout`` seconds.

    Raises
    ------
    ToolError
        If ABC fails.
    MissingExtraError
        If pyosys is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        write_bench(luts, folder / "in.bench")
        library = "".join(f"{inputs} 1 1\n" for inputs in range(1, k + 1))
        (folder / "tables.lut").write_text(library)
        commands = ["read_lut tables.lut", "read_bench in.bench", script.commands]
        if run_abc([*commands, "write_bench out.bench"], folder, timeout=timeout) is None:
            return None
        return read_bench(folder / "out.bench", luts.n_inputs, len(luts.outputs))
