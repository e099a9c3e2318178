"""Netlists as layers of gates, each reading the one before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.converters.gate_layers import gate_layers
from lgnx.netlist.netlist import Netlist


def random_netlist(
    rng: np.random.Generator, n_inputs: int, n_nodes: int, n_outputs: int
) -> Netlist:
    limits = 2 * (1 + n_inputs + np.arange(n_nodes))
    low = np.maximum(0, limits - 30)[:, None]  # near ones mostly, so that it is deep
    fanins = rng.integers(low, limits[:, None], (n_nodes, 2), dtype=np.uint32)
    far = rng.random((n_nodes, 2)) < 0.3
    fanins = np.where(far, rng.integers(0, limits[:, None], (n_nodes, 2)), fanins)
    kinds = rng.integers(0, 2, n_nodes, dtype=np.uint8)
    outputs = rng.integers(0, 2 * (1 + n_inputs + n_nodes), n_outputs, dtype=np.uint32)
    netlist = Netlist(n_inputs, kinds, fanins.astype(np.uint32), outputs)
    netlist.validate()
    return netlist


def run(layers: list[tuple[np.ndarray, np.ndarray]], bits: np.ndarray) -> np.ndarray:
    for indices, tables in layers:
        assert indices.min(initial=0) >= 0
        assert indices.max(initial=-1) < bits.shape[1]
        address = bits[:, indices[:, 0]] + 2 * bits[:, indices[:, 1]].astype(int)
        bits = (tables[:, 0] >> address & 1).astype(bool)
    return bits


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 60), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_layers_compute_what_the_netlist_computes(seed, n_inputs, n_nodes, n_outputs) -> None:
    rng = np.random.default_rng(seed)
    netlist = random_netlist(rng, n_inputs, n_nodes, n_outputs)
    layers = gate_layers(netlist)
    assert len(layers) == max(1, netlist.depth)
    assert len(layers[-1][0]) == n_outputs
    bits = rng.random((100, n_inputs)) < 0.5
    np.testing.assert_array_equal(run(layers, bits), netlist.simulate(bits))


@pytest.mark.parametrize("outputs", [[0], [1], [2, 3], [0, 1, 4, 5, 4]])
def test_outputs_may_be_constants_inputs_and_complements(outputs: list[int]) -> None:
    netlist = Netlist(2, np.zeros(0, np.uint8), np.zeros((0, 2), np.uint32), np.uint32(outputs))
    layers = gate_layers(netlist)
    bits = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    assert len(layers) == 1
    np.testing.assert_array_equal(run(layers, bits), netlist.simulate(bits))


def test_gates_that_no_output_needs_are_left_out() -> None:
    fanins = np.array([[2, 4], [6, 2], [2, 5]], np.uint32)
    netlist = Netlist(2, np.zeros(3, np.uint8), fanins, np.array([10], np.uint32))
    assert [len(indices) for indices, _ in gate_layers(netlist)] == [1]


def test_values_are_handed_on_as_long_as_they_are_read() -> None:
    fanins = np.array([[2, 4], [10, 2], [12, 4], [14, 2], [16, 6]], np.uint32)
    netlist = Netlist(4, np.zeros(5, np.uint8), fanins, np.array([18], np.uint32))
    # Beside the chain itself, inputs 0 and 1 as far as the gates that read them, and input 2 to
    # the last gate; input 3 is not read.
    assert [len(indices) for indices, _ in gate_layers(netlist)] == [4, 4, 3, 2, 1]


def test_gates_stand_late_where_that_hands_on_less() -> None:
    # Gate 0 reads both inputs of the chain, and only the last gate reads it.
    fanins = np.array([[2, 4], [2, 5], [8, 2], [10, 4], [12, 6]], np.uint32)
    netlist = Netlist(2, np.zeros(5, np.uint8), fanins, np.array([14], np.uint32))
    sizes = [len(indices) for indices, _ in gate_layers(netlist)]
    assert sizes == [3, 3, 2, 1]


def test_four_hundred_thousand_gates() -> None:
    rng = np.random.default_rng(0)
    wide, deep = 40_000, 10
    n_inputs = 1000
    fanins = []
    previous = np.arange(2, 2 * (n_inputs + 1), 2)
    for _ in range(deep):
        fanins.append(rng.choice(previous, (wide, 2)) ^ rng.integers(0, 2, (wide, 2)))
        start = 2 * (n_inputs + 1) + 2 * wide * (len(fanins) - 1)
        previous = np.arange(start, start + 2 * wide, 2)
    netlist = Netlist(
        n_inputs,
        rng.integers(0, 2, wide * deep, dtype=np.uint8),
        np.concatenate(fanins).astype(np.uint32),
        previous.astype(np.uint32),
    )
    layers = gate_layers(netlist)
    assert len(layers) == deep
    assert all(len(indices) <= wide for indices, _ in layers)
    bits = rng.random((3, n_inputs)) < 0.5
    np.testing.assert_array_equal(run(layers, bits), netlist.simulate(bits))
