"""PLA files: written, read back, and read and written by ABC."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgnx.converters.aiger import FORMAT as AIGER
from lgnx.converters.circuit import Circuit, circuit_to_model
from lgnx.converters.formats import write_model
from lgnx.converters.pla import FORMAT, read_pla
from lgnx.ops.errors import LgnxError, ModelError
from tests.converters.circuit_cases import (
    GOLDEN,
    assert_equal,
    assert_same,
    circuits,
    layered,
    mutated,
    read,
    write,
)
from tests.converters.independent import abc, assert_equivalent

SEVEN = b"""# a part of a display
.i 4
.o 3
.ilb a b c d
.ob p q r
.type fd
.p 5
1--0 110
|01-1| 0-1
-- 11 ~14
0000 001  # zero
---- 000
.e
"""


def expected(x: np.ndarray) -> np.ndarray:
    a, b, c, d = x.T
    first, second, third = a & ~d, ~a & b & d, c & d
    return np.stack([first, first | third, second | third | ~(a | b | c | d)], axis=1)


def test_products_are_added_up_and_dont_cares_of_outputs_are_0():
    circuit = read_pla(SEVEN, "seven")
    every = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(bool)
    np.testing.assert_array_equal(circuit.netlist.simulate(every), expected(every))
    assert circuit.input_names == ("a", "b", "c", "d")
    assert circuit.output_names == ("p", "q", "r")
    assert circuit.metadata == {"lgnx.comment": "a part of a display\nzero"}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits(max_inputs=7))
def test_what_is_written_is_read_back(tmp_path, circuit):
    path = write(FORMAT, circuit, tmp_path / "c.pla")
    assert_same(read(FORMAT, path), circuit, source="pla")


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.text("01-", min_size=9, max_size=9), max_size=12),
    kind=st.sampled_from(["f", "fd"]),
)
def test_any_cover_is_the_sum_of_its_products(rows, kind):
    text = f".i 5\n.o 4\n.type {kind}\n" + "\n".join(rows) + "\n.e\n"
    every = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(bool)
    y = np.zeros((32, 4), bool)
    for row in rows:
        match = np.ones(32, bool)
        for i, care in enumerate(row[:5]):
            if care != "-":
                match &= every[:, i] == (care == "1")
        y |= match[:, None] & np.array([value == "1" for value in row[5:]])
    np.testing.assert_array_equal(read_pla(text.encode(), "c").netlist.simulate(every), y)


@pytest.mark.parametrize("n_inputs", [1, 3, 8, 11])
def test_abc_reads_what_is_written(tmp_path, n_inputs):
    gates = layered(120, n_inputs, 3, seed=n_inputs)
    names = ("a b", *(f"x{i}" for i in range(1, n_inputs)))
    circuit = Circuit(gates, names, ("a b", "y[1]", "y[2]"))
    write(FORMAT, circuit, tmp_path / "c.pla")
    write(AIGER, circuit, tmp_path / "c.aig")
    abc("read_pla c.pla; strash; write_aiger -s p.aig", cwd=tmp_path)
    assert_equivalent(tmp_path / "c.aig", tmp_path / "p.aig")


@pytest.mark.parametrize(
    "command", ["read_aiger c.aig; write_pla -m c.pla", "&r c.aig; &write_truth -p c.pla"]
)
def test_files_of_abc_are_read(tmp_path, command):
    gates = layered(60, 6, 5, levels=6)
    circuit = Circuit(gates, tuple(f"i{i}" for i in range(6)), tuple(f"o{i}" for i in range(5)))
    write(AIGER, circuit, tmp_path / "c.aig")
    abc(command, cwd=tmp_path)
    back = read(FORMAT, tmp_path / "c.pla")
    assert (back.input_names, back.output_names) == (circuit.input_names, circuit.output_names)
    assert_equal(back.netlist, circuit.netlist)


def test_circuits_of_more_inputs_are_refused_and_no_file_appears(tmp_path):
    with pytest.raises(ModelError, match="inputs; truth tables are written of at most 16"):
        write_model(GOLDEN / "digits" / "network.onnx", tmp_path / "a.pla", part="logic")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no .i"),
        (b".i 2\n", "has no .o"),
        (b".i 2\n.o 1\n.p 2\n11 1\n.e\n", "has 1 products, its .p tells of 2"),
        (b".i 2\n.o 1\n.p two\n", "line 3: .p is 'two', must be a whole number"),
        (b".i 999999999\n.o 1\n", "line 1: .i is 999999999, must be at most 65536 in a file of"),
        (b".i 2\n.i 2\n", "line 2: a second .i"),
        (b".i 2\n.o 1\n11 11\n", "line 3: has 4 characters, must have 2 for the inputs and 1 for"),
        (b".i 2\n.o 1\n1a 1\n", "line 3: 'a' stands for an input, must be one of 0 1 - 2"),
        (b".i 2\n.o 1\n11 x\n", "line 3: 'x' stands for an output, must be one of 0 1 - 2 4 ~"),
        (b".i 2\n.o 1\n.type xy\n", "line 3: .type is 'xy', must be one of f, fd, fr, fdr"),
        (b".i 2\n.o 1\n.mv 3\n", "line 3: .mv is not known, must be one of .i, .o, .p"),
        (b".i 2\n.o 1\n.ilb a\n11 1\n", "has 2 inputs and 1 input names"),
        (b".i 2\n.o 1\n.ilb a a\n11 1\n", "two inputs are called 'a'"),
    ],
)
def test_malformed_files_are_refused_by_line(data, message):
    with pytest.raises(ModelError) as caught:
        read_pla(data, "bad.pla")
    assert str(caught.value).startswith("bad.pla: ")
    assert message in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(data=mutated(SEVEN) | st.binary(max_size=60))
def test_mutated_files_raise_nothing_else(data):
    with contextlib.suppress(LgnxError):
        circuit_to_model(read_pla(data, "fuzz"))
