from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HUGE = 2**63 - 1

AND, XOR, OR, SAME = 0x8, 0x6, 0xE, 0x2


def trees(*kernels: list[int]) -> np.ndarray:
    return np.array(kernels, np.uint8)[..., None]


def test_a_tree_slides_over_a_row(agree):
    x = np.array([[[0, 1, 1, 0, 1]]], bool)
    # (left and middle) or (middle xor right)
    y = agree(
        "LogicConv",
        x,
        np.array([[0, 1, 1, 2]], np.int32),
        trees([AND, XOR, OR]),
        kernel_shape=[3],
        pads=[1, 1],
        depth=2,
    )
    np.testing.assert_array_equal(y, [[[1, 0, 1, 1, 1]]])


def test_each_kernel_has_its_tables(agree):
    x = np.array([[[0, 0, 1, 1]], [[1, 0, 1, 0]]], bool)
    indices = np.array([[0, 1], [0, 1], [1, 0]], np.int32)
    y = agree("LogicConv", x, indices, trees([AND], [XOR], [0x4]), kernel_shape=[2])
    np.testing.assert_array_equal(y[0], [[0, 0, 1], [0, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(y[1], [[0, 0, 0], [1, 1, 1], [1, 0, 1]])


def test_the_window_is_numbered_channel_first_and_the_last_axis_fastest(agree):
    shape = (2, 2, 3)
    one_hot = np.eye(12, dtype=bool).reshape(12, *shape)
    indices = np.arange(12, dtype=np.int32)[:, None]
    y = agree("LogicConv", one_hot, indices, trees(*[[SAME]] * 12), kernel_shape=[2, 3])
    np.testing.assert_array_equal(y[:, :, 0, 0], np.eye(12))


def test_padding_is_zero_and_may_be_uneven(agree):
    x = np.ones((1, 1, 2, 2), bool)
    y = agree(
        "LogicConv",
        x,
        np.array([[0]], np.int32),
        trees([SAME]),
        kernel_shape=[1, 1],
        pads=[1, 0, 0, 2],
    )
    np.testing.assert_array_equal(y[0, 0], [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]])


def test_strides_and_dilations_select_bits(agree):
    x = np.zeros((1, 1, 9), bool)
    x[0, 0, [0, 4, 8]] = True
    y = agree(
        "LogicConv",
        x,
        np.array([[0], [1]], np.int32),
        trees([SAME], [SAME]),
        kernel_shape=[2],
        strides=[2],
        dilations=[4],
    )
    np.testing.assert_array_equal(y[0], [[1, 0, 1], [1, 0, 1]])


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7, 8])
def test_every_fan_in_and_depth_is_evaluated(agree, random_trees, k, depth):
    rng = np.random.default_rng(k)
    x = rng.random((3, 2, 4, 3)) < 0.5
    indices, tables = random_trees(rng, 12, 3, k, depth)
    agree("LogicConv", x, indices, tables, kernel_shape=[3, 2], pads=[1, 0, 1, 1], depth=depth)


@pytest.mark.parametrize("k", range(9, 17))
def test_wide_tables_are_evaluated(kernel_agrees, random_trees, k):
    rng = np.random.default_rng(k)
    x = rng.random((3, 2, 4, 3)) < 0.5
    kernel_agrees("LogicConv", x, *random_trees(rng, 12, 3, k, 1), kernel_shape=[3, 2])


@pytest.mark.parametrize(("k", "depth"), [(1, 9), (2, 3), (2, 6), (3, 3), (2, 9)])
def test_deep_trees_are_evaluated(agree, random_trees, k, depth):
    rng = np.random.default_rng(depth)
    x = rng.random((2, 3, 5, 4)) < 0.5
    indices, tables = random_trees(rng, 27, 2, k, depth)
    agree("LogicConv", x, indices, tables, kernel_shape=[3, 3], pads=[1] * 4, depth=depth)


@pytest.mark.parametrize("spatial", [[1], [5], [4, 4], [8, 8], [3, 7], [32, 33], [2, 3, 4]])
def test_batches_of_every_size_are_taken(kernel_agrees, random_trees, spatial):
    d = len(spatial)
    rng = np.random.default_rng(d)
    indices, tables = random_trees(rng, 2 * 3**d, 3, 2, 2)
    for batch in (0, 1, 2, 63, 64, 65):
        if batch > 2 and np.prod(spatial) > 100:
            continue
        x = rng.random((batch, 2, *spatial)) < 0.5
        kernel_agrees(
            "LogicConv", x, indices, tables, kernel_shape=[3] * d, pads=[1] * 2 * d, depth=2
        )


@pytest.mark.parametrize("value", [False, True])
def test_constant_and_one_hot_samples_are_taken(agree, random_trees, value):
    indices, tables = random_trees(np.random.default_rng(3), 27, 4, 2, 2)
    attributes = {"kernel_shape": [3, 3], "pads": [1] * 4, "depth": 2}
    agree("LogicConv", np.full((2, 3, 4, 4), value), indices, tables, **attributes)
    one_hot = np.eye(48, dtype=bool).reshape(48, 3, 4, 4) ^ value
    agree("LogicConv", one_hot, indices, tables, **attributes)


def test_kernels_that_read_few_channels_of_many(kernel_agrees, random_trees):
    rng = np.random.default_rng(5)
    indices, tables = random_trees(rng, 18, 90, 2, 3)
    indices += 9 * rng.integers(0, 29, (90, 1), dtype=np.int32)  # two neighbouring channels each
    x = rng.random((7, 30, 8, 8)) < 0.5
    kernel_agrees("LogicConv", x, indices, tables, kernel_shape=[3, 3], pads=[1] * 4, depth=3)


@st.composite
def windows(draw):
    """Spatial sizes, and attributes of which any but the first may be left out."""
    d = draw(st.integers(1, 3))

    def axes(low, high, n=d):
        return draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    kernel, dilations = axes(1, 3), axes(1, 3)
    attributes = {"strides": axes(1, 4), "pads": axes(0, 3, 2 * d), "dilations": dilations}
    for name in draw(st.sets(st.sampled_from(list(attributes)))):
        del attributes[name]
    pads = attributes.get("pads", [0] * 2 * d)
    reach = [1 + t * (w - 1) for w, t in zip(kernel, dilations, strict=True)]
    smallest = [max(1, r - pads[a] - pads[d + a]) for a, r in enumerate(reach)]
    spatial = [n + more for n, more in zip(smallest, axes(0, 5), strict=True)]
    return spatial, {"kernel_shape": kernel, **attributes}


@settings(max_examples=25, deadline=None)
@given(
    window=windows(),
    batch=st.sampled_from([0, 1, 2, 5]),
    channels=st.integers(1, 3),
    kernels=st.integers(1, 3),
    shape=st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 2), (4, 1), (2, 3)]),
    wide=st.booleans(),
    seed=st.integers(0, 999),
)
def test_any_windows_are_taken(
    agree, random_trees, window, batch, channels, kernels, shape, wide, seed
):
    spatial, attributes = window
    rng = np.random.default_rng(seed)
    width = channels * int(np.prod(attributes["kernel_shape"]))
    indices, tables = random_trees(rng, width, kernels, *shape)
    x = rng.random((batch, channels, *spatial)) < 0.5
    agree(
        "LogicConv",
        x,
        indices if wide else indices.astype(np.uint16),
        tables,
        depth=shape[1],
        **attributes,
    )


INDICES, TABLES = np.array([[0, 1], [4, 5]], np.int32), trees([AND], [XOR])


def test_shapes_are_inferred_where_sizes_are_known(inferred):
    attributes = {"kernel_shape": [3, 3], "strides": [1, 2], "pads": [1, 0, 1, 0]}
    for shape in inferred("LogicConv", ["N", 1, "H", 8], INDICES, TABLES, **attributes):
        assert shape == ["N", 2, None, 3]
    for shape in inferred("LogicConv", [5, 1, 7, "W"], INDICES, TABLES, **attributes):
        assert shape == [5, 2, 7, None]
    layer = ("LogicConv", ["N", 2, 9], INDICES, TABLES)
    for shape in inferred(*layer, kernel_shape=[4], dilations=[2]):
        assert shape == ["N", 2, 3]


BAD_ATTRIBUTES = [
    ({"kernel_shape": [2] * 4}, "attribute kernel_shape: has 4 entries, must have 1 to 3"),
    ({"kernel_shape": [2, 0]}, "attribute kernel_shape: holds 0, must not be less than 1"),
    ({"strides": [1]}, "attribute strides: has 1 entries, must have 2"),
    ({"strides": [1, 0]}, "attribute strides: holds 0, must not be less than 1"),
    ({"pads": [1, 1]}, "attribute pads: has 2 entries, must have 4"),
    ({"pads": [0, 0, -1, 0]}, "attribute pads: holds -1, must not be less than 0"),
    ({"dilations": [1] * 3}, "attribute dilations: has 3 entries, must have 2"),
    ({"dilations": [-1, 1]}, "attribute dilations: holds -1, must not be less than 1"),
    ({"depth": 0}, "attribute depth: is 0, must be at least 1"),
    ({"depth": -HUGE}, f"attribute depth: is -{HUGE}, must be at least 1"),
    (
        {"kernel_shape": [2]},
        "input x: has 4 axes, must have 3: batch, channels and the 1 of the window",
    ),
    (
        {"dilations": [1, 9], "pads": [0, 1, 0, 2]},
        "attribute kernel_shape: a window of 10 bits does not fit along axis 3 of x, which has 6 "
        "bits and 1 + 2 of padding",
    ),
    (
        {"depth": 2},
        "input indices: has 2 columns, must have k^2, the leaves of a tree of depth 2, for a k "
        "from 1 to 16, and at most 65536",
    ),
    (
        {"depth": 2**40},
        f"input indices: has 2 columns, must have k^{2**40}, the leaves of a tree of depth "
        f"{2**40}, for a k from 1 to 16, and at most 65536",
    ),
]
ATTRIBUTES = {"kernel_shape": [2, 2]}
X = np.zeros((3, 2, 5, 6), bool)


@pytest.mark.parametrize(("attributes", "expected"), BAD_ATTRIBUTES)
def test_bad_attributes_are_named(problems, attributes, expected):
    assert expected in problems("LogicConv", X, INDICES, TABLES, **{**ATTRIBUTES, **attributes})


@pytest.mark.parametrize(("attributes", "expected"), BAD_ATTRIBUTES)
def test_bad_attributes_stop_the_run_and_not_the_process(refused, attributes, expected):
    assert expected in refused("LogicConv", X, INDICES, TABLES, **{**ATTRIBUTES, **attributes})


BAD_TREES = [
    (INDICES[0], TABLES, "input indices: has shape [2], must be [K, k^depth]"),
    (INDICES[:0], TABLES[:0], "input indices: has no rows: the layer has no kernels"),
    (
        np.zeros((2, 17), np.int32),
        TABLES,
        "input indices: has 17 columns, must have k^1, the leaves of a tree of depth 1, for a k "
        "from 1 to 16, and at most 65536",
    ),
    (INDICES - 2, TABLES, "input indices: holds -2, must not be negative"),
    (
        INDICES + 3,
        TABLES,
        "input indices: row 1 reads bit 8 of a window of 8 bits (2 channels of [2, 2])",
    ),
    (
        INDICES,
        TABLES[:1],
        "input tables: has shape [1, 1, 1], must be [2, 1, 1] for 2 kernels of 1 nodes of 2 inputs",
    ),
    (
        np.zeros((1, 4), np.int32),
        np.zeros((1, 3, 1), np.uint8),
        "input tables: has shape [1, 3, 1], must be [1, 1, 2] for 1 kernels of 1 nodes of 4 inputs",
    ),
]


@pytest.mark.parametrize(
    ("indices", "tables", "expected"),
    [
        *BAD_TREES,
        (
            INDICES,
            TABLES + np.uint8(16),
            "input tables: kernel 0, node 0 is 0x18: bits beyond the 4 of a table of 2 inputs must "
            "be 0",
        ),
        (
            INDICES.astype(np.int64),
            TABLES,
            "input indices: is tensor(int64), must be tensor(int32)",
        ),
        (INDICES, TABLES.astype(np.int8), "input tables: is tensor(int8), must be tensor(uint8)"),
    ],
)
def test_bad_trees_are_named(problems, indices, tables, expected):
    assert expected in problems("LogicConv", X, indices, tables, **ATTRIBUTES)


@pytest.mark.parametrize(
    ("indices", "tables", "expected"),
    [
        *BAD_TREES,
        (
            INDICES.astype(np.int64),
            TABLES,
            "input indices: is int64 of shape [2, 2], must be int32 or uint16",
        ),
        (
            INDICES,
            TABLES.astype(np.int8),
            "input tables: is int8 of shape [2, 1, 1], must be uint8",
        ),
    ],
)
def test_bad_trees_stop_the_run_and_not_the_process(refused, indices, tables, expected):
    assert expected in refused("LogicConv", X, indices, tables, **ATTRIBUTES)


def test_a_window_of_more_bits_than_an_integer_counts_is_checked(problems, refused):
    large = {"kernel_shape": [2**31 - 1] * 3}
    x = np.zeros((1, 1, 2, 2, 2), bool)
    expected = "attribute kernel_shape: a window of 2147483647 bits does not fit along axis 2"
    assert expected in problems("LogicConv", x, INDICES, TABLES, **large)
    assert expected in refused("LogicConv", x, INDICES, TABLES, **large)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"kernel_shape": [HUGE, 2]},
            f"attribute kernel_shape: holds {HUGE}, must not be more than 2147483647",
        ),
        ({"strides": [1, HUGE]}, f"attribute strides: holds {HUGE}, must not be more than"),
        ({"pads": [HUGE] * 4}, f"attribute pads: holds {HUGE}, must not be more than 2147483647"),
        ({"dilations": [HUGE, HUGE]}, f"attribute dilations: holds {HUGE}, must not be more than"),
        (
            {"pads": [2**30] * 4},
            "output y: has shape [3, 2, 2147483652, 2147483653], which is too large",
        ),
        (
            {"pads": [2**20] * 4},
            "output y: has 2097156 x 2097157 positions on a grid of 2097156 x 2097157, neither "
            "must be more than 4294967296",
        ),
        ({"strides": 2}, "attribute strides: has 0 entries, must have 2"),
        ({"kernel_shape": 2}, "attribute kernel_shape: has 0 entries, must have 1 to 3"),
    ],
)
def test_what_no_machine_can_hold_stops_the_run_and_not_the_process(refused, attributes, expected):
    assert expected in refused("LogicConv", X, INDICES, TABLES, **{**ATTRIBUTES, **attributes})


def test_a_missing_window_and_an_x_of_numbers_stop_the_run(refused):
    assert "attribute kernel_shape: is missing" in refused("LogicConv", X, INDICES, TABLES)
    bytes_of_x = X.astype(np.uint8)
    assert "input x: is uint8 of shape [3, 2, 5, 6], must be bool" in refused(
        "LogicConv", bytes_of_x, INDICES, TABLES, **ATTRIBUTES
    )
