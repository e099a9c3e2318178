"""Netlists: validity, levels, simulation, and programs there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.netlist import Netlist
from lgnx.netlist.simulation import schedule
from lgnx.ops.errors import InputError, LgnxError
from lgnx.ops.gates import AND, AND_NOT, NOR, XOR
from lgnx.ops.program import Program, Run, decode, encode

BATCHES = [0, 1, 63, 64, 65]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_simulation_equals_the_definition(nets, data):
    netlist = data.draw(nets.any())
    netlist.validate()
    bits = nets.every_input(netlist.n_inputs)
    assert np.array_equal(netlist.simulate(bits), nets.evaluate(netlist, bits))


@pytest.mark.parametrize("batch", BATCHES)
def test_simulation_of_any_batch(nets, batch):
    netlist = nets.random(10, 40, 5, seed=1)
    rng = np.random.default_rng(batch)
    bits = rng.random((batch, 10)) < 0.5
    result = netlist.simulate(bits)
    assert result.shape == (batch, 5)
    assert result.dtype == bool
    assert np.array_equal(result, nets.evaluate(netlist, bits))


def test_simulation_in_several_blocks(nets, monkeypatch):
    monkeypatch.setattr("lgnx.netlist.simulation._STATE_BYTES", 1)
    monkeypatch.setattr("lgnx.netlist.simulation._BLOCK_BYTES", 1)
    netlist = nets.random(8, 30, 4, seed=2)
    bits = nets.every_input(8)
    assert np.array_equal(netlist.simulate(bits), nets.evaluate(netlist, bits))


def test_simulation_needs_as_many_columns_as_inputs(nets):
    with pytest.raises(InputError, match=r"shape \(4, 3\), must be \[B, 5\]"):
        nets.random(5, 3, 1, seed=0).simulate(np.zeros((4, 3), bool))


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_levels_and_depth(nets, data):
    netlist = data.draw(nets.any())
    levels = [0] * netlist.first_node
    for a, b in netlist.fanins.tolist():
        levels.append(1 + max(levels[a >> 1], levels[b >> 1]))
    assert netlist.levels().tolist() == levels[netlist.first_node :]
    assert netlist.depth == max(levels[o >> 1] for o in netlist.outputs.tolist())
    order, sizes = schedule(netlist)
    by_schedule = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    assert np.array_equal(netlist.levels()[order], by_schedule)


def test_fan_outs_count_nodes_and_outputs(nets):
    netlist = nets.make(2, [0, 1], [[2, 5], [6, 2]], [8, 9, 2])
    assert netlist.fan_outs().tolist() == [0, 3, 1, 1, 2]


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_program_computes_the_same(nets, data):
    netlist = data.draw(nets.any())
    program = decode(encode(netlist.to_program()))
    assert program.n_gates == netlist.n_nodes
    assert {run.table for run in program.runs} <= {AND, AND_NOT, NOR, XOR}
    back = Netlist.from_program(program)
    back.validate()
    bits = nets.every_input(netlist.n_inputs)
    expected = nets.evaluate(netlist, bits)
    assert np.array_equal(_run(program, bits), expected)
    assert np.array_equal(back.simulate(bits), expected)


def test_program_has_one_run_for_each_function_of_a_level(nets):
    netlist = nets.random(20, 500, 20, seed=3)
    program = netlist.to_program()
    levels = [0] * 21
    seen = []
    for run in program.runs:
        of_run = {1 + max(levels[w] for w in row) for row in run.fanins.tolist()}
        assert len(of_run) == 1
        seen.append((of_run.pop(), run.table))
        levels += [seen[-1][0]] * run.count
    assert [level for level, _ in seen] == sorted(level for level, _ in seen)
    assert len(set(seen)) == len(seen)


def test_complements_go_to_the_function_or_the_output(nets):
    # x0 & ~x1, in both orders; ~x0 & ~x1; ~x0 ^ x1, read complemented.
    netlist = nets.make(2, [0, 0, 0, 1, 0], [[2, 5], [5, 2], [3, 5], [3, 4], [13, 3]], [12, 14])
    program = netlist.to_program()
    functions = {run.table: run.fanins.tolist() for run in program.runs if run.fanins.max() < 3}
    assert functions == {AND_NOT: [[1, 2], [1, 2]], NOR: [[1, 2]], XOR: [[1, 2]]}
    assert program.runs[-1].table == AND_NOT  # (x0 ^ x1) & ~x0
    assert program.outputs.tolist()[0] & 1 == 1


def test_netlist_of_a_program_with_wide_gates():
    rng = np.random.default_rng(5)
    runs, wires = [], 8
    for k in range(1, 7):
        table = int(rng.integers(0, 1 << min(63, 1 << k)))
        runs.append(Run(k, table, rng.integers(0, wires, (4, k)).astype(np.uint32)))
        wires += 4
    program = Program(7, runs, rng.integers(0, 2 * wires, 12).astype(np.uint32))
    bits = (np.arange(128)[:, None] >> np.arange(7) & 1).astype(bool)
    assert np.array_equal(Netlist.from_program(program).simulate(bits), _run(program, bits))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_inputs": -1}, "n_inputs is -1, must not be negative"),
        ({"kinds": np.array([0, 2], np.uint8)}, r"kind of node 1 is 2, must be 0 \(AND\) or 1"),
        ({"kinds": np.array([0], np.uint8)}, r"fanins of shape \[2, 2\], must be \[1, 2\]"),
        ({"kinds": np.array([0, 0])}, r"kinds is int64 of shape \[2\], must be uint8 of rank 1"),
        (
            {"fanins": np.array([[2, 4], [2, 8]], np.uint32)},
            r"node 1 \(variable 4\) reads literals \[2, 8\], which are not all of smaller",
        ),
        ({"outputs": np.array([10], np.uint32)}, "output literal 10 is out of range: 5 variables"),
    ],
)
def test_validate_names_what_is_wrong(change, message):
    parts = {
        "n_inputs": 2,
        "kinds": np.array([0, 1], np.uint8),
        "fanins": np.array([[2, 4], [2, 7]], np.uint32),
        "outputs": np.array([8], np.uint32),
    }
    Netlist(**parts).validate()
    with pytest.raises(LgnxError, match=message):
        Netlist(**(parts | change)).validate()


def _run(program: Program, bits: np.ndarray) -> np.ndarray:
    """Evaluate a program by its definition."""
    wires = [np.zeros(len(bits), bool), *bits.T]
    for run in program.runs:
        for row in run.fanins.tolist():
            address = sum(wires[w].astype(np.int64) << i for i, w in enumerate(row))
            table = np.array([run.table >> j & 1 for j in range(1 << run.k)], bool)
            wires.append(table[address])
    return np.stack([wires[o >> 1] ^ bool(o & 1) for o in program.outputs.tolist()], axis=1)
