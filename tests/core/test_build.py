"""The netlist builder: gates from arrays of literals, tables of any width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.netlist import NetlistBuilder
from lgnx.netlist.decompose import row_ids
from lgnx.ops.errors import LgnxError
from lgnx.ops.tables import pack_tables


def _expected(bits: np.ndarray, tables: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Outputs of tables [N, 2^k] whose inputs are columns [N, k] of ``bits``."""
    weights = 1 << np.arange(inputs.shape[1])
    return tables[np.arange(len(tables)), bits[:, inputs] @ weights]


def _build(n_inputs, tables, inputs):
    builder = NetlistBuilder(n_inputs)
    netlist = builder.finish(builder.lut(pack_tables(tables), builder.inputs()[inputs]))
    netlist.validate()
    return netlist


@pytest.mark.parametrize("table", range(16))
def test_gates_of_two_inputs_take_one_node_at_most(nets, table):
    bits = nets.every_input(2)
    tables = np.array([[table >> j & 1 for j in range(4)]], bool)
    netlist = _build(2, tables, np.array([[0, 1]]))
    assert netlist.n_nodes == (0 if table in (0x0, 0xF, 0xA, 0x5, 0xC, 0x3) else 1)
    assert netlist.kinds.tolist() in ([], [table in (0x6, 0x9)])
    assert netlist.simulate(bits)[:, 0].tolist() == tables[0].tolist()


@pytest.mark.parametrize("table", range(4))
def test_gates_of_one_input_take_none(table):
    netlist = _build(1, np.array([[table & 1, table >> 1]], bool), np.array([[0]]))
    assert netlist.n_nodes == 0
    assert netlist.simulate(np.array([[False], [True]]))[:, 0].tolist() == [table & 1, table >> 1]


@given(
    k=st.integers(1, 6),
    n=st.integers(0, 20),
    distinct=st.integers(1, 20),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=80, deadline=None)
def test_tables_are_kept(nets, k, n, distinct, seed):
    rng = np.random.default_rng(seed)
    n_inputs = 8
    pool = rng.random((distinct, 1 << k)) < rng.random((distinct, 1))
    tables = pool[rng.integers(0, distinct, n)]
    inputs = rng.integers(0, n_inputs, (n, k))
    bits = nets.every_input(n_inputs)
    result = _build(n_inputs, tables, inputs).simulate(bits)
    assert np.array_equal(result, _expected(bits, tables, inputs))


@pytest.mark.parametrize(("k", "n"), [(7, 20), (8, 10), (10, 5), (13, 2), (16, 1)])
def test_wide_tables_are_kept(k, n):
    rng = np.random.default_rng(k)
    tables = rng.random((n, 1 << k)) < 0.5
    inputs = rng.integers(0, 20, (n, k))
    bits = rng.random((1000, 20)) < 0.5
    result = _build(20, tables, inputs).simulate(bits)
    assert np.array_equal(result, _expected(bits, tables, inputs))


def test_wide_tables_in_portions(nets, monkeypatch):
    monkeypatch.setattr("lgnx.netlist.build._TABLE_BITS", 16)
    rng = np.random.default_rng(1)
    tables = (rng.random((5, 16)) < 0.5)[rng.integers(0, 5, 40)]
    inputs = rng.integers(0, 6, (40, 4))
    bits = nets.every_input(6)
    result = _build(6, tables, inputs).simulate(bits)
    assert np.array_equal(result, _expected(bits, tables, inputs))


@pytest.mark.parametrize(
    ("name", "function", "most"),
    [
        ("parity", lambda ones, k: ones % 2 == 1, lambda k: k - 1),
        ("all", lambda ones, k: ones == k, lambda k: k - 1),
        ("any", lambda ones, k: ones > 0, lambda k: k - 1),
        # Sub-functions of a symmetric function are few, so it must not grow with 2^k.
        ("majority", lambda ones, k: ones > k // 2, lambda k: 3 * k * k),
    ],
)
@pytest.mark.parametrize("k", [3, 6, 9, 12])
def test_structured_tables_take_few_nodes(nets, name, function, most, k):
    table = function(nets.every_input(k).sum(axis=1), k)[None]
    assert _build(k, table, np.arange(k)[None]).n_nodes <= most(k)


def test_functions_of_three_inputs_take_four_nodes_at_most():
    tables = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    counts = [_build(3, row[None], np.array([[0, 1, 2]])).n_nodes for row in tables]
    assert max(counts) <= 4


def test_gates_that_share_a_table_are_built_alike():
    rng = np.random.default_rng(0)
    table = rng.random((1, 64)) < 0.5
    one = _build(30, table, np.arange(6)[None])
    many = _build(30, np.repeat(table, 50, axis=0), rng.integers(0, 30, (50, 6)))
    assert many.n_nodes == 50 * one.n_nodes


def test_gates_of_literals(nets):
    builder = NetlistBuilder(3)
    a, b, c = builder.inputs()[:, None]
    outputs = [
        builder.and_(a, b ^ np.uint32(1)),
        builder.or_(a, b),
        builder.xor(a, c),
        builder.not_(a),
        builder.mux(a, b, c),
    ]
    bits = nets.every_input(3)
    x, y, z = bits.T
    expected = np.stack([x & ~y, x | y, x ^ z, ~x, np.where(x, y, z)], axis=1)
    netlist = builder.finish(np.concatenate(outputs))
    assert np.array_equal(netlist.simulate(bits), expected)


def test_literals_broadcast_and_keep_their_shape():
    builder = NetlistBuilder(6)
    inputs = builder.inputs().reshape(2, 3)
    assert builder.and_(inputs, inputs[:1]).shape == (2, 3)
    assert builder.finish(inputs).n_outputs == 6


def test_literals_do_not_overflow():
    builder = NetlistBuilder((1 << 31) - 2)
    builder.and_(np.uint32(2), np.uint32(4))
    with pytest.raises(LgnxError, match="more than 2147483648 variables"):
        builder.and_(np.uint32(2), np.uint32(4))


@given(j=st.integers(0, 9), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_equal_rows_and_no_others_have_equal_ids(j, seed):
    rng = np.random.default_rng(seed)
    pool = rng.random((6, 1 << j)) < 0.5
    pool[1] = pool[0]
    pool[1, -1] ^= True
    rows = pool[rng.integers(0, 6, 30)]
    ids = row_ids(rows)
    equal = (rows[:, None] == rows[None]).all(axis=-1)
    assert np.array_equal(ids[:, None] == ids[None], equal)
