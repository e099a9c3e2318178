from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.passes.pipelines import run_passes


@st.composite
def layers(draw):
    """Extents of x, and attributes of a LogicConvTranspose that leaves an output; k of the tables.

    Pads may be anything up to the reach of the window, as long as an output is left.
    """
    d = draw(st.integers(1, 3))
    a = {name: [] for name in ("kernel_shape", "strides", "dilations", "output_padding")}
    begin, end, extents = [], [], []
    for _ in range(d):
        kernel, stride, dilation = (draw(st.integers(1, n)) for n in (3, 3, 2))
        reach, added = dilation * (kernel - 1), draw(st.integers(0, stride - 1))
        pads = [draw(st.integers(0, reach)) for _ in range(2)]
        size = 1
        while (size - 1) * stride + reach + 1 + added - sum(pads) < 1:
            size += 1
        extents.append(size + draw(st.integers(0, 2)))
        begin.append(pads[0])
        end.append(pads[1])
        for name, value in zip(a, (kernel, stride, dilation, added), strict=True):
            a[name].append(value)
    a["pads"] = begin + end
    k, a["depth"] = draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (4, 1), (6, 1)]))
    return [draw(st.integers(1, 3)), *extents], a, k


@settings(max_examples=40, deadline=None)
@given(layer=layers(), kernels=st.integers(1, 4), seed=st.integers(0, 999))
def test_any_layer_keeps_its_function(make, apply, ops, layer, kernels, seed):
    shape, a, k = layer
    m = make(*shape)
    window = shape[0] * int(np.prod(a["kernel_shape"]))
    trees = m.trees(window, kernels, k, a["depth"], np.random.default_rng(seed))
    y = m.op("LogicConvTranspose", "x", *trees, **a)
    result = apply(m.model(y), "lower-logic-conv-transpose")
    assert ops(result)["LogicConvTranspose"] == 0


def test_the_number_of_nodes_does_not_grow_with_kernels_and_positions(make, ops):
    nodes = []
    for kernels, side in ((50, 4), (200, 4), (200, 6)):
        m = make(3, side, side)
        trees = m.trees(27, kernels, 2, 2, np.random.default_rng(0))
        y = m.op("LogicConvTranspose", "x", *trees, kernel_shape=[3, 3], strides=[2, 2], depth=2)
        result = run_passes(m.model(y), ["lower-logic-conv-transpose"])
        nodes.append(sum(ops(result).values()))
    assert nodes[0] == nodes[1] == nodes[2] < 60


def test_a_layer_whose_indices_are_computed_is_left_alone(make, apply, ops):
    m = make(1, 3)
    indices = m.op(
        "Add", m.constant(np.array([[0]], np.int32)), m.constant(np.array([[1]], np.int32))
    )
    tables = m.constant(np.array([[[2]]], np.uint8))
    y = m.op("LogicConvTranspose", "x", indices, tables, kernel_shape=[2])
    result = apply(m.model(y), "lower-logic-conv-transpose")
    assert ops(result)["LogicConvTranspose"] == 1
