"""JSON netlists of yosys: written, read back, and read and written by yosys."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgnx.converters.aiger import FORMAT as AIGER
from lgnx.converters.circuit import Circuit, circuit_to_model
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.yosys_json import FORMAT, read_yosys_json
from lgnx.metadata import SOURCE_FORMAT, get
from lgnx.ops.errors import LgnxError, ModelError
from tests.converters.circuit_cases import (
    GOLDEN,
    assert_equal,
    assert_same,
    circuits,
    large,
    mutated,
    netlist,
    read,
    trained,
    write,
)
from tests.converters.independent import assert_equivalent, yosys

PORTS = """
module top(input [3:0] a, input [5:2] b, input [0:3] u, input \\dotted.name , input \\0 ,
           output [3:0] y, output z, output [4:1] w);
  assign y = (a + b) ^ u;
  assign z = \\dotted.name ? ^u : a[0] & \\0 ;
  assign w = {a[1], 1'b1, b[2], b[2]};
endmodule
"""
CELLS = ["BUF", "NOT", "AND", "NAND", "OR", "NOR", "XOR", "XNOR", "ANDNOT", "ORNOT"]
CELLS += ["MUX", "NMUX", "AOI3", "OAI3", "AOI4", "OAI4"]
PINS = {1: "A", 2: "AB", 3: "ABC", 4: "ABCD"}
SIZES = {"BUF": 1, "NOT": 1, "AOI3": 3, "OAI3": 3, "AOI4": 4, "OAI4": 4}


def module(cells=None, ports=None, **more):
    """One module: inputs a (net 2) and b (net 3), output y (net 4), and a cell that drives it."""
    ports = ports or {
        "a": {"direction": "input", "bits": [2]},
        "b": {"direction": "input", "bits": [3]},
        "y": {"direction": "output", "bits": [4]},
    }
    cells = {"g": gate("$_AND_", A=[2], B=[3], Y=[4])} if cells is None else cells
    return {"modules": {"top": {"attributes": {}, "ports": ports, "cells": cells, **more}}}


def gate(kind, parameters=None, **pins):
    return {"type": kind, "parameters": parameters or {}, "connections": pins}


@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_computes_what_yosys_says(tmp_path, cell):
    pins = "ABS" if "MUX" in cell else PINS[SIZES.get(cell, 2)]
    wires = ", ".join(f".{pin}(x[{i}])" for i, pin in enumerate(pins))
    (tmp_path / "c.v").write_text(
        f"module top(input [{len(pins) - 1}:0] x, output y); \\$_{cell}_ g({wires}, .Y(y)); "
        "endmodule"
    )
    yosys(
        ["read_verilog -icells c.v", "write_json c.json", "aigmap", "write_aiger c.aig"],
        cwd=tmp_path,
    )
    circuit = read(FORMAT, tmp_path / "c.json")
    assert_equal(circuit.netlist, read(AIGER, tmp_path / "c.aig").netlist)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 6, 8])
def test_a_table_has_its_first_pin_as_the_low_bit(tmp_path, width):
    rng = np.random.default_rng(width)
    table = "".join(map(str, rng.integers(0, 2, 2**width)))
    (tmp_path / "c.v").write_text(
        f"module top(input [{width - 1}:0] x, output y); \\$lut #(.WIDTH({width}), "
        f".LUT({2**width}'b{table})) g(.A(x), .Y(y)); endmodule"
    )
    yosys(
        ["read_verilog -icells c.v", "write_json c.json", "techmap", "aigmap", "write_aiger c.aig"],
        cwd=tmp_path,
    )
    circuit = read(FORMAT, tmp_path / "c.json")
    assert_equal(circuit.netlist, read(AIGER, tmp_path / "c.aig").netlist)
    every = (np.arange(2**width)[:, None] >> np.arange(width) & 1).astype(bool)
    y = circuit.netlist.simulate(every)[::-1, 0]
    assert "".join(map(str, y.astype(int))) == table


@pytest.mark.parametrize("cells", ["abc -g gates", "abc -g all", "abc -lut 4", "simplemap"])
def test_ports_of_a_synthesised_module_keep_names_and_order(tmp_path, cells):
    (tmp_path / "p.v").write_text(PORTS)
    yosys(
        [
            "read_verilog p.v",
            "synth -flatten",
            cells,
            "opt_clean",
            "write_json p.json",
            "techmap" if "lut" in cells else "opt_clean",
            "aigmap",
            "write_aiger p.aig",
        ],
        cwd=tmp_path,
    )
    circuit = read(FORMAT, tmp_path / "p.json")
    names = [f"a[{i}]" for i in range(4)] + [f"b[{i}]" for i in range(2, 6)]
    names += [f"u[{i}]" for i in (3, 2, 1, 0)]
    assert circuit.input_names == (*names, "dotted.name", "0")
    outputs = [f"y[{i}]" for i in range(4)] + ["z"] + [f"w[{i}]" for i in range(1, 5)]
    assert circuit.output_names == tuple(outputs)
    assert_equal(circuit.netlist, read(AIGER, tmp_path / "p.aig").netlist)
    again = json.loads(write(FORMAT, circuit, tmp_path / "q.json").read_text())
    given_ports = json.loads((tmp_path / "p.json").read_text())["modules"]["top"]["ports"]
    ports = again["modules"]["top"]["ports"]
    assert list(ports) == list(given_ports)
    for name, port in ports.items():
        assert len(port.pop("bits")) == len(given_ports[name].pop("bits"))
        assert port == given_ports[name]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits())
def test_what_is_written_is_read_back(tmp_path, circuit):
    path = write(FORMAT, circuit, tmp_path / "c.json")
    assert_same(read(FORMAT, path), circuit, source="yosys-json")


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits())
def test_yosys_hands_on_function_names_and_metadata(tmp_path, circuit):
    write(FORMAT, circuit, tmp_path / "ours.json")
    yosys(
        ["read_json ours.json", "check -assert", "opt -full", "clean", "write_json theirs.json"],
        cwd=tmp_path,
    )
    assert_same(read(FORMAT, tmp_path / "theirs.json"), circuit, source="yosys-json")


def test_yosys_reads_a_trained_network(tmp_path):
    circuit = trained()
    write(FORMAT, circuit, tmp_path / "ours.json")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_same(read(FORMAT, tmp_path / "ours.json"), circuit, source="yosys-json")
    yosys(["read_json ours.json", "aigmap", "write_aiger -symbols theirs.aig"], cwd=tmp_path)
    assert_equivalent(tmp_path / "ours.aig", tmp_path / "theirs.aig", by="name")


@pytest.mark.slow
def test_fifty_thousand_gates_are_proved_through_yosys(tmp_path):
    circuit = large()
    write(FORMAT, circuit, tmp_path / "ours.json")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_same(read(FORMAT, tmp_path / "ours.json"), circuit, source="yosys-json")
    yosys(["read_json ours.json", "aigmap", "write_aiger theirs.aig"], cwd=tmp_path)
    assert_equivalent(tmp_path / "ours.aig", tmp_path / "theirs.aig")


def test_neighbours_become_ports_and_inputs_and_outputs_may_be_called_alike(tmp_path):
    circuit = Circuit(
        netlist(7, [0], [[2, 5]], [16, 17, 2, 1, 0, 3]),
        ("x[0]", "x[1]", "x[2]", "k[7]", "k[6]", "a b", "x"),
        ("x[0]", "x[1]", "q[1]", "q[2]", "q[5]", "a b"),
        "0 net",
    )
    text = write(FORMAT, circuit, tmp_path / "c.json").read_text()
    (key,) = json.loads(text)["modules"]
    assert key == "\\0%20net"
    ports = json.loads(text)["modules"][key]["ports"]
    assert {name: len(port["bits"]) for name, port in ports.items()} == {
        "x[0]": 1,  # there is an input x
        "x[1]": 1,
        "x[2]": 1,
        "k": 2,
        "a%20b": 1,
        "x": 1,
        "x%-": 2,
        "q": 2,
        "q[5]": 1,
        "a%20b%-": 1,
    }
    assert ports["k"] == {"direction": "input", "offset": 6, "upto": 1, "bits": [5, 6]}
    assert ports["q"]["offset"] == 1
    assert_same(read(FORMAT, tmp_path / "c.json"), circuit, source="yosys-json")


def test_text_of_attributes_is_told_from_numbers(tmp_path):
    metadata = {"a": "01", "b": "é", "c": "1 ", "d": "x  ", "e": "2", "src": "me", "top": "0"}
    circuit = Circuit(netlist(1, [], [], [3]), ("i",), ("o",), "m", metadata)
    text = write(FORMAT, circuit, tmp_path / "c.json").read_text()
    attributes = json.loads(text)["modules"]["m"]["attributes"]
    assert attributes["a"] == "01 "
    assert attributes["e"] == "2"
    assert read(FORMAT, tmp_path / "c.json").metadata == metadata | {SOURCE_FORMAT: "yosys-json"}


def test_a_file_is_known_by_its_content(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(module()))
    model = read_model(tmp_path / "a.json")
    assert get(model, SOURCE_FORMAT) == "yosys-json"
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(LgnxError, match=r"b\.json"):
        read_model(tmp_path / "b.json")


def test_scaled_scores_are_refused_and_no_file_appears(tmp_path):
    with pytest.raises(ModelError, match="part=counts or part=logic"):
        write_model(GOLDEN / "digits" / "network.onnx", tmp_path / "a.json", "yosys-json")
    assert list(tmp_path.iterdir()) == []


def ports_with(**changes):
    return {**module()["modules"]["top"]["ports"], **changes}


LUT = {"WIDTH": "10", "LUT": "0110"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{\n  [", "line 2: is no JSON: Expecting property name"),
        (b"\xff\xfe{", "is no UTF-8 text"),
        ("[" * 100_000, "is no JSON: "),
        ("[]", "must be a JSON object with the key 'modules'"),
        ({}, "has no module"),
        ({"modules": []}, "'modules': must be a JSON object"),
        (
            {"modules": {"top": {}, "sub": {}}},
            "has 2 modules ('top', 'sub'), must have one; the yosys command 'flatten' makes one",
        ),
        (
            module({"u": gate("sub", a=[2])}),
            "module 'top': cell 'u' is a sub, must be one of $_BUF_, $_NOT_, $_AND_,",
        ),
        (module({"u": gate("$and", A=[2])}), "cell 'u' is a $and, must be one of"),
        (module({"u": gate("$_DFF_P_", D=[2])}), "cell 'u' is a $_DFF_P_, must be one of"),
        (module({"u": gate([1])}), "cell 'u' is a [1], must be one of"),
        (module({"u": 3}), "cell 'u': must be a JSON object"),
        (module(memories={"m": {}}), "has memories ('m'), must have gates only"),
        (module(memories=3), "'memories': must be a JSON object"),
        (
            '{"modules": {"\\ud800": {"ports": {}}}}',
            "a name holds '\\ud800'",
        ),
        (module(processes={"p": {}}), "has processes ('p'), must have gates only"),
        (
            module({"g": gate("$_AND_", A=[2], Y=[4])}),
            "cell 'g' ($_AND_): pin B is not connected, must be a list of one net",
        ),
        (
            module({"g": gate("$_AND_", A=[2], B=[2, 3], Y=[4])}),
            "cell 'g' ($_AND_): pin B is [2, 3], must be a list of one net",
        ),
        (
            module({"g": {"type": "$_AND_"}}),
            "cell 'g' ($_AND_): pin Y is not connected, must be a list of one net",
        ),
        (
            module({"g": {"type": "$_AND_", "connections": [1]}}),
            "cell 'g' ($_AND_): 'connections': must be a JSON object",
        ),
        (
            module({"g": gate("$_AND_", A=["x"], B=[2], Y=[4])}),
            "cell 'g' reads 'x', must be a net, '0' or '1'",
        ),
        (
            module({"g": gate("$_AND_", A=[[]], B=[2], Y=[4])}),
            "cell 'g' reads [], must be a net, '0' or '1'",
        ),
        (
            module(
                {"g": gate("$_AND_", A=[9], B=[2], Y=[4])},
                netnames={"lost": {"bits": [7, 9]}},
            ),
            "cell 'g' reads net 9 (lost[1]), which nothing drives",
        ),
        (
            module(ports=ports_with(y={"direction": "output", "bits": [5]})),
            "output 'y' reads net 5, which nothing drives",
        ),
        (
            module(ports=ports_with(c={"direction": "input", "bits": [4]})),
            "net 4 is driven by input 'c' and by cell 'g'",
        ),
        (
            module({"g": gate("$_NOT_", A=[2], Y=["0"])}),
            "cell 'g' is connected to '0', must be to a net",
        ),
        (
            module(
                {
                    "g": gate("$_NOT_", A=[6], Y=[4]),
                    "h": gate("$_AND_", A=[4], B=[2], Y=[5]),
                    "i": gate("$_OR_", A=[5], B=[2], Y=[6]),
                }
            ),
            "depends on itself",
        ),
        (
            module({"g": gate("$_BUF_", A=[5], Y=[4]), "h": gate("$_NOT_", A=[4], Y=[5])}),
            "depends on itself",
        ),
        (
            module(ports=ports_with(a={"direction": "inout", "bits": [2]})),
            "port 'a': direction is 'inout', must be 'input' or 'output'",
        ),
        (module(ports=ports_with(a={"direction": "input"})), "port 'a': 'bits' must be a list"),
        (
            module(ports=ports_with(a={"direction": "input", "bits": [2], "offset": "1"})),
            "port 'a': 'offset' and 'upto' must be whole numbers",
        ),
        (
            module(
                ports={
                    **ports_with(a={"direction": "input", "bits": [2, 5]}),
                    "a[1]": {"direction": "input", "bits": [6]},
                }
            ),
            "two inputs are called 'a[1]'",
        ),
        (
            module({"g": gate("$lut", {"LUT": "0110"}, A=[2, 3], Y=[4])}),
            "cell 'g': parameter WIDTH is None, must be a number in binary",
        ),
        (
            module({"g": gate("$lut", {**LUT, "WIDTH": "10001"}, A=[2, 3], Y=[4])}),
            "cell 'g': WIDTH is 17, must be 1 to 16",
        ),
        (
            module({"g": gate("$lut", {**LUT, "LUT": "01x0"}, A=[2, 3], Y=[4])}),
            "cell 'g': parameter LUT is '01x0', must be a number in binary",
        ),
        (
            module({"g": gate("$lut", {**LUT, "LUT": "10000"}, A=[2, 3], Y=[4])}),
            "cell 'g': parameter LUT has more than the 4 bits of 2 inputs",
        ),
        (
            module({"g": gate("$lut", LUT, A=[2], Y=[4])}),
            "cell 'g' ($lut): pin A is [2], must be a list of 2 nets",
        ),
    ],
)
def test_malformed_files_are_refused_by_cell_and_pin(source, message):
    with pytest.raises(ModelError) as caught:
        read_yosys_json(source, "bad.json")
    assert str(caught.value).startswith("bad.json: ")
    assert message in str(caught.value)


def test_cells_that_only_tell_of_scopes_are_left_out():
    cells = {"s": gate("$scopeinfo"), "g": gate("$_XOR_", A=[2], B=["1"], Y=[4])}
    circuit = read_yosys_json(module(cells))
    np.testing.assert_array_equal(
        circuit.netlist.simulate(np.array([[0, 0], [1, 0]], bool)), [[1], [0]]
    )


def test_modules_of_a_library_are_no_hierarchy():
    source = module()
    source["modules"]["LIB"] = {"attributes": {"blackbox": "00000000000000000000000000000001"}}
    assert read_yosys_json(source).name == "top"


TEXT = json.dumps(
    module({"g": gate("$_NAND_", A=[2], B=[3], Y=[4]), "l": gate("$lut", LUT, A=[2, 3], Y=[5])})
)


@settings(max_examples=250, deadline=None)
@given(data=mutated(TEXT.encode()) | st.binary(max_size=60))
def test_mutated_files_raise_nothing_else(data):
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_yosys_json(data, "fuzz"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(["0", "1", "x", "y", "A", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["bits", "type", "connections", "A", "Y", "LUT"]), inner)
    ),
    max_leaves=5,
)


@settings(max_examples=250, deadline=None)
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=8), value=JSON)
def test_values_of_other_kinds_raise_nothing_else(path, value):
    source = place = json.loads(TEXT)
    for step in path:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        holder, key = place, keys[step % len(keys)]
        place = place[key]
        if not isinstance(place, (dict, list)):
            break
    holder[key] = value
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_yosys_json(source, "fuzz"))
