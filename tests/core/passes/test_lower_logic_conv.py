from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.passes.pipelines import run_passes


@st.composite
def layers(draw):
    """Extents of x, and attributes of a LogicConv that fits it; k of the tables."""
    d = draw(st.integers(1, 3))

    def each(low, high, n=d):
        return draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    a = {"kernel_shape": each(1, 3), "strides": each(1, 3), "dilations": each(1, 2)}
    a["pads"] = each(0, 2, 2 * d)
    reach = [n * (w - 1) + 1 for w, n in zip(a["kernel_shape"], a["dilations"], strict=True)]
    room = [
        max(1, r - begin - end)
        for r, begin, end in zip(reach, a["pads"][:d], a["pads"][d:], strict=True)
    ]
    extents = [n + more for n, more in zip(room, each(0, 3), strict=True)]
    k, a["depth"] = draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (4, 1), (6, 1)]))
    return [draw(st.integers(1, 3)), *extents], a, k


@settings(max_examples=40, deadline=None)
@given(layer=layers(), kernels=st.integers(1, 4), seed=st.integers(0, 999))
def test_any_layer_keeps_its_function(make, apply, ops, layer, kernels, seed):
    shape, a, k = layer
    m = make(*shape)
    window = shape[0] * int(np.prod(a["kernel_shape"]))
    trees = m.trees(window, kernels, k, a["depth"], np.random.default_rng(seed))
    result = apply(m.model(m.op("LogicConv", "x", *trees, **a)), "lower-logic-conv")
    assert ops(result)["LogicConv"] == 0


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 8])
def test_trees_of_every_fan_in_become_bitwise(make, apply, ops, k):
    m = make(2, 5, 4)
    trees = m.trees(18, 5, k, 1, np.random.default_rng(k))
    y = m.op("LogicConv", "x", *trees, kernel_shape=[3, 3], pads=[1, 0, 1, 2])
    result = apply(m.model(y), "lower-logic-conv")
    assert {"PackBits", "UnpackBits", "Gather", "Pad"} <= set(ops(result))


def test_constant_trees_and_trees_that_pass_a_bit_on(make, apply):
    m = make(1, 4, 4)
    indices = np.tile(np.array([[0, 3]], np.int32), (16, 1))
    tables = np.arange(16, dtype=np.uint8)[:, None, None]
    y = m.op("LogicConv", "x", m.constant(indices), m.constant(tables), kernel_shape=[2, 2])
    apply(m.model(y), "lower-logic-conv")


def test_nodes_and_constants_do_not_grow_with_the_product_of_kernels_and_positions(make, ops):
    nodes, sizes = [], []
    for kernels, side in ((50, 6), (200, 6), (200, 9)):
        m = make(3, side, side)
        trees = m.trees(75, kernels, 2, 3, np.random.default_rng(0))
        y = m.op("LogicConv", "x", *trees, kernel_shape=[5, 5], pads=[2] * 4, depth=3)
        result = run_passes(m.model(y), ["lower-logic-conv"])
        nodes.append(sum(ops(result).values()))
        sizes.append(result.ByteSize())
    assert nodes[0] == nodes[1] == nodes[2] < 70
    # Two int32 for each of the 7 gates of a tree, an int32 and a mask for its output, and an int32
    # for a wire that passes a level by.
    assert sizes[1] - sizes[0] < 150 * (7 * 8 + 12 + 3 * 4)
    # An int32 a position.
    assert sizes[2] - sizes[1] < 9 * 9 * 4 + 100


def test_uint16_indices(make, apply, ops):
    m = make(2, 4, 4)
    rng = np.random.default_rng(0)
    indices = m.constant(rng.integers(0, 18, (4, 4)).astype(np.uint16))
    tables = m.constant(rng.integers(0, 16, (4, 3, 1)).astype(np.uint8))
    y = m.op("LogicConv", "x", indices, tables, kernel_shape=[3, 3], depth=2)
    assert ops(apply(m.model(y), "lower-logic-conv"))["LogicConv"] == 0


def test_a_layer_whose_tables_are_computed_is_left_alone(make, apply, ops):
    m = make(1, 3, 3)
    tables = m.op(
        "Add", m.constant(np.array([[[6]]], np.uint8)), m.constant(np.array([[[2]]], np.uint8))
    )
    y = m.op(
        "LogicConv", "x", m.constant(np.array([[0, 2]], np.int32)), tables, kernel_shape=[2, 2]
    )
    assert ops(apply(m.model(y), "lower-logic-conv"))["LogicConv"] == 1


def test_a_layer_whose_extents_are_not_known_is_left_alone(make, apply, ops):
    m = make(1, 3, "width")
    trees = m.trees(4, 2, 2, 1, np.random.default_rng(0))
    model = m.model(m.op("LogicConv", "x", *trees, kernel_shape=[2, 2]))
    assert ops(run_passes(model, ["lower-logic-conv"]))["LogicConv"] == 1
