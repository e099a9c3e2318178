from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lgnx.netlist.windows import PADDING, leaf_sources, window_sources
from lgnx.ops.logic_conv import logic_conv
from lgnx.ops.logic_conv_transpose import logic_conv_transpose


def test_a_window_at_the_edge_holds_padding():
    sources = window_sources(1, [3], [3], pads=[1, 1])
    assert sources.tolist() == [[[PADDING, 0, 1], [0, 1, 2], [1, 2, PADDING]]]


def test_bits_are_numbered_channel_first():
    sources = window_sources(2, [2, 2], [2, 2])
    assert sources.reshape(-1).tolist() == list(range(8))


def test_spread_bits_have_padding_between_them():
    sources = window_sources(1, [2], [1], strides=[3], output_padding=[2], transpose=True)
    assert sources.tolist() == [[[0, PADDING, PADDING, 1, PADDING, PADDING]]]


@pytest.mark.parametrize("transpose", [False, True])
@settings(max_examples=60, deadline=None)
@given(data=st.data(), d=st.integers(1, 3), seed=st.integers(0, 999))
def test_single_leaves_read_what_the_reference_reads(transpose, data, d, seed):
    def each(low, high, n=d):
        return data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    kernel, strides, dilations, spatial = each(1, 3), each(1, 3), each(1, 2), each(1, 5)
    reach = [n * (w - 1) for w, n in zip(kernel, dilations, strict=True)]
    a = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    if transpose:
        a["pads"] = [data.draw(st.integers(0, r)) for r in reach * 2]
        a["output_padding"] = [data.draw(st.integers(0, s - 1)) for s in strides]
        room = [
            (n - 1) * s + r + o - a["pads"][i] - a["pads"][d + i]
            for i, (n, s, r, o) in enumerate(
                zip(spatial, strides, reach, a["output_padding"], strict=True)
            )
        ]
    else:
        a["pads"] = each(0, 2, 2 * d)
        room = [n + a["pads"][i] + a["pads"][d + i] - reach[i] - 1 for i, n in enumerate(spatial)]
    assume(min(room) >= 0)
    channels = data.draw(st.integers(1, 3))
    rng = np.random.default_rng(seed)
    x = rng.random((2, channels, *spatial)) < 0.5
    indices = rng.integers(0, channels * int(np.prod(kernel)), (4, 1))
    reference = logic_conv_transpose if transpose else logic_conv
    expected = reference(x, indices, np.full((4, 1, 1), 2, np.uint8), **a)
    found = leaf_sources(indices, window_sources(channels, spatial, **a, transpose=transpose))
    bits = np.concatenate([x.reshape(2, -1), np.zeros((2, 1), bool)], axis=1)
    np.testing.assert_array_equal(bits[:, found[:, 0]], expected)
