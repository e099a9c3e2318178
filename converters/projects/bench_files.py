"""The files of the testbench, which more than one kind of project runs."""

from __future__ import annotations

from lgnx.converters.projects.project import render
from lgnx.converters.projects.rtl_folder import RtlFolder, in_bytes
from lgnx.converters.projects.vectors import Vectors, hex_rows

__all__ = ["bench_files"]


def bench_files(rtl: RtlFolder, vectors: Vectors) -> dict[str, str]:
    """Give the testbench, its vectors, and a clock for Verilator."""
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
    return {
        f"testbench/tb_{rtl.top}.sv": testbench,
        "testbench/vectors.hex": hex_rows(vectors),
        "testbench/main.cpp": render("testbench_main.cpp.j2", rtl),
    }
