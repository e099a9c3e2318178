"""Files of the ISCAS benchmarks: written, read back, and read and written by ABC."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lgnx.converters.aiger import FORMAT as AIGER
from lgnx.converters.circuit import Circuit
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.iscas_bench import FORMAT, read_bench
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
from tests.converters.independent import abc, assert_equivalent

# The smallest of the ISCAS-85 benchmarks.
C17 = b"""# c17
INPUT(1)
INPUT(2)
INPUT(3)
INPUT(6)
INPUT(7)

OUTPUT(22)
OUTPUT(23)

10 = NAND(1, 3)
11 = NAND(3, 6)
16 = NAND(2, 11)
19 = NAND(11, 7)
22 = NAND(10, 16)
23 = NAND(16, 19)
"""


def every(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def gate(text, n, *more):
    """Outputs of one gate of inputs x0, x1, ..., at every address."""
    lines = [*(f"INPUT(x{i})" for i in range(n)), "OUTPUT(y)", f"y = {text}", *more]
    return read_bench("\n".join(lines).encode(), "t.bench").netlist.simulate(every(n))[:, 0]


def test_a_benchmark_is_read_as_its_formulas_say():
    circuit = read_bench(C17, "folder/c17.bench")
    assert circuit.name == "c17"
    assert circuit.input_names == ("1", "2", "3", "6", "7")
    assert circuit.output_names == ("22", "23")
    assert circuit.netlist.n_nodes == 6
    x1, x2, x3, x6, x7 = every(5).T
    x11 = ~(x3 & x6)
    x16 = ~(x2 & x11)
    expected = np.stack([(x1 & x3) | ~x16, ~x16 | (x11 & x7)], axis=1)
    np.testing.assert_array_equal(circuit.netlist.simulate(every(5)), expected)


REDUCTIONS = {
    "AND": (np.logical_and, False),
    "NAND": (np.logical_and, True),
    "OR": (np.logical_or, False),
    "NOR": (np.logical_or, True),
    "XOR": (np.logical_xor, False),
    "XNOR": (np.logical_xor, True),
    "NXOR": (np.logical_xor, True),
}


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("kind", REDUCTIONS)
def test_gates_take_any_number_of_inputs(kind, n):
    reduction, complement = REDUCTIONS[kind]
    y = gate(f"{kind}({', '.join(f'x{i}' for i in range(n))})", n)
    np.testing.assert_array_equal(y, reduction.reduce(every(n), axis=1) ^ complement)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOT(x0)", [1, 0]),
        ("not( x0 )", [1, 0]),
        ("INV(x0)", [1, 0]),
        ("BUF(x0)", [0, 1]),
        ("Buff(x0)", [0, 1]),
        ("vdd", [1, 1]),
        ("vdd()", [1, 1]),
        ("gnd", [0, 0]),
        ("AND(x0, vdd)", [0, 1]),
        ("OR(x0,vdd)", [1, 1]),
        ("XOR(x0,\tgnd)", [0, 1]),
        ("LUT 0x1 (x0)", [1, 0]),
        ("LUT 0x2(x0)", [0, 1]),
    ],
)
def test_wires_and_constants_are_read(text, expected):
    np.testing.assert_array_equal(gate(text, 1), expected)


@pytest.mark.parametrize("k", range(1, 11))
def test_the_first_input_of_a_table_is_the_low_bit_of_its_address(k):
    table = np.random.default_rng(k).integers(0, 2, 2**k)
    digits = f"{int(''.join(map(str, table[::-1])), 2):0{max(1, 2**k // 4)}X}"
    y = gate(f"LUT 0x{digits} ({', '.join(f'x{i}' for i in range(k))})", k)
    np.testing.assert_array_equal(y, table)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_abc_reads_tables_alike(tmp_path, k):
    table = int.from_bytes(np.random.default_rng(k).bytes(8), "little") >> (64 - 2**k)
    names = [f"x{i}" for i in range(k)]
    lines = [*(f"INPUT({name})" for name in names), "OUTPUT(y)"]
    lines.append(f"y = LUT 0x{table:0{max(1, 2**k // 4)}x} ({', '.join(names)})")
    (tmp_path / "theirs.bench").write_text("\n".join(lines) + "\n")
    write_model(read_model(tmp_path / "theirs.bench"), tmp_path / "ours.aig")
    assert_equivalent(tmp_path / "theirs.bench", tmp_path / "ours.aig", by="name")


def test_nets_called_vdd_and_gnd_are_constants_unless_something_drives_them():
    text = b"INPUT(vdd)\nOUTPUT(y)\nOUTPUT(gnd)\ngnd = NOT(vdd)\ny = BUFF(vdd)\n"
    y = read_bench(text).netlist.simulate(every(1))
    np.testing.assert_array_equal(y, [[0, 1], [1, 0]])


def test_gates_may_come_in_any_order_and_case():
    lines = C17.splitlines()
    text = b"\r\n".join(line.replace(b"NAND", b"nand") for line in reversed(lines))
    again = read_bench(text)
    assert again.input_names == ("7", "6", "3", "2", "1")
    expected = read_bench(C17).netlist.simulate(every(5)[:, ::-1])[:, ::-1]
    np.testing.assert_array_equal(again.netlist.simulate(every(5)), expected)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits())
def test_what_is_written_is_read_back(tmp_path, circuit):
    path = write(FORMAT, circuit, tmp_path / "c.bench")
    assert_same(read(FORMAT, path), circuit, source="bench")


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(circuit=circuits())
def test_abc_hands_on_function_and_names(tmp_path, circuit):
    write(FORMAT, circuit, tmp_path / "ours.bench")
    abc(["read_bench ours.bench", "strash", "write_bench -l theirs.bench"], cwd=tmp_path)
    theirs = read(FORMAT, tmp_path / "theirs.bench")
    assert theirs.input_names == circuit.input_names
    assert theirs.output_names == circuit.output_names
    assert_equal(theirs.netlist, circuit.netlist)


GENERATED = {
    "multiplier": ["gen -N 7 -m c.blif", "read_blif c.blif", "strash", "write_bench -l c.bench"],
    "adder": ["gen -N 40 -a c.blif", "read_blif c.blif", "strash", "write_bench -l c.bench"],
    "tables": [
        "gen -N 7 -m c.blif",
        "read_blif c.blif",
        "strash",
        "if -K 6",
        "write_bench c.bench",
    ],
}


@pytest.mark.parametrize("kind", GENERATED)
def test_circuits_of_abc_survive_and_abc_proves_it(tmp_path, kind):
    abc(GENERATED[kind], cwd=tmp_path)
    write_model(read_model(tmp_path / "c.bench"), tmp_path / "ours.bench")
    assert_equivalent(tmp_path / "c.bench", tmp_path / "ours.bench", by="name")


def test_a_trained_network_is_proved_by_abc(tmp_path):
    circuit = trained()
    write(FORMAT, circuit, tmp_path / "ours.bench")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_same(read(FORMAT, tmp_path / "ours.bench"), circuit, source="bench")
    assert_equivalent(tmp_path / "ours.bench", tmp_path / "ours.aig")
    abc(["read_bench ours.bench", "strash", "if -K 6", "write_bench luts.bench"], cwd=tmp_path)
    write_model(read_model(tmp_path / "luts.bench"), tmp_path / "again.bench")
    assert_equivalent(tmp_path / "luts.bench", tmp_path / "again.bench", by="name")


def test_fifty_thousand_gates_are_read_back(tmp_path):
    circuit = large()
    write(FORMAT, circuit, tmp_path / "ours.bench")
    assert_equal(read(FORMAT, tmp_path / "ours.bench").netlist, circuit.netlist)


def test_thousands_of_gates_are_proved(tmp_path):
    circuit = large(n_gates=10_000)
    write(FORMAT, circuit, tmp_path / "ours.bench")
    write(AIGER, circuit, tmp_path / "ours.aig")
    assert_equivalent(tmp_path / "ours.bench", tmp_path / "ours.aig")


def test_only_gates_of_the_benchmarks_are_written(tmp_path):
    text = write(FORMAT, trained(), tmp_path / "c.bench").read_text()
    assert set(re.findall(r"= (\w+)\(", text)) <= {"AND", "NOR", "XOR", "NOT", "BUFF"}


def test_names_become_what_other_tools_can_read(tmp_path):
    circuit = Circuit(
        netlist(4, [0], [[2, 5]], [10, 3, 0]),
        ("a b", "INPUT1", "f(x,y)=#", "n0_2"),
        ("a b", "gnd", "out"),
        "my net",
    )
    text = write(FORMAT, circuit, tmp_path / "c.bench").read_text()
    assert text == (
        "# written by lgnx\n# circuit my%20net\n"
        "INPUT(a%20b)\nINPUT(%49NPUT1)\nINPUT(f%28x%2Cy%29%3D%23)\nINPUT(n0_2)\n"
        "OUTPUT(a%20b%-)\nOUTPUT(%67nd)\nOUTPUT(out)\n"
        "n_0_2 = NOT(%49NPUT1)\nn_5 = AND(a%20b, n_0_2)\n"
        "a%20b%- = BUFF(n_5)\n%67nd = NOT(a%20b)\nout = gnd\n"
    )
    assert_same(read(FORMAT, tmp_path / "c.bench"), circuit, source="bench")


def test_a_file_is_read_by_its_suffix(tmp_path):
    (tmp_path / "a.bench").write_bytes(C17)
    assert get(read_model(tmp_path / "a.bench"), SOURCE_FORMAT) == "bench"


def test_scaled_scores_are_refused_and_no_file_appears(tmp_path):
    with pytest.raises(ModelError, match="part=counts or part=logic"):
        write_model(GOLDEN / "digits" / "network.onnx", tmp_path / "a.bench")
    assert list(tmp_path.iterdir()) == []


HEAD = "INPUT(a)\nINPUT(b)\nOUTPUT(y)\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.bench: has 0 inputs; must have 1 to"),
        ("INPUT(a)\n", "t.bench: has 0 outputs; must have 1 to"),
        (HEAD, "t.bench: line 3: 'y' is driven by no input and no gate"),
        (HEAD + "y", "line 4: 'y' must be INPUT(name), OUTPUT(name) or name = gate(names)"),
        (HEAD + "INPUT a", "line 4: 'INPUT a' must be INPUT(name), OUTPUT(name) or"),
        (HEAD + "INPUT()", "line 4: a name is missing; names have no spaces and none of"),
        (HEAD + "INPUT(a b)", "line 4: 'a b' is no name; names have no spaces and none of"),
        (HEAD + "= AND(a, b)", "line 4: a name is missing"),
        (HEAD + "y = AND(a, )", "line 4: a name is missing"),
        (HEAD + "y = AND()", "line 4: a name is missing"),
        (HEAD + "y = AND(a, b", "line 4: 'AND(a, b' must be a gate and its inputs, such as"),
        (HEAD + "y = AND(a, b))", "line 4: 'b)' is no name"),
        (HEAD + "y = a", "line 4: 'a' must be a gate and its inputs, such as AND(a, b), vdd"),
        (HEAD + "y = FOO(a, b)", "line 4: 'FOO' is no gate; lgnx reads AND, NAND,"),
        (HEAD + "y = NOT(a, b)", "line 4: NOT has 2 inputs, must have 1"),
        (
            HEAD + "y = DFF(a)",
            "line 4: DFF is a register; lgnx reads combinational circuits only",
        ),
        (HEAD + "y = dff(a)", "line 4: DFF is a register"),
        (HEAD + "y = MUX(a, b, b)", "line 4: MUX is ambiguous, since tools do not agree"),
        (HEAD + "y = AND 0x8 (a, b)", "line 4: '0x8' stands between 'AND' and its inputs"),
        (HEAD + "y = LUT (a, b)", "line 4: LUT is followed by nothing, must be by a table"),
        (HEAD + "y = LUT 8 (a, b)", "line 4: LUT is followed by '8', must be by a table"),
        (
            HEAD + "y = LUT 0x10 (a, b)",
            "line 4: table '0x10' has more bits than the 4 of 2 inputs",
        ),
        (
            HEAD + "y = LUT 0x" + "f" * 5000 + " (a, b)",
            "has more bits than the 4 of 2 inputs",
        ),
        (
            HEAD + "y = LUT 0x1 (" + ", ".join("a" * 17) + ")",
            "line 4: LUT has 17 inputs, must have 1 to 16",
        ),
        (HEAD + "y = NOT(a)\ny = NOT(b)", "line 5: 'y' is driven on line 4 already"),
        (HEAD + "a = NOT(b)", "line 4: 'a' is driven on line 1 already"),
        (HEAD + "OUTPUT(y)", "line 4: 'y' is an output already"),
        (HEAD + "y = AND(a, t)\n", "line 4: 't' is driven by no input and no gate"),
        (
            HEAD + "y = AND(a, u)\nt = NOT(y)\nu = OR(t, b, a)\n",
            "line 4: gates feed each other in a circle: 'y' -> 'u' -> 'y'",
        ),
    ],
)
def test_malformed_files_are_refused_by_line(tmp_path, text, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.bench").write_text(text)
    with pytest.raises(ModelError) as caught:
        read_model("t.bench")
    assert message in str(caught.value)
    assert str(caught.value).startswith("t.bench: ")


@settings(max_examples=300, deadline=None)
@given(data=mutated(C17 + b"30 = LUT 0x96 (1, 2, 3)\n") | st.binary(max_size=60))
def test_mutated_files_raise_nothing_else(data):
    with contextlib.suppress(LgnxError):
        read_bench(data, "fuzz").netlist.validate()


WORDS = st.sampled_from(["INPUT", "OUTPUT", "=", "(", ")", ",", "a", "y", "AND", "NOT", "LUT"])


@settings(max_examples=300, deadline=None)
@given(words=st.lists(WORDS | st.sampled_from(["\n", "0x8", "vdd", "XOR(a,a)"]), max_size=40))
def test_words_in_any_order_raise_nothing_else(words):
    with contextlib.suppress(LgnxError):
        read_bench(" ".join(["INPUT(a)\nOUTPUT(y)\n", *words]).encode()).netlist.validate()
