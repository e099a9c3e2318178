"""Running ABC, the program ``yosys-abc`` of the package pyosys, in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lgnx.ops.errors import ToolError, require

__all__ = ["run_abc"]


def run_abc(commands: Sequence[str], folder: Path, *, timeout: float) -> str | None:
    """Run commands of ABC in a folder and give what it prints.

    Parameters
    ----------
    commands
        One command each; they name files of the folder.
    timeout
        Seconds after which ABC is stopped.

    Returns
    -------
    str or None
        None where it was stopped.

    Raises
    ------
    ToolError
        If ABC fails.
    MissingExtraError
        If pyosys is not installed.
    """
    spec = importlib.util.find_spec("pyosys")  # importing it loads all of yosys
    if spec is None or spec.origin is None:
        require("pyosys", extra="yosys")
        raise ToolError("pyosys has no file to find ABC beside")
    program = Path(spec.origin).with_name("yosys-abc")
    if not program.is_file():
        raise ToolError(f"{program}: no such file; this build of pyosys comes without ABC")
    try:
        done = subprocess.run(
            [str(program), "-q", "; ".join(commands)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise ToolError(f"ABC ended with code {done.returncode}: {done.stdout[-400:]}")
    return done.stdout
