"""Lists of truth tables: written, read back, and read by ABC and aigverse."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgnx.converters.aiger import FORMAT as AIGER
from lgnx.converters.circuit import Circuit, circuit_to_model
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.truth_tables import FORMAT, read_truth_tables
from lgnx.netlist import NetlistBuilder
from lgnx.ops.errors import LgnxError, ModelError
from tests.converters.circuit_cases import (
    GOLDEN,
    assert_equal,
    assert_same,
    circuits,
    layered,
    mutated,
    netlist,
    read,
    write,
)
from tests.converters.independent import abc, assert_equivalent

FULL_ADDER = b"0xe8\n0x96\n"


def plain(gates) -> Circuit:
    """A circuit whose ports are called as those without a name are."""
    return Circuit(
        gates,
        tuple(f"x[{i}]" for i in range(gates.n_inputs)),
        tuple(f"y[{i}]" for i in range(gates.n_outputs)),
    )


@pytest.mark.parametrize(
    "data",
    [FULL_ADDER, b"E8 96\n", b"0b11101000\n0b10010110", b"# carry, sum\n0XE8 # c\r\n\r\n0x96"],
)
def test_a_full_adder_is_read(data):
    circuit = read_truth_tables(data, "adder")
    every = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(bool)
    ones = every.sum(axis=1)
    y = circuit.netlist.simulate(every)
    np.testing.assert_array_equal(y, np.stack([ones >= 2, ones % 2 == 1], axis=1))


def test_the_first_input_is_the_low_bit_of_the_address():
    circuit = read_truth_tables(b"2\n", "x0 and not x1")
    every = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    np.testing.assert_array_equal(circuit.netlist.simulate(every)[:, 0], [0, 1, 0, 0])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits(max_inputs=7), base=st.sampled_from(["hex", "binary"]))
def test_what_is_written_is_read_back(tmp_path, circuit, base):
    path = write(FORMAT, circuit, tmp_path / "c.tt", base=base)
    assert_same(read(FORMAT, path), circuit, source="truth-tables")


@pytest.mark.parametrize("n_inputs", [2, 3, 5, 6, 7, 12, 16])
def test_abc_reads_the_tables(tmp_path, n_inputs):
    builder, outputs = NetlistBuilder.from_netlist(layered(120, n_inputs, 3, seed=n_inputs))
    # ABC takes a constant table for one of no inputs.
    circuit = plain(builder.finish(builder.xor(outputs, builder.inputs()[0])))
    path = write(FORMAT, circuit, tmp_path / "c.tt")
    assert path.read_text().startswith("0x")
    write(AIGER, circuit, tmp_path / "c.aig")
    abc("read_truth -f c.tt; strash; write_aiger t.aig", cwd=tmp_path)
    assert_equivalent(tmp_path / "c.aig", tmp_path / "t.aig")
    assert_equal(read(FORMAT, path).netlist, circuit.netlist)


@pytest.mark.parametrize("options", ["", "-x"])
def test_tables_that_abc_writes_are_read(tmp_path, options):
    circuit = plain(layered(60, 6, 5, levels=6))
    write(AIGER, circuit, tmp_path / "c.aig")
    abc(f"&r c.aig; &write_truth {options} c.tt", cwd=tmp_path)
    base = "binary" if options else "auto"
    assert_equal(read(FORMAT, tmp_path / "c.tt", base=base).netlist, circuit.netlist)


def test_kitty_reads_the_tables(tmp_path):
    tables = pytest.importorskip("aigverse.utils")
    circuit = plain(layered(60, 5, 4, levels=6))
    lines = write(FORMAT, circuit, tmp_path / "c.tt").read_text().split()
    every = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(bool)
    y = circuit.netlist.simulate(every)
    for line, column in zip(lines, y.T, strict=True):
        table = tables.TruthTable(5)
        table.create_from_hex_string(line[2:])
        assert [bool(table.get_bit(i)) for i in range(32)] == column.tolist()


def test_names_and_metadata_stand_in_comments(tmp_path):
    circuit = Circuit(
        netlist(2, [0], [[2, 5]], [6, 7]),
        ("a b", "x[1]"),
        ("a b", "c"),
        "m",
        {"lgnx.accuracy": "0.9", "lgnx.comment": "one\r0x1\ntwo"},
    )
    path = write(FORMAT, circuit, tmp_path / "c.tt")
    assert path.read_text().splitlines() == [
        "# .ilb a%20b x[1]",
        "# .ob a%20b%- c",
        "# one",
        "# 0x1",
        "# two",
        '# metadata "lgnx.accuracy" "0.9"',
        '# metadata "lgnx.name" "m"',
        "0x2",
        "0xd",
    ]
    bare = write(FORMAT, circuit, tmp_path / "d.tt", comments=False)
    assert bare.read_text() == "0x2\n0xd\n"


def test_circuits_of_more_inputs_are_refused_and_no_file_appears(tmp_path):
    model = GOLDEN / "digits" / "network.onnx"
    with pytest.raises(ModelError, match="inputs; truth tables are written of at most 16"):
        write_model(model, tmp_path / "a.tt", part="logic")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no truth table"),
        (b"# nothing\n", "holds no truth table"),
        (b"\xff", "is no UTF-8 text"),
        (b"0xe8\n0xg8\n", "line 2: '0xg8' is no hex number"),
        (b"0b12\n", "line 1: '0b12' is no binary number"),
        (b"0x\n", "line 1: '0x' is no hex number"),
        (b"0xe8e\n", "line 1: a table of 12 bits; must have 2^k, with k at most 16"),
        (b"0x" + b"0" * 32768, "line 1: a table of 131072 bits; must have 2^k, with k at most 16"),
        (b"0xe8\n\n0x9\n", "line 3: a table of 4 bits, that of line 1 has 8"),
        (b"0110\n", "'0110' may be hex or binary; say which with base=hex or base=binary"),
        (b"# .ilb a\n0xe8\n", "has 3 inputs and 1 input names"),
        (b"# .ilb a b a\n0xe8\n", "two inputs are called 'a'"),
    ],
)
def test_malformed_files_are_refused_by_line(data, message):
    with pytest.raises(ModelError) as caught:
        read_truth_tables(data, "bad.tt")
    assert str(caught.value).startswith("bad.tt: ")
    assert message in str(caught.value)


def test_bare_digits_are_what_the_option_says(tmp_path):
    (tmp_path / "a.tt").write_text("0110\n")
    assert read(FORMAT, tmp_path / "a.tt", base="binary").netlist.n_inputs == 2
    assert read(FORMAT, tmp_path / "a.tt", base="hex").netlist.n_inputs == 4
    with pytest.raises(LgnxError, match="base"):
        read_model(tmp_path / "a.tt", base="octal")


@settings(max_examples=200, deadline=None)
@given(
    data=mutated(b"# .ilb a b c\n" + FULL_ADDER) | st.binary(max_size=60),
    base=st.sampled_from(["auto", "hex", "binary"]),
)
def test_mutated_files_raise_nothing_else(data, base):
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_truth_tables(data, "fuzz", base))
