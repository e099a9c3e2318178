from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HUGE = 2**63 - 1


def test_any_bit_of_a_window_is_enough(agree):
    x = np.array([[[0, 0, 1, 0, 0, 0]]], bool)
    y = agree("OrPool", x, kernel_shape=[2])
    np.testing.assert_array_equal(y, [[[0, 1, 1, 0, 0]]])
    y = agree("OrPool", x, kernel_shape=[2], strides=[2])
    np.testing.assert_array_equal(y, [[[0, 1, 0]]])
    y = agree("OrPool", x, kernel_shape=[3], strides=[2], pads=[0, 1])
    np.testing.assert_array_equal(y, [[[1, 1, 0]]])


def test_channels_are_pooled_each_by_itself(agree):
    x = np.zeros((2, 2, 2, 4), bool)
    x[0, 1, 1, 2] = x[1, 0, 0, 1] = True
    y = agree("OrPool", x, kernel_shape=[2, 2], strides=[2, 2])
    np.testing.assert_array_equal(y[:, :, 0], [[[0, 0], [0, 1]], [[1, 0], [0, 0]]])


def test_padding_is_zero_and_may_be_uneven(agree):
    x = np.array([[[[1, 0], [0, 0]]]], bool)
    y = agree("OrPool", x, kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    np.testing.assert_array_equal(y, [[[[1, 0], [1, 0]]]])


def test_a_window_of_one_bit_changes_nothing(agree):
    x = np.random.default_rng(0).random((3, 2, 4, 5)) < 0.5
    np.testing.assert_array_equal(agree("OrPool", x, kernel_shape=[1, 1]), x)


@pytest.mark.parametrize("width", [2, 4, 6, 8, 16, 32, 64, 96])
def test_halves_of_every_width_are_pooled(kernel_agrees, width):
    rng = np.random.default_rng(width)
    for height in (2, 4, 5, 32):
        x = rng.random((3, 5, height, width)) < 0.2
        kernel_agrees("OrPool", x, kernel_shape=[2, 2], strides=[2, 2])
        kernel_agrees("OrPool", x, kernel_shape=[2, 1], strides=[2, 1])
        kernel_agrees("OrPool", x, kernel_shape=[1, 2], strides=[1, 2])


@pytest.mark.parametrize("spatial", [[1], [5], [4, 4], [3, 7], [40, 33], [2, 3, 4]])
def test_batches_of_every_size_are_taken(kernel_agrees, spatial):
    rng = np.random.default_rng(len(spatial))
    d = len(spatial)
    for batch in (0, 1, 2, 63, 64, 65):
        x = rng.random((batch, 2, *spatial)) < 0.3
        kernel_agrees("OrPool", x, kernel_shape=[3] * d, strides=[2] * d, pads=[1] * 2 * d)


@pytest.mark.parametrize("value", [False, True])
def test_constant_and_one_hot_samples_are_taken(agree, value):
    attributes = {"kernel_shape": [3, 2], "pads": [2, 1, 0, 0]}
    agree("OrPool", np.full((2, 3, 4, 4), value), **attributes)
    agree("OrPool", np.eye(48, dtype=bool).reshape(48, 3, 4, 4) ^ value, **attributes)


def test_no_channels_give_no_channels(kernel_agrees):
    kernel_agrees("OrPool", np.zeros((2, 0, 4), bool), kernel_shape=[2])


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    d=st.integers(1, 3),
    batch=st.sampled_from([0, 1, 2, 5]),
    channels=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_any_windows_are_taken(agree, data, d, batch, channels, seed):
    def axes(low, highs):
        return [data.draw(st.integers(low, high)) for high in highs]

    kernel = axes(1, [4] * d)
    attributes = {"strides": axes(1, [5] * d), "pads": axes(0, [w - 1 for w in kernel * 2])}
    for name in data.draw(st.sets(st.sampled_from(list(attributes)))):
        del attributes[name]
    pads = attributes.get("pads", [0] * 2 * d)
    least = [max(1, w - pads[a] - pads[d + a]) for a, w in enumerate(kernel)]
    spatial = [n + more for n, more in zip(least, axes(0, [6] * d), strict=True)]
    x = np.random.default_rng(seed).random((batch, channels, *spatial)) < 0.3
    agree("OrPool", x, kernel_shape=kernel, **attributes)


def test_shapes_are_inferred_where_sizes_are_known(inferred):
    attributes = {"kernel_shape": [3, 3], "strides": [1, 2], "pads": [1, 0, 1, 0]}
    for shape in inferred("OrPool", ["N", "C", "H", 8], **attributes):
        assert shape == ["N", "C", None, 3]
    for shape in inferred("OrPool", [5, 3, 7], kernel_shape=[2]):
        assert shape == [5, 3, 6]


X = np.zeros((3, 2, 5, 6), bool)
ATTRIBUTES = {"kernel_shape": [2, 2]}
BAD_ATTRIBUTES = [
    ({"kernel_shape": [2] * 4}, "attribute kernel_shape: has 4 entries, must have 1 to 3"),
    ({"kernel_shape": [2, 0]}, "attribute kernel_shape: holds 0, must not be less than 1"),
    ({"strides": [1]}, "attribute strides: has 1 entries, must have 2"),
    ({"strides": [1, 0]}, "attribute strides: holds 0, must not be less than 1"),
    ({"pads": [1, 1]}, "attribute pads: has 2 entries, must have 4"),
    ({"pads": [0, 0, -1, 0]}, "attribute pads: holds -1, must not be less than 0"),
    (
        {"pads": [0, 1, 0, 2]},
        "attribute pads: holds 2 along axis 1, must be less than the kernel's 2",
    ),
    (
        {"kernel_shape": [2, 9], "pads": [0, 1, 0, 1]},
        "attribute kernel_shape: a window of 9 bits does not fit along axis 3 of x, which has 6 "
        "bits and 1 + 1 of padding",
    ),
    (
        {"kernel_shape": [2]},
        "input x: has 4 axes, must have 3: batch, channels and the 1 of the window",
    ),
]


@pytest.mark.parametrize(("attributes", "expected"), BAD_ATTRIBUTES)
def test_bad_attributes_are_named(problems, attributes, expected):
    assert expected in problems("OrPool", X, **{**ATTRIBUTES, **attributes})


@pytest.mark.parametrize(("attributes", "expected"), BAD_ATTRIBUTES)
def test_bad_attributes_stop_the_run_and_not_the_process(refused, attributes, expected):
    assert expected in refused("OrPool", X, **{**ATTRIBUTES, **attributes})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"kernel_shape": [HUGE, 2]},
            f"attribute kernel_shape: holds {HUGE}, must not be more than 2147483647",
        ),
        ({"strides": [HUGE, 1]}, f"attribute strides: holds {HUGE}, must not be more than"),
        ({"pads": [HUGE] * 4}, f"attribute pads: holds {HUGE}, must not be more than 2147483647"),
        (
            {"kernel_shape": [2**31 - 1] * 2, "pads": [2**31 - 2] * 4},
            "output y: has shape [3, 2, 2147483651, 2147483652], which is too large",
        ),
    ],
)
def test_what_no_machine_can_hold_stops_the_run_and_not_the_process(refused, attributes, expected):
    assert expected in refused("OrPool", X, **{**ATTRIBUTES, **attributes})


def test_a_missing_window_and_an_x_of_numbers_stop_the_run(refused):
    assert "attribute kernel_shape: is missing" in refused("OrPool", X)
    message = "input x: is uint8 of shape [3, 2, 5, 6], must be bool"
    assert message in refused("OrPool", X.astype(np.uint8), **ATTRIBUTES)
