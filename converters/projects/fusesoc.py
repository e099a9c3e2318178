"""FuseSoC: a core file (CAPI2) with targets for lint, simulation and synthesis."""

from __future__ import annotations

import json
from typing import Any

from lgnx.converters.formats import Option
from lgnx.converters.projects.bench_files import bench_files
from lgnx.converters.projects.constraints import SHARED, check_names, check_times
from lgnx.converters.projects.project import Project, render
from lgnx.converters.projects.rtl_folder import RtlFolder
from lgnx.converters.projects.vectors import Vectors
from lgnx.ops.errors import require


def _write(
    rtl: RtlFolder,
    vectors: Vectors | None,
    *,
    part: str,
    vlnv: str,
    period: float,
    io: str,
    io_delay: float,
    out_of_context: bool,
) -> dict[str, str]:
    yaml = require("yaml", extra="rtl")
    check_times(period, io_delay)
    check_names(part=part, vlnv=vlnv.replace(":", ""))
    constraints = f"fusesoc/{rtl.top}.xdc"
    filesets: dict[str, Any] = {
        "rtl": {"files": list(rtl.files), "file_type": rtl.file_type},
        "xdc": {"files": [constraints], "file_type": "xdc"},
    }
    synthesis = ["-mode", "out_of_context"] if out_of_context else []
    targets: dict[str, Any] = {
        "default": {"filesets": ["rtl"], "toplevel": rtl.top},
        "lint": {
            "filesets": ["rtl"],
            "toplevel": rtl.top,
            "flow": "lint",
            "flow_options": {"tool": "verilator", "verilator_options": ["-Wall"]},
        },
        "synth": {
            "filesets": ["rtl", "xdc"],
            "toplevel": rtl.top,
            "flow": "vivado",
            "flow_options": {"part": part, "synth_options": synthesis, "pnr": "none"},
        },
    }
    files = {
        constraints: render(
            "constraints.sdc.j2", rtl, period=period, io=io, io_delay=io_delay, **rtl.patterns
        )
    }
    if vectors is not None:
        bench = bench_files(rtl, vectors)
        files |= bench
        kinds = {".cpp": "cppSource", ".sv": "systemVerilogSource"}
        filesets["tb"] = {
            "files": [
                {name: {"file_type": kinds[name[name.rindex(".") :]]}}
                if not name.endswith(".hex")
                else {name: {"file_type": "user", "copyto": "vectors.hex"}}
                for name in bench
            ]
        }
        simulation = {"filesets": ["rtl", "tb"], "toplevel": f"tb_{rtl.top}", "flow": "sim"}
        options: dict[str, Any] = {"tool": "icarus", "iverilog_options": ["-g2012"]}
        targets["sim"] = simulation | {"flow_options": options}
        options = {"tool": "verilator", "verilator_options": ["--assert", "-Wno-fatal"]}
        targets["sim_verilator"] = simulation | {"flow_options": options}
    core = {
        "name": f"{vlnv}:{rtl.top}:1.0.0",
        "description": f"Logic gate network, lgnx build {rtl.build_id}",
        "filesets": filesets,
        "targets": targets,
    }
    text = yaml.safe_dump(json.loads(json.dumps(core)), sort_keys=False, width=100)
    return {f"{rtl.top}.core": f"CAPI=2:\n{text}"} | files


PROJECT = Project(
    name="fusesoc",
    title="FuseSoC core file: lint, simulation, synthesis",
    write=_write,
    run="fusesoc --cores-root {rtl} run --target lint {top}",
    options=(
        Option("part", str, "xcku5p-ffvb676-2-e", "AMD's part, for synthesis"),
        Option("vlnv", str, "lgnx:rtl", "vendor and library of the core's name"),
        *SHARED,
    ),
    vectors="used",
)
