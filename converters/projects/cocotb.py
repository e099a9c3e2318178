"""cocotb: a test that the user extends, with a driver and a monitor for every handshake."""

from __future__ import annotations

from lgnx.converters.projects.project import Project, render
from lgnx.converters.projects.rtl_folder import RtlFolder
from lgnx.converters.projects.vectors import Vectors, hex_rows


def _write(rtl: RtlFolder, vectors: Vectors | None) -> dict[str, str]:
    files = {
        "cocotb/lgnx_bench.py": render("cocotb_bench.py.j2", rtl),
        f"cocotb/test_{rtl.top}.py": render("cocotb_test.py.j2", rtl),
        "cocotb/run.py": render("cocotb_run.py.j2", rtl),
    }
    if vectors is not None:
        files["cocotb/vectors.hex"] = hex_rows(vectors)
    return files


PROJECT = Project(
    name="cocotb",
    title="cocotb test with driver and monitor, for Verilator and Icarus",
    write=_write,
    run="python {rtl}/cocotb/run.py",
    vectors="used",
)
