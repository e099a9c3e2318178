"""Vivado: a Tcl script, and constraints (XDC)."""

from __future__ import annotations

from lgnx.converters.formats import Option
from lgnx.converters.projects.constraints import SHARED, check_names, check_times
from lgnx.converters.projects.project import Project, render
from lgnx.converters.projects.rtl_folder import RtlFolder
from lgnx.converters.projects.vectors import Vectors


def _write(
    rtl: RtlFolder,
    vectors: Vectors | None,
    *,
    part: str,
    flow: str,
    period: float,
    io: str,
    io_delay: float,
    out_of_context: bool,
) -> dict[str, str]:
    check_times(period, io_delay)
    check_names(part=part)
    return {
        "vivado/build_vivado.tcl": render(
            "vivado.tcl.j2", rtl, part=part, flow=flow, period=period, out_of_context=out_of_context
        ),
        f"vivado/{rtl.top}.xdc": render(
            "constraints.sdc.j2", rtl, period=period, io=io, io_delay=io_delay, **rtl.patterns
        ),
    }


PROJECT = Project(
    name="vivado",
    title="AMD Vivado: Tcl script and constraints",
    write=_write,
    run="vivado -mode batch -source {rtl}/vivado/build_vivado.tcl",
    options=(
        Option("part", str, "xcku5p-ffvb676-2-e", "AMD's part"),
        Option("flow", str, "non-project", "flow of Vivado", ("non-project", "project")),
        *SHARED,
    ),
)
