"""Edalize: the design as EDAM, and a script that hands it to a tool."""

from __future__ import annotations

import json
from typing import Any

from lgnx.converters.projects.bench_files import bench_files
from lgnx.converters.projects.project import Project, render
from lgnx.converters.projects.rtl_folder import RtlFolder
from lgnx.converters.projects.vectors import Vectors


def _write(rtl: RtlFolder, vectors: Vectors | None) -> dict[str, str]:
    files: list[dict[str, Any]] = [
        {"name": f"../{name}", "file_type": rtl.file_type} for name in rtl.files
    ]
    lint = {"tool": "verilator", "verilator_options": ["-Wall"]}
    targets: dict[str, Any] = {
        "lint": {"flow": "lint", "toplevel": rtl.top, "files": files, "flow_options": lint}
    }
    bench = {} if vectors is None else bench_files(rtl, vectors)
    if bench:
        sources = [
            {"name": f"../testbench/tb_{rtl.top}.sv", "file_type": "systemVerilogSource"},
            {"name": "../testbench/main.cpp", "file_type": "cppSource"},
        ]
        simulation = {"flow": "sim", "toplevel": f"tb_{rtl.top}", "files": files + sources}
        options: dict[str, Any] = {"tool": "icarus", "iverilog_options": ["-g2012"]}
        targets["icarus"] = simulation | {"flow_options": options}
        options = {"tool": "verilator", "verilator_options": ["--assert", "-Wno-fatal"]}
        targets["verilator"] = simulation | {"flow_options": options}
    edam = {"name": rtl.top, "build_id": rtl.build_id, "targets": targets}
    return bench | {
        "edalize/targets.json": json.dumps(edam, indent=2) + "\n",
        "edalize/run.py": render("edalize_run.py.j2", rtl),
    }


PROJECT = Project(
    name="edalize",
    title="edalize: the design for its backends (EDAM), and a script that runs them",
    write=_write,
    run="python {rtl}/edalize/run.py lint",
    vectors="used",
)
