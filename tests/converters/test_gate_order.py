"""Gates in any order become netlists, and circles are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.converters.gate_order import GateCycleError, Gates, from_gates, in_order
from lgnx.ops.tables import pack_tables
from tests.converters.circuit_cases import assert_equal, netlists


@settings(max_examples=60, deadline=None)
@given(gates=netlists(), seed=st.integers(0, 999))
def test_nodes_in_any_order_are_sorted(gates, seed):
    place = np.random.default_rng(seed).permutation(gates.n_nodes)
    number = np.concatenate([np.arange(gates.first_node), gates.first_node + place])

    def renumber(literals):
        return (2 * number[literals >> 1] + (literals & 1)).astype(np.uint32)

    kinds, fanins = np.empty_like(gates.kinds), np.empty_like(gates.fanins)
    kinds[place], fanins[place] = gates.kinds, renumber(gates.fanins)
    result = in_order(gates.n_inputs, kinds, fanins, renumber(gates.outputs))
    result.validate()
    assert result.n_nodes == gates.n_nodes
    assert_equal(result, gates)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_tables_in_any_order_are_built(data):
    n_inputs = data.draw(st.integers(1, 4))
    fan_in = sorted(data.draw(st.lists(st.integers(1, 4), max_size=9)))
    n = len(fan_in)
    order = data.draw(st.permutations(range(n)))  # in which they can be evaluated
    rank = {gate: i for i, gate in enumerate(order)}
    tables, fanins = [], []
    for gate, k in enumerate(fan_in):
        before = [0, *range(1, n_inputs + 1)]
        before += [n_inputs + 1 + g for g in range(n) if rank[g] < rank[gate]]
        literal = st.builds(lambda v, c: 2 * v + c, st.sampled_from(before), st.integers(0, 1))
        fanins.append(data.draw(st.lists(literal, min_size=k, max_size=k)))
        tables.append(data.draw(st.lists(st.booleans(), min_size=2**k, max_size=2**k)))
    outputs = [2 * (n_inputs + 1 + gate) + gate % 2 for gate in range(n)] or [3]
    groups = []
    for k in sorted(set(fan_in)):
        members = [gate for gate in range(n) if fan_in[gate] == k]
        packed = pack_tables(np.array([tables[gate] for gate in members]))
        groups.append(Gates(packed, np.array([fanins[gate] for gate in members], np.uint32)))
    result = from_gates(n_inputs, groups, np.array(outputs, np.uint32))
    result.validate()
    every = (np.arange(2**n_inputs)[:, None] >> np.arange(n_inputs) & 1).astype(bool)
    expected = []
    for sample in every.tolist():
        values = [False, *sample, *[False] * n]
        for gate in order:
            address = sum((values[x >> 1] ^ bool(x & 1)) << i for i, x in enumerate(fanins[gate]))
            values[n_inputs + 1 + gate] = tables[gate][address]
        expected.append([values[x >> 1] ^ bool(x & 1) for x in outputs])
    np.testing.assert_array_equal(result.simulate(every), expected)


AND, BUFFER, NOT = [[8]], [[2]], [[1]]


def two_input(*fanins):
    return [Gates(np.array(AND * len(fanins), np.uint8), np.array(fanins, np.uint32))]


@pytest.mark.parametrize(
    ("groups", "circle"),
    [
        (two_input([2, 4]), {0}),  # reads itself
        (two_input([6, 2], [4, 2]), {0, 1}),
        (two_input([2, 2], [4, 8], [6, 10], [8, 2]), {1, 2}),
        (two_input([8, 2], [4, 2], [6, 2], [8, 2]), {0, 1, 2}),
    ],
)
def test_gates_in_a_circle_are_named(groups, circle):
    with pytest.raises(GateCycleError) as caught:
        from_gates(1, groups, np.array([4], np.uint32))
    assert set(caught.value.gates) == circle


@pytest.mark.parametrize("table", [BUFFER, NOT])
def test_buffers_in_a_circle_are_found(table):
    fanins = np.array([[6], [4], [2]], np.uint32)
    with pytest.raises(GateCycleError) as caught:
        from_gates(1, [Gates(np.array(table * 3, np.uint8), fanins)], np.array([4], np.uint32))
    assert caught.value.gates[0] in (0, 1)


def test_a_long_chain_of_inverters_is_no_circle():
    n = 1001
    fanins = np.array([[2 * (v + 1)] for v in range(2, n + 1)] + [[2]], np.uint32)
    result = from_gates(1, [Gates(np.array(NOT * n, np.uint8), fanins)], np.array([4], np.uint32))
    assert result.n_nodes == 0
    assert result.outputs.tolist() == [3]
