from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.passes.pipelines import run_passes


@st.composite
def layers(draw):
    """Extents of x, and attributes of an OrPool that fits it."""
    d = draw(st.integers(1, 3))
    kernel, strides, begin, end, extents = [], [], [], [], []
    for _ in range(d):
        width = draw(st.integers(1, 5))
        pads = [draw(st.integers(0, width - 1)) for _ in range(2)]
        kernel.append(width)
        strides.append(draw(st.integers(1, 6)))
        begin.append(pads[0])
        end.append(pads[1])
        extents.append(max(1, width - sum(pads)) + draw(st.integers(0, 3)))
    a = {"kernel_shape": kernel, "strides": strides, "pads": begin + end}
    return [draw(st.integers(1, 3)), *extents], a


@settings(max_examples=60, deadline=None)
@given(layer=layers())
def test_any_layer_keeps_its_function(make, apply, ops, layer):
    shape, a = layer
    m = make(*shape)
    result = apply(m.model(m.op("OrPool", "x", **a)), "lower-or-pool")
    assert ops(result)["OrPool"] == 0


def test_the_default_is_stride_1_without_padding(make, apply):
    m = make(2, 4, 4)
    apply(m.model(m.op("OrPool", "x", kernel_shape=[2, 3])), "lower-or-pool")


@pytest.mark.parametrize(("width", "ors"), [(1, 0), (2, 1), (3, 2), (4, 2), (8, 3), (9, 4)])
def test_windows_double(make, apply, ops, width, ors):
    m = make(2, 12)
    result = apply(m.model(m.op("OrPool", "x", kernel_shape=[width])), "lower-or-pool")
    assert ops(result)["BitwiseOr"] == ors
    assert ops(result)["Slice"] == 2 * ors


def test_a_layer_whose_extents_are_not_known_is_left_alone(make, ops):
    m = make(1, "width")
    result = run_passes(m.model(m.op("OrPool", "x", kernel_shape=[2])), ["lower-or-pool"])
    assert ops(result)["OrPool"] == 1
