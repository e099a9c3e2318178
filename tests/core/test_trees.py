from __future__ import annotations

import numpy as np
import pytest

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.trees import build_trees
from lgnx.ops._tree import evaluate_tree, node_count


@pytest.mark.parametrize(
    ("k", "depth"),
    [(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (4, 2), (6, 1), (8, 1)],
)
def test_trees_give_what_the_reference_gives_at_every_position(k, depth):
    rng = np.random.default_rng(0)
    kernels, positions, n_inputs = 3, 2, 9
    indices = rng.integers(0, n_inputs, (kernels, k**depth, positions))
    tables = rng.integers(0, 256, (kernels, node_count(k, depth), max(1, 2**k // 8)), np.uint8)
    if k < 3:
        tables &= np.uint8(2**2**k - 1)
    builder = NetlistBuilder(n_inputs)
    roots = build_trees(builder, builder.inputs()[indices], tables, depth)
    assert roots.shape == (kernels, positions)
    x = rng.integers(0, 2, (70, n_inputs), np.uint8).astype(bool)
    y = builder.finish(roots).simulate(x).reshape(70, kernels, positions)
    for e in range(positions):
        expected = evaluate_tree(x[:, indices[:, :, e]], tables, depth)
        np.testing.assert_array_equal(y[:, :, e], expected)
