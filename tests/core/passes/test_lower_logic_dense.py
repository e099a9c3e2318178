from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 8])
def test_layers_of_every_fan_in_become_bitwise(make, apply, ops, k):
    m = make(9)
    y = m.dense(
        m.dense("x", 9, 21, k, np.random.default_rng(k)), 21, 5, k, np.random.default_rng(9)
    )
    result = apply(m.model(y), "lower-logic-dense")
    assert ops(result)["LogicDense"] == 0
    assert {"PackBits", "UnpackBits", "Gather"} <= set(ops(result))


def test_each_of_the_16_gates(make, apply):
    m = make(2)
    tables = np.arange(16, dtype=np.uint8)[:, None]
    indices = np.tile(np.array([[0, 1]], np.int32), (16, 1))
    y = m.op("LogicDense", "x", m.constant(indices), m.constant(tables))
    apply(m.model(y), "lower-logic-dense")


def test_the_number_of_nodes_does_not_grow_with_the_width(make, apply, ops):
    counts = []
    for width in (100, 400):
        m = make(20)
        y = m.dense("x", 20, width, 2, np.random.default_rng(0))
        counts.append(sum(ops(apply(m.model(y), "lower-logic-dense")).values()))
    assert counts[0] == counts[1] < 60


@settings(max_examples=25, deadline=None)
@given(
    shape=st.lists(st.integers(1, 3), max_size=2),
    width=st.integers(1, 6),
    layers=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=3),
    seed=st.integers(0, 999),
)
def test_any_layers_keep_their_function(make, apply, shape, width, layers, seed):
    rng = np.random.default_rng(seed)
    m = make(*shape, width)
    y = "x"
    for n, k in layers:
        y, width = m.dense(y, width, n, k, rng), n
    apply(m.model(y), "lower-logic-dense")


def test_a_layer_whose_tables_are_computed_is_left_alone(make, apply, ops):
    m = make(3)
    tables = m.op(
        "Add", m.constant(np.array([[6]], np.uint8)), m.constant(np.array([[2]], np.uint8))
    )
    y = m.op("LogicDense", "x", m.constant(np.array([[0, 2]], np.int32)), tables)
    assert ops(apply(m.model(y), "lower-logic-dense"))["LogicDense"] == 1
