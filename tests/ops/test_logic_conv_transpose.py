from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

HUGE = 2**63 - 1

AND, XOR, OR, SAME = 0x8, 0x6, 0xE, 0x2


def trees(*kernels: list[int]) -> np.ndarray:
    return np.array(kernels, np.uint8)[..., None]


def test_the_input_is_spread_by_the_stride(agree):
    x = np.array([[[1, 0, 1]]], bool)
    y = agree(
        "LogicConvTranspose",
        x,
        np.array([[0], [1], [2]], np.int32),
        trees([SAME], [SAME], [SAME]),
        kernel_shape=[3],
        strides=[2],
    )
    # Spread: 1 0 0 0 1, with two zeros around it.
    expected = [[0, 0, 1, 0, 0, 0, 1], [0, 1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 1, 0, 0]]
    np.testing.assert_array_equal(y[0], expected)


def test_a_tree_sees_neighbours_only_where_the_windows_overlap(agree):
    x = np.array([[[1, 1, 0]]], bool)
    layer = (np.array([[0, 1, 1, 2]], np.int32), trees([XOR, AND, OR]))
    y = agree("LogicConvTranspose", x, *layer, kernel_shape=[3], pads=[1, 1], depth=2)
    # Bits around x are 0: (left xor middle) or (middle and right).
    np.testing.assert_array_equal(y, [[[1, 0, 1]]])


def test_pads_cut_the_output_and_output_padding_adds_to_its_end(agree):
    x = np.ones((1, 1, 2), bool)
    layer = (np.array([[0, 1]], np.int32), trees([OR]))
    attributes = {"kernel_shape": [2], "strides": [3]}
    y = agree("LogicConvTranspose", x, *layer, **attributes)
    np.testing.assert_array_equal(y, [[[1, 1, 0, 1, 1]]])
    y = agree("LogicConvTranspose", x, *layer, pads=[1, 0], **attributes)
    np.testing.assert_array_equal(y, [[[1, 0, 1, 1]]])
    y = agree("LogicConvTranspose", x, *layer, pads=[0, 1], output_padding=[2], **attributes)
    np.testing.assert_array_equal(y, [[[1, 1, 0, 1, 1, 0]]])


def test_the_window_is_numbered_channel_first_and_the_last_axis_fastest(agree):
    one_hot = np.eye(2, dtype=bool).reshape(2, 2, 1, 1)
    indices = np.arange(12, dtype=np.int32)[:, None]
    y = agree("LogicConvTranspose", one_hot, indices, trees(*[[SAME]] * 12), kernel_shape=[2, 3])
    for channel in range(2):
        for w in range(12):
            expected = np.zeros((2, 3))
            if w // 6 == channel:  # the kernel is not flipped: its first bit meets x last
                expected[1 - w % 6 // 3, 2 - w % 3] = 1
            np.testing.assert_array_equal(y[channel, w], expected)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7, 8])
def test_every_fan_in_and_depth_is_evaluated(agree, random_trees, k, depth):
    rng = np.random.default_rng(k)
    x = rng.random((2, 2, 3, 2)) < 0.5
    indices, tables = random_trees(rng, 12, 3, k, depth)
    attributes = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    agree("LogicConvTranspose", x, indices, tables, depth=depth, **attributes)


@pytest.mark.parametrize("k", [9, 12, 16])
def test_wide_tables_are_evaluated(kernel_agrees, random_trees, k):
    rng = np.random.default_rng(k)
    x = rng.random((3, 2, 4, 3)) < 0.5
    layer = random_trees(rng, 12, 3, k, 1)
    kernel_agrees("LogicConvTranspose", x, *layer, kernel_shape=[3, 2], strides=[2, 2])


@pytest.mark.parametrize("spatial", [[1], [5], [4, 4], [3, 7], [20, 17], [2, 3, 4]])
def test_batches_of_every_size_are_taken(kernel_agrees, random_trees, spatial):
    d = len(spatial)
    rng = np.random.default_rng(d)
    indices, tables = random_trees(rng, 2 * 3**d, 3, 2, 2)
    for batch in (0, 1, 2, 63, 64, 65):
        if batch > 2 and np.prod(spatial) > 10:
            continue
        x = rng.random((batch, 2, *spatial)) < 0.5
        attributes = {"kernel_shape": [3] * d, "strides": [2] * d, "depth": 2}
        kernel_agrees("LogicConvTranspose", x, indices, tables, **attributes)


@pytest.mark.parametrize("value", [False, True])
def test_constant_and_one_hot_samples_are_taken(agree, random_trees, value):
    indices, tables = random_trees(np.random.default_rng(3), 27, 4, 2, 2)
    attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4, "depth": 2}
    agree("LogicConvTranspose", np.full((2, 3, 3, 3), value), indices, tables, **attributes)
    one_hot = np.eye(27, dtype=bool).reshape(27, 3, 3, 3) ^ value
    agree("LogicConvTranspose", one_hot, indices, tables, **attributes)


@settings(max_examples=25, deadline=None)
@given(
    data=st.data(),
    d=st.integers(1, 3),
    batch=st.sampled_from([0, 1, 2, 5]),
    channels=st.integers(1, 3),
    kernels=st.integers(1, 3),
    shape=st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 2), (4, 1), (2, 3)]),
    wide=st.booleans(),
    seed=st.integers(0, 999),
)
def test_any_windows_are_taken(
    agree, random_trees, data, d, batch, channels, kernels, shape, wide, seed
):
    def axes(low, highs):
        return [data.draw(st.integers(low, high)) for high in highs]

    kernel, strides, dilations = axes(1, [3] * d), axes(1, [4] * d), axes(1, [3] * d)
    reach = [t * (w - 1) for w, t in zip(kernel, dilations, strict=True)]
    attributes = {
        "strides": strides,
        "dilations": dilations,
        "pads": axes(0, reach * 2),
        "output_padding": axes(0, [s - 1 for s in strides]),
    }
    spatial = axes(1, [5] * d)
    left_out = data.draw(st.sets(st.sampled_from(["pads", "output_padding"])))
    attributes = {n: v for n, v in attributes.items() if n not in left_out}
    pads, added = attributes.get("pads", [0] * 2 * d), attributes.get("output_padding", [0] * d)
    for a, n in enumerate(spatial):
        assume((n - 1) * strides[a] + reach[a] + 1 + added[a] > pads[a] + pads[d + a])
    rng = np.random.default_rng(seed)
    indices, tables = random_trees(rng, channels * int(np.prod(kernel)), kernels, *shape)
    x = rng.random((batch, channels, *spatial)) < 0.5
    agree(
        "LogicConvTranspose",
        x,
        indices if wide else indices.astype(np.uint16),
        tables,
        kernel_shape=kernel,
        depth=shape[1],
        **attributes,
    )


INDICES, TABLES = np.array([[0, 1], [4, 5]], np.int32), trees([AND], [XOR])


def test_shapes_are_inferred_where_sizes_are_known(inferred):
    attributes = {"kernel_shape": [3, 3], "strides": [1, 2], "pads": [1, 0, 1, 0]}
    layer = ("LogicConvTranspose", ["N", 1, "H", 8], INDICES, TABLES)
    for shape in inferred(*layer, **attributes):
        assert shape == ["N", 2, None, 17]
    for shape in inferred(*layer, output_padding=[0, 1], **attributes):
        assert shape == ["N", 2, None, 18]
    layer = ("LogicConvTranspose", ["N", 2, 3], INDICES, TABLES)
    for shape in inferred(*layer, kernel_shape=[4], dilations=[2]):
        assert shape == ["N", 2, 9]


ATTRIBUTES = {"kernel_shape": [2, 2]}
X = np.zeros((3, 2, 5, 1), bool)
BAD_ATTRIBUTES = [
    ({"kernel_shape": [2, 0]}, "attribute kernel_shape: holds 0, must not be less than 1"),
    ({"kernel_shape": [1] * 4}, "attribute kernel_shape: has 4 entries, must have 1 to 3"),
    ({"strides": [1]}, "attribute strides: has 1 entries, must have 2"),
    ({"strides": [1, 0]}, "attribute strides: holds 0, must not be less than 1"),
    ({"pads": [1, 1]}, "attribute pads: has 2 entries, must have 4"),
    ({"pads": [0, 0, -1, 0]}, "attribute pads: holds -1, must not be less than 0"),
    ({"dilations": [1] * 3}, "attribute dilations: has 3 entries, must have 2"),
    ({"output_padding": [1] * 3}, "attribute output_padding: has 3 entries, must have 2"),
    ({"output_padding": [0, -1]}, "attribute output_padding: holds -1, must not be less than 0"),
    (
        {"output_padding": [0, 2], "strides": [1, 2]},
        "attribute output_padding: is 2 along axis 1, must be less than the stride, 2",
    ),
    (
        {"pads": [0, 0, 0, 2]},
        "attribute pads: holds 2 along axis 1, must not be more than 1, the window less one bit",
    ),
    ({"pads": [0, 1, 0, 1]}, "attribute pads: leave no output of the 1 bits of axis 1"),
    (
        {"kernel_shape": [2]},
        "input x: has 4 axes, must have 3: batch, channels and the 1 of the window",
    ),
    ({"depth": 0}, "attribute depth: is 0, must be at least 1"),
]


@pytest.mark.parametrize(("attributes", "expected"), BAD_ATTRIBUTES)
def test_bad_attributes_are_named(problems, attributes, expected):
    found = problems("LogicConvTranspose", X, INDICES, TABLES, **{**ATTRIBUTES, **attributes})
    assert expected in found


@pytest.mark.parametrize(("attributes", "expected"), BAD_ATTRIBUTES)
def test_bad_attributes_stop_the_run_and_not_the_process(refused, attributes, expected):
    layer = ("LogicConvTranspose", X, INDICES, TABLES)
    assert expected in refused(*layer, **{**ATTRIBUTES, **attributes})


BAD_TREES = [
    (
        INDICES + 3,
        TABLES,
        "input indices: row 1 reads bit 8 of a window of 8 bits (2 channels of [2, 2])",
    ),
    (INDICES - 1, TABLES, "input indices: holds -1, must not be negative"),
    (INDICES[0], TABLES, "input indices: has shape [2], must be [K, k^depth]"),
    (
        INDICES,
        TABLES[:1],
        "input tables: has shape [1, 1, 1], must be [2, 1, 1] for 2 kernels of 1 nodes of 2 inputs",
    ),
]


@pytest.mark.parametrize(("indices", "tables", "expected"), BAD_TREES)
def test_bad_trees_are_named(problems, indices, tables, expected):
    assert expected in problems("LogicConvTranspose", X, indices, tables, **ATTRIBUTES)


@pytest.mark.parametrize(("indices", "tables", "expected"), BAD_TREES)
def test_bad_trees_stop_the_run_and_not_the_process(refused, indices, tables, expected):
    assert expected in refused("LogicConvTranspose", X, indices, tables, **ATTRIBUTES)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"strides": [1, HUGE]}, f"attribute strides: holds {HUGE}, must not be more than"),
        ({"pads": [HUGE] * 4}, f"attribute pads: holds {HUGE}, must not be more than 2147483647"),
        (
            {"output_padding": [HUGE] * 2},
            f"attribute output_padding: holds {HUGE}, must not be more than 2147483647",
        ),
        (
            {"strides": [2**31 - 1] * 2, "output_padding": [2**31 - 2] * 2},
            "output y: has shape [3, 2, 10737418236, 2147483648], which is too large",
        ),
        (
            {"strides": [2**20] * 2, "output_padding": [0, 2**20 - 1]},
            "output y: has 4194306 x 1048577 positions on a grid of 5 x 2, neither must be more",
        ),
        (
            {"kernel_shape": [2**20] * 2, "dilations": [2**30] * 2},
            "output y: has shape [3, 2, 1125898833100805, 1125898833100801], which is too large",
        ),
    ],
)
def test_what_no_machine_can_hold_stops_the_run_and_not_the_process(refused, attributes, expected):
    layer = ("LogicConvTranspose", X, INDICES, TABLES)
    assert expected in refused(*layer, **{**ATTRIBUTES, **attributes})
