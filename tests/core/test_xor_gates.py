from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.netlist import Netlist, NetlistBuilder
from lgnx.netlist.xor_gates import expand_xors, merge_xors


def ands(n_inputs, fanins, outputs):
    return Netlist(
        n_inputs,
        np.zeros(len(fanins), np.uint8),
        np.array(fanins, np.uint32).reshape(-1, 2),
        np.array(outputs, np.uint32),
    )


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_there_and_back_nothing_changes_but_the_number_of_nodes(nets, data):
    netlist = data.draw(nets.any())
    expanded = expand_xors(netlist)
    merged = merge_xors(expanded)
    expanded.validate()
    merged.validate()
    assert not expanded.kinds.any()
    assert expanded.n_nodes == netlist.n_nodes + 2 * int(netlist.kinds.sum())
    assert merged.n_nodes <= netlist.n_nodes
    bits = nets.every_input(netlist.n_inputs)
    expected = nets.evaluate(netlist, bits)
    assert np.array_equal(expanded.simulate(bits), expected)
    assert np.array_equal(merged.simulate(bits), expected)


@pytest.mark.parametrize("a", [2, 3])
@pytest.mark.parametrize("b", [4, 5])
@pytest.mark.parametrize("swapped", [False, True])
def test_an_exclusive_or_is_found_whatever_its_polarity_and_order(a, b, swapped):
    halves = [[a, b], [b ^ 1, a ^ 1]]
    merged = merge_xors(ands(2, [*(halves[::-1] if swapped else halves), [9, 7]], [10]))
    assert merged.kinds.tolist() == [1]
    y = merged.simulate(np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)).ravel()
    complement = bool((a ^ b) & 1)
    np.testing.assert_array_equal(y, np.array([False, True, True, False]) ^ complement)


def test_a_half_that_something_else_reads_stays():
    merged = merge_xors(ands(2, [[2, 4], [3, 5], [7, 9]], [10, 6]))
    assert merged.kinds.tolist() == [0, 1]
    assert merged.fanins.tolist() == [[2, 4], [2, 4]]
    assert merged.outputs.tolist() == [8, 6]


@pytest.mark.parametrize(
    "fanins",
    [
        [[2, 4], [3, 5], [7, 8]],  # one half not complemented
        [[2, 4], [3, 4], [7, 9]],  # only one input complemented: ~x1
        [[2, 4], [3, 6], [9, 11]],  # another input
    ],
)
def test_other_ands_stay_ands(fanins):
    n_inputs = 3 if fanins[1] == [3, 6] else 2
    last = 2 * (n_inputs + 3)
    assert merge_xors(ands(n_inputs, fanins, [last])).kinds.tolist() == [0, 0, 0]


def test_a_chain_of_exclusive_ors_comes_back():
    builder = NetlistBuilder(8)
    literals = builder.inputs()
    x = literals[:1]
    for i in range(1, 8):
        x = builder.xor(x, literals[i : i + 1] ^ np.uint32(i % 2))
    netlist = builder.finish(x)
    back = merge_xors(expand_xors(netlist))
    assert back.kinds.tolist() == [1] * 7
    assert back.outputs.tolist() == netlist.outputs.tolist()


def test_a_netlist_without_nodes_stays():
    netlist = ands(2, [], [3, 0])
    for other in (expand_xors(netlist), merge_xors(netlist)):
        assert other.n_nodes == 0
        assert other.outputs.tolist() == [3, 0]
