"""BLIF files: written, read back, and read and written by ABC and yosys."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lgnx.converters.aiger import FORMAT as AIGER
from lgnx.converters.blif import FORMAT, read_blif
from lgnx.converters.circuit import Circuit
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.yosys_json import FORMAT as JSON
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
    sorted_ports,
    trained,
    write,
)
from tests.converters.independent import abc, assert_equivalent, yosys

SMALL = b""".model small
.inputs a b c
.outputs y z
.names a b t
11 1
.names t c y
1- 1
-1 1
.names t z
0 1
.end
"""


def every(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def outputs(text, n):
    return read_blif(text, "t.blif").netlist.simulate(every(n))


def cover(rows, n):
    """A model of one .names with inputs x0, x1, ... and the output y."""
    names = " ".join(f"x{i}" for i in range(n))
    return f".model m\n.inputs {names}\n.outputs y\n.names {names} y\n{rows}\n.end\n".encode()


def test_a_model_is_read_with_its_names():
    circuit = read_blif(SMALL, "small.blif")
    assert (circuit.name, circuit.input_names) == ("small", ("a", "b", "c"))
    assert circuit.output_names == ("y", "z")
    a, b, c = every(3).T
    np.testing.assert_array_equal(
        circuit.netlist.simulate(every(3)), np.stack([a & b | c, ~(a & b)], axis=1)
    )
    assert circuit.netlist.n_nodes == 2  # the inverter is none


@pytest.mark.parametrize("value", ["0", "1"])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 9])
def test_a_cover_is_an_or_of_its_rows(n, value):
    rng = np.random.default_rng(n)
    cubes = rng.choice(list("01-"), (4, n), p=[0.3, 0.3, 0.4])
    x = every(n)
    hit = np.zeros(2**n, bool)
    for cube in cubes:
        hit |= np.all([(bit == "-") | (x[:, i] == (bit == "1")) for i, bit in enumerate(cube)], 0)
    rows = "\n".join(f"{''.join(cube)} {value}" for cube in cubes)
    y = outputs(cover(rows, n), n)[:, 0]
    np.testing.assert_array_equal(y, hit if value == "1" else ~hit)


@pytest.mark.parametrize(
    ("rows", "n", "expected"),
    [
        ("", 0, 0),
        ("1", 0, 1),
        (" 0", 0, 0),
        ("", 2, 0),
        ("", 8, 0),
        ("-- 1", 2, 1),
        ("-- 0", 2, 0),
        ("-------- 1", 8, 1),
        ("-------- 0", 8, 0),
    ],
)
def test_constants_are_covers_too(rows, n, expected):
    y = outputs(cover(rows, n).replace(b".inputs \n", b".inputs x\n"), max(n, 1))
    assert y.all() == expected
    assert y.any() == expected


def test_a_wide_cover_costs_nodes_in_proportion_to_its_text():
    n = 3000
    circuit = read_blif(cover(f"{'1' * n} 1", n))
    assert circuit.netlist.n_nodes == n - 1
    assert circuit.netlist.depth == 12
    ones = np.ones((2, n), bool)
    ones[1, 1234] = False
    np.testing.assert_array_equal(circuit.netlist.simulate(ones), [[1], [0]])


def test_lines_go_on_after_a_backslash_and_comments_end_them():
    text = b"""# a comment
.model m # and one more
.inputs a \\
   b \\ # here, too
   c
.outputs \\

.outputs y\r
.names a b c y # .names of d
111 1 # a row
.attr src "f.v:3"
.end

"""
    circuit = read_blif(text, "m.blif")
    assert circuit.input_names == ("a", "b", "c")
    np.testing.assert_array_equal(circuit.netlist.simulate(every(3))[:, 0], every(3).all(axis=1))


def test_gates_may_come_in_any_order():
    lines = SMALL.split(b".names")
    text = b".names".join(
        [lines[0], b" t z\n0 1\n", b" t c y\n1- 1\n-1 1\n", b" a b t\n11 1\n.end"]
    )
    assert_equal(read_blif(text).netlist, read_blif(SMALL).netlist)


def test_a_chain_of_many_gates_backwards_is_read():
    n = 20_000
    gates = [f".names x{i} a x{i + 1}\n{i % 2}1 1\n" for i in range(n)]
    text = f".inputs x0 a\n.outputs x{n}\n{''.join(reversed(gates))}.end\n".encode()
    circuit = read_blif(text, "folder/chain.blif")
    assert circuit.name == "chain"
    assert circuit.netlist.depth == n


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits())
def test_what_is_written_is_read_back(tmp_path, circuit):
    path = write(FORMAT, circuit, tmp_path / "c.blif")
    assert_same(read(FORMAT, path), circuit, source="blif")


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits())
def test_abc_hands_on_function_and_names(tmp_path, circuit):
    write(FORMAT, circuit, tmp_path / "ours.blif")
    abc(["read_blif ours.blif", "strash", "write_blif theirs.blif"], cwd=tmp_path)
    theirs = read(FORMAT, tmp_path / "theirs.blif")
    assert theirs.input_names == circuit.input_names
    assert theirs.output_names == circuit.output_names
    assert theirs.name == circuit.name
    assert_equal(theirs.netlist, circuit.netlist)


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],  # each example starts yosys
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(circuit=circuits())
def test_yosys_reads_function_and_names(tmp_path, circuit):
    write(FORMAT, circuit, tmp_path / "ours.blif")
    yosys(["read_blif ours.blif", "simplemap", "write_json y.json"], cwd=tmp_path)
    theirs = read(JSON, tmp_path / "y.json")
    assert sorted(theirs.input_names) == sorted(circuit.input_names)
    assert sorted(theirs.output_names) == sorted(circuit.output_names)
    assert_equal(sorted_ports(theirs), sorted_ports(circuit))


GENERATED = {
    "multiplier": ["gen -N 7 -m c.blif", "read_blif c.blif", "strash"],
    "adder": ["gen -N 40 -a c.blif", "read_blif c.blif", "strash"],
    "sorter": ["gen -N 16 -s c.blif", "read_blif c.blif", "strash"],
    "tables": ["gen -N 7 -m c.blif", "read_blif c.blif", "strash", "if -K 6"],
    "wide": ["gen -N 5 -m c.blif", "read_blif c.blif", "strash", "collapse", "sop"],
}


@pytest.mark.parametrize("kind", GENERATED)
def test_circuits_of_abc_survive_and_abc_proves_it(tmp_path, kind):
    abc([*GENERATED[kind], "write_blif theirs.blif"], cwd=tmp_path)
    write_model(read_model(tmp_path / "theirs.blif"), tmp_path / "ours.blif")
    assert_equivalent(tmp_path / "theirs.blif", tmp_path / "ours.blif", by="name")


def test_a_netlist_that_yosys_writes_is_read(tmp_path):
    (tmp_path / "m.v").write_text(
        "module top(input [5:0] a, b, output [6:0] s, output lt, output [1:0] k);\n"
        "  assign s = a + b, lt = $signed(a) < $signed(b), k = 2'b10;\nendmodule\n"
    )
    for cells in ("simplemap", "abc -lut 6", "abc -g gates"):
        commands = ["read_verilog m.v", "synth -flatten", cells, "opt_clean"]
        yosys(
            [*commands, "write_blif m.blif", "simplemap", "aigmap", "write_aiger m.aig"],
            cwd=tmp_path,
        )
        circuit = read(FORMAT, tmp_path / "m.blif")
        assert circuit.input_names == tuple(f"{p}[{i}]" for p in "ab" for i in range(6))
        assert_equal(circuit.netlist, read(AIGER, tmp_path / "m.aig").netlist)


def test_a_trained_network_is_proved_by_abc(tmp_path):
    circuit = trained()
    write(FORMAT, circuit, tmp_path / "ours.blif")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_same(read(FORMAT, tmp_path / "ours.blif"), circuit, source="blif")
    assert_equivalent(tmp_path / "ours.blif", tmp_path / "ours.aig")


def test_fifty_thousand_gates_are_read_back(tmp_path):
    circuit = large()
    write(FORMAT, circuit, tmp_path / "ours.blif")
    assert_equal(read(FORMAT, tmp_path / "ours.blif").netlist, circuit.netlist)


def test_thousands_of_gates_are_proved(tmp_path):
    circuit = large(n_gates=6_000)  # of more, ABC takes minutes for the tables
    write(FORMAT, circuit, tmp_path / "ours.blif")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_equivalent(tmp_path / "ours.blif", tmp_path / "ours.aig")
    abc(["read_blif ours.blif", "strash", "dch", "if -K 6", "write_blif luts.blif"], cwd=tmp_path)
    write_model(read_model(tmp_path / "luts.blif"), tmp_path / "again.blif")
    assert_equivalent(tmp_path / "luts.blif", tmp_path / "again.blif", by="name")


def test_names_become_what_other_tools_can_read(tmp_path):
    circuit = Circuit(
        netlist(4, [0], [[2, 4]], [10, 3]), ("a b", "#1", ".c", "n0"), ("a b", "n7"), "my net"
    )
    text = write(FORMAT, circuit, tmp_path / "c.blif").read_text()
    assert text == (
        "# written by lgnx\n.model my%20net\n.inputs a%20b %231 %2Ec n0\n.outputs a%20b%- n7\n"
        ".names a%20b %231 n_5\n11 1\n.names n_5 a%20b%-\n1 1\n.names a%20b n7\n0 1\n.end\n"
    )


def test_long_lists_of_ports_take_several_lines(tmp_path):
    names = tuple(f"x[{i}]" for i in range(500))
    circuit = Circuit(netlist(500, [], [], [2, 3]), names, ("y[0]", "y[1]"), "m", {"k": "v" * 999})
    lines = write(FORMAT, circuit, tmp_path / "c.blif").read_text().splitlines()
    assert max(map(len, lines)) < 100
    assert_same(read(FORMAT, tmp_path / "c.blif"), circuit, source="blif")


def test_a_file_is_read_by_its_suffix(tmp_path):
    (tmp_path / "a.blif").write_bytes(SMALL)
    assert get(read_model(tmp_path / "a.blif"), SOURCE_FORMAT) == "blif"


def test_scaled_scores_are_refused_and_no_file_appears(tmp_path):
    with pytest.raises(ModelError, match="part=counts or part=logic"):
        write_model(GOLDEN / "digits" / "network.onnx", tmp_path / "a.blif")
    assert list(tmp_path.iterdir()) == []


HEAD = ".model m\n.inputs a b\n.outputs y\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.blif: ends without .end; it is truncated, or its writer left .end out"),
        (HEAD + ".names a y\n1 1\n", "t.blif: ends without .end"),
        (".inputs a\n11 1\n.end", "t.blif: line 2: '11 1' is no row of a .names"),
        (HEAD + ".names\n.end", "t.blif: line 4: .names has no output"),
        (
            HEAD + ".names a b y\n1 1\n.end",
            "line 5: row '1 1' must be 2 of 0, 1, - and then 0 or 1",
        ),
        (HEAD + ".names a b y\n12 1\n.end", "line 5: row '12 1' must be 2 of 0, 1, -"),
        (HEAD + ".names a b y\n11 -\n.end", "line 5: row '11 -' must be 2 of 0, 1, -"),
        (HEAD + ".names a b y\n11\n.end", "line 5: row '11' must be 2 of 0, 1, -"),
        (HEAD + ".names y\n1 1\n.end", "line 5: row '1 1' must be 0 or 1"),
        (
            HEAD + ".names a b y\n11 1\n00 0\n.end",
            "t.blif: line 6: rows of one .names must all end with the same bit",
        ),
        (
            HEAD + ".latch a y re c 0\n.end",
            "t.blif: line 4: .latch is a register; lgnx reads combinational circuits only",
        ),
        (HEAD + ".mlatch d q\n.end", "line 4: .mlatch is a register"),
        (HEAD + ".subckt and2 A=a\n.end", "line 4: .subckt is hierarchy; flatten it first"),
        (HEAD + ".gate and2 A=a\n.end", "line 4: .gate is a cell of a library"),
        (HEAD + ".search other.blif\n.end", "line 4: .search is another file"),
        (HEAD + ".exdc\n.end", "line 4: .exdc is an external don't-care network"),
        (HEAD + ".frobnicate\n.end", "line 4: '.frobnicate' is not known; lgnx reads .model,"),
        (
            HEAD + ".names a y\n1 1\n.end\n.model n\n.end",
            "t.blif: line 7: a second .model is hierarchy; flatten it first",
        ),
        (HEAD + ".end\n.names y\n", "t.blif: line 5: '.names' stands after .end"),
        (HEAD + ".model n\n.end", "line 4: a second .model is hierarchy; flatten it first"),
        (
            HEAD + ".names a y\n1 1\n.names b y\n1 1\n.end",
            "line 6: 'y' is driven on line 4 already",
        ),
        (HEAD + ".names a b\n1 1\n.end", "line 4: 'b' is driven on line 2 already"),
        (HEAD + ".inputs a\n.end", "line 4: 'a' is driven on line 2 already"),
        (HEAD + ".outputs y\n.end", "line 4: 'y' is an output already"),
        (HEAD + ".end", "t.blif: line 3: 'y' is driven by no input and no gate"),
        (
            HEAD + ".names a t y\n11 1\n.names b u\n1 1\n.end",
            "t.blif: line 4: 't' is driven by no input and no gate",
        ),
        (
            HEAD + ".names a v y\n11 1\n.names y b u\n11 1\n.names u v\n0 1\n.end",
            "t.blif: line 4: gates feed each other in a circle: 'y' -> 'u' -> 'y'",
        ),
        (HEAD + ".names y t\n1 1\n.names t y\n0 1\n.end", "gates feed each other in a circle: "),
        (HEAD + ".names y y\n1 1\n.end", "gates feed each other in a circle: 'y' -> 'y'"),
        (".model m\n.end", "t.blif: has 0 inputs; must have 1 to"),
        (".model m\n.inputs a\n.end", "t.blif: has 0 outputs; must have 1 to"),
    ],
)
def test_malformed_files_are_refused_by_line(tmp_path, text, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.blif").write_text(text)
    with pytest.raises(ModelError) as caught:
        read_model("t.blif")
    assert message in str(caught.value)
    assert str(caught.value).startswith("t.blif: ")


def test_names_must_be_utf8():
    with pytest.raises(ModelError, match=r"t.blif: the name '\\\\xff' is no UTF-8 text"):
        read_blif(SMALL.replace(b" c\n", b" \xff\n").replace(b" c y", b" \xff y"), "t.blif")


def test_comments_that_are_no_metadata_are_left_out():
    comments = (
        b'# metadata "k" "\\ud800"\n# metadata + "x"\n# metadata "a" "1\n# metadata 3 "1"\n'
        b'# metadata "lgnx.input_names" "[]"\n# metadata "a" "1"\n# metadata "b" "\\u00e9\\n"\n'
    )
    assert read_blif(comments + SMALL).metadata == {"k": "x", "a": "1", "b": "é\n"}


@settings(max_examples=300, deadline=None)
@given(data=mutated(SMALL) | st.binary(max_size=60))
def test_mutated_files_raise_nothing_else(data):
    with contextlib.suppress(LgnxError):
        read_blif(data, "fuzz").netlist.validate()


WORDS = st.sampled_from(
    [".names", ".inputs", ".outputs", ".end", ".model", "\n", "\n", "a", "b", "y", "1", "0", "11"]
) | st.sampled_from(["-1 1", "\\\n", "#", "1-------- 0"])


@settings(max_examples=300, deadline=None)
@given(words=st.lists(WORDS, max_size=40))
def test_words_in_any_order_raise_nothing_else(words):
    text = " ".join([".inputs a b\n.outputs y\n", *words, "\n.end"])
    with contextlib.suppress(LgnxError):
        read_blif(text.encode(), "fuzz").netlist.validate()
