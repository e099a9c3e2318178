"""A self-checking testbench with vectors: Icarus or Verilator, and no Python to run it."""

from __future__ import annotations

from lgnx.converters.projects.project import Project, render
from lgnx.converters.projects.rtl_folder import RtlFolder, in_bytes
from lgnx.converters.projects.vectors import Vectors, hex_rows


def _write(rtl: RtlFolder, vectors: Vectors) -> dict[str, str]:
    axi = rtl.handshake == "axi-stream"
    inputs, outputs = rtl.ports
    connected = [rtl.clock, rtl.reset and rtl.reset["name"], *(p.name for p in inputs + outputs)]
    testbench = render(
        "testbench.v.j2",
        rtl,
        count=len(vectors.inputs),
        x=None if axi else rtl.sidecar["input"]["name"],
        connected=[name for name in connected if name],
        s_width=in_bytes(rtl.beat_bits),
        m_width=in_bytes(rtl.out_bits),
        patience=1000 + 4 * (rtl.latency + rtl.beats),
    )
    sources = [f"../{name}" for name in rtl.files]
    return {
        f"testbench/tb_{rtl.top}.sv": testbench,
        "testbench/vectors.hex": hex_rows(vectors),
        "testbench/main.cpp": render("testbench_main.cpp.j2", rtl),
        "testbench/Makefile": render("testbench.mk.j2", rtl, sources=sources),
    }


PROJECT = Project(
    name="testbench",
    title="self-checking testbench with vectors for Icarus and Verilator",
    write=_write,
    run="make -C {rtl}/testbench icarus",
    vectors="needed",
)
