"""Quartus: a Tcl script, and constraints (SDC)."""

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
    family: str,
    device: str,
    period: float,
    io: str,
    io_delay: float,
    out_of_context: bool,
) -> dict[str, str]:
    check_times(period, io_delay)
    check_names(family=family, device=device)
    inputs, outputs = rtl.ports
    ports = [p.name for p in inputs + outputs]
    if rtl.reset:
        ports.append(rtl.reset["name"])
    return {
        "quartus/build_quartus.tcl": render(
            "quartus.tcl.j2",
            rtl,
            family=family,
            device=device,
            out_of_context=out_of_context,
            ports=ports,
        ),
        f"quartus/{rtl.top}.sdc": render(
            "constraints.sdc.j2", rtl, period=period, io=io, io_delay=io_delay, **rtl.patterns
        ),
    }


PROJECT = Project(
    name="quartus",
    title="Intel and Altera Quartus: Tcl script and constraints",
    write=_write,
    run="quartus_sh -t {rtl}/quartus/build_quartus.tcl",
    options=(
        Option("family", str, "Cyclone V", "family of devices"),
        Option("device", str, "5CEBA9F31C7", "device"),
        *SHARED,
    ),
)
