"""Running yosys, in a process of its own, on files that nobody vouches for."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lgnx.ops.errors import ModelError, ToolError, require

__all__ = ["FLATTEN", "KEEP_NONE", "run_yosys"]

KEEP_NONE = "setattr -mod -unset keep_hierarchy *"
"""Command after which `flatten` also dissolves modules that synthesis is asked to keep."""

FLATTEN = (KEEP_NONE, "flatten")
"""Commands that flatten everything, modules as well that synthesis is asked to keep."""

_SCRIPT = "commands.ys"
_LOG = "yosys.log"
_SHOWN_WARNINGS = 3
_LONGEST = 400  # characters of one message of yosys
_PROGRAM = f"""
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from pyosys import libyosys
libyosys.run_pass("script {_SCRIPT}", libyosys.Design())
"""


def run_yosys(
    commands: Sequence[str],
    folder: Path,
    where: str,
    *,
    timeout: float,
    memory: int,
    refused: Mapping[re.Pattern[str], str] | None = None,
) -> str:
    """Run commands of yosys in a folder and give its log.

    Parameters
    ----------
    commands
        One command each. Nothing of them may come from a file or a user unchecked.
    folder
        Holds the files that the commands name.
    where
        What messages call the file ``input.v`` of the folder.
    timeout
        Seconds after which yosys is stopped.
    memory
        MiB that it may use.
    refused
        What must not stand in the log, and why.

    Raises
    ------
    ModelError
        If yosys refuses the file (its own message is given), or its log has what is refused.
    ToolError
        If yosys crashes, or takes too long.
    MissingExtraError
        If pyosys is not installed.
    """
    if importlib.util.find_spec("pyosys") is None:  # importing it loads all of yosys
        require("pyosys", extra="yosys")
    (folder / _SCRIPT).write_text("".join(f"{command}\n" for command in commands))
    with (folder / _LOG).open("wb") as log:
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, str(memory << 20)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ToolError(
                f"{where}: yosys took more than {timeout:g} s; option timeout=SECONDS allows more"
            ) from None
    text = (folder / _LOG).read_text("utf-8", "replace")
    for pattern, reason in (refused or {}).items():
        if pattern.search(text):
            raise ModelError(f"{where}: {reason}")
    if done.returncode == 0:
        return text
    errors = _messages(text, "ERROR")
    if errors and done.returncode > 0:
        reasons = _messages(text, "Warning")[:_SHOWN_WARNINGS] + errors[:1]
        raise ModelError(f"{where}: yosys: {'; '.join(reasons)}".replace("input.v", where))
    status = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
    last = " ".join(text.split())[-_LONGEST:]
    raise ToolError(
        f"{where}: yosys ended with {status} and memory of {memory} MiB (option memory=MIB allows "
        f"more): {last}"
    )


def _messages(log: str, kind: str) -> list[str]:
    """Messages of one kind, in the log of yosys."""
    found = re.findall(rf"^(?:(\S+:[0-9]+): )?{kind}: (?!Selection )(.*)$", log, re.MULTILINE)
    return [f"{place}: {text}"[:_LONGEST] if place else text[:_LONGEST] for place, text in found]
