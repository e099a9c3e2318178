from __future__ import annotations

import numpy as np

from lgnx.netlist.estimate import estimate_gates


def test_every_position_of_every_tree_counts(make):
    m = make(3, 8, 8)
    indices, tables = np.zeros((4, 8), np.int32), np.zeros((4, 7, 1), np.uint8)
    y = m.op(
        "LogicConv", "x", m.constant(indices), m.constant(tables), kernel_shape=[3, 3], depth=3
    )
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    assert estimate_gates(m.model(y)) == 4 * 7 * 36 + 4 * 9 * 3


def test_wide_tables_count_more(make):
    rng = np.random.default_rng(0)
    m = make(8)
    assert estimate_gates(m.model(m.dense(m.dense("x", 8, 10, 2, rng), 10, 5, 4, rng))) == 10 + 40


def test_what_has_no_known_shape_counts_as_nothing(make):
    m = make(3, "width")
    assert estimate_gates(m.model(m.op("OrPool", "x", kernel_shape=[2]))) == 0
