"""Tools that share no code with lgnx, to judge what it writes: ABC, yosys, aigverse.

ABC and yosys come with the package pyosys, the readers with aigverse; a test that calls one of them
is skipped where its package is missing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import pytest

from lgnx.netlist.netlist import Netlist
from lgnx.optimize.aig import from_aig

DONE = "every command has run"

_YOSYS = "import sys; from pyosys import libyosys as y; y.run_pass('script -', y.Design())"


def abc(commands: str | Sequence[str], *, cwd: Path, timeout: float = 300) -> str:
    """Run commands of ABC in a folder and give what it prints.

    Name files by what they are called inside ``cwd``: ABC takes no spaces. A command that fails
    fails the test.
    """
    program = _of_pyosys("yosys-abc")
    script = "; ".join([*_listed(commands), f"echo {DONE}"])
    printed = _run([program, "-q", script], cwd, timeout)
    assert DONE in printed, f"ABC stopped: {printed}"
    return printed.replace(DONE, "").strip()


def yosys(commands: str | Sequence[str], *, cwd: Path, timeout: float = 300) -> str:
    """Run commands of yosys in a folder and give its log; a command that fails fails the test."""
    _of_pyosys("yosys-abc")
    return _run([sys.executable, "-c", _YOSYS], cwd, timeout, "\n".join(_listed(commands)) + "\n")


def assert_equivalent(a: Path, b: Path, *, by: str = "order") -> None:
    """Assert that ABC proves two circuits equal: BLIF, bench, AIGER (binary), Verilog.

    Parameters
    ----------
    a, b
        Files of one folder; ABC goes by their suffixes.
    by
        ``"order"`` or ``"name"``: how inputs and outputs are matched.
    """
    printed = abc(
        f"cec -T 250 -C 1000000 {'-n ' if by == 'order' else ''}{a.name} {b.name}", cwd=a.parent
    )
    assert "Networks are equivalent" in printed, printed


def aiger_by_aigverse(path: Path) -> Netlist:
    """Read a combinational AIGER file, ASCII (.aag) or binary (.aig), with aigverse."""
    io = pytest.importorskip("aigverse.io")
    read = io.read_ascii_aiger_into_aig if path.suffix == ".aag" else io.read_aiger_into_aig
    return from_aig(read(str(path)))


def names_by_aigverse(path: Path) -> tuple[list[str], list[str]]:
    """Names of inputs and outputs that aigverse reads from an AIGER file."""
    io = pytest.importorskip("aigverse.io")
    read = io.read_ascii_aiger_into_aig if path.suffix == ".aag" else io.read_aiger_into_aig
    aig = read(str(path))
    inputs = [aig.get_name(aig.make_signal(node)) for node in aig.pis()]
    return inputs, [aig.get_output_name(i) for i in range(aig.num_pos)]


def _of_pyosys(name: str) -> str:
    pytest.importorskip("pyosys")
    return str(resources.files("pyosys").joinpath(name))


def _listed(commands: str | Sequence[str]) -> list[str]:
    return [commands] if isinstance(commands, str) else list(commands)


def _run(command: list[str], cwd: Path, timeout: float, text: str = "") -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        input=text,
        timeout=timeout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} gave {done.returncode}: {done.stdout[-4000:]}"
    return done.stdout
