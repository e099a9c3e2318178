"""A self-checking testbench with vectors: Icarus or Verilator, and no Python to run it."""

from __future__ import annotations

from lgnx.converters.projects.bench_files import bench_files
from lgnx.converters.projects.project import Project, render
from lgnx.converters.projects.rtl_folder import RtlFolder
from lgnx.converters.projects.vectors import Vectors


def _write(rtl: RtlFolder, vectors: Vectors) -> dict[str, str]:
    sources = [f"../{name}" for name in rtl.files]
    makefile = render("testbench.mk.j2", rtl, sources=sources)
    return bench_files(rtl, vectors) | {"testbench/Makefile": makefile}


PROJECT = Project(
    name="testbench",
    title="self-checking testbench with vectors for Icarus and Verilator",
    write=_write,
    run="make -C {rtl}/testbench icarus",
    vectors="needed",
)
