"""The corner cases that the page of the operators states, in every form of each operator."""

from __future__ import annotations

import numpy as np

INT32 = 6
X = np.array([np.nan, np.inf, -np.inf, -0.0], np.float32)
T = np.array([0.0, np.inf, -np.inf], np.float32)


def test_numbers_that_are_none_and_infinities(agree):
    assert agree("Thermometer", X, T).astype(int).tolist() == [
        [0, 0, 0],
        [1, 0, 1],
        [0, 0, 0],
        [0, 0, 1],
    ]
    assert agree("Thermometer", X, T, strict=0).astype(int).tolist() == [
        [0, 0, 0],
        [1, 1, 1],
        [0, 0, 1],
        [1, 0, 1],
    ]


def test_thresholds_keep_their_order(agree):
    y = agree("Thermometer", np.array([2], np.int8), np.array([3, 1, 1, 2], np.int8))
    assert y.astype(int).tolist() == [[0, 1, 1, 0]]


def test_a_scalar_has_a_thermometer(agree):
    assert agree("Thermometer", np.array(0.5), np.array([0.2, 0.6])).tolist() == [True, False]


def test_bits_beyond_a_table_are_not_read(agree):
    y = agree(
        "LogicDense",
        np.array([True, True]),  # no leading axes
        np.array([[0, 1], [1, 1]], np.int32),  # the second reads a bit twice
        np.array([[0x18], [0x8]], np.uint8),
    )
    assert y.tolist() == [True, True]


def test_a_window_in_the_padding_gives_what_its_table_says_of_zeros(agree):
    x, indices = np.ones((1, 1, 1), bool), np.array([[0]], np.int32)
    y = agree("LogicConv", x, indices, np.array([[[0x1]]], np.uint8), kernel_shape=[1], pads=[3, 2])
    assert y.astype(int).tolist() == [[[1, 1, 1, 0, 1, 1]]]


def test_a_tree_of_single_inputs_is_a_chain(agree):
    x = np.array([[[0, 1]]], bool)
    tables = np.array([[[0x1], [0x1], [0x1]]], np.uint8)  # NOT of NOT of NOT
    y = agree("LogicConv", x, np.array([[0]], np.int32), tables, kernel_shape=[1], depth=3)
    assert y.tolist() == [[[True, False]]]


def test_what_a_last_step_does_not_reach_is_not_read(agree):
    x = np.array([[[0, 0, 0, 1]]], bool)
    assert agree("OrPool", x, kernel_shape=[2], strides=[3]).tolist() == [[[False]]]


def test_windows_slide_over_no_samples(agree):
    x = np.zeros((0, 2, 4), bool)
    assert agree("OrPool", x, kernel_shape=[2]).shape == (0, 2, 3)
    indices, tables = np.array([[0, 3]], np.int32), np.array([[[8]]], np.uint8)
    assert agree("LogicConv", x, indices, tables, kernel_shape=[2]).shape == (0, 1, 3)
    assert agree("LogicConvTranspose", x, indices, tables, kernel_shape=[2]).shape == (0, 1, 5)


def test_scores_may_be_infinite_and_integers_wrap(agree):
    x = np.ones((1, 4), bool)
    assert np.isinf(agree("GroupSum", x, groups=2, bias=3e38, tau=0.1)).all()
    large = float(2**31 - 128)  # the largest float32 below 2^31
    y = agree("GroupSum", x, groups=2, bias=large, beta=large, dtype=INT32)
    assert y.tolist() == [[2 * (2**31 - 128) + 2 - 2**32] * 2]


def test_groups_of_no_bits_have_a_score(agree):
    y = agree("GroupSum", np.zeros((2, 0), bool), groups=2, bias=1.0, tau=4.0, beta=0.5)
    assert y.tolist() == [[0.75, 0.75]] * 2
    assert agree("BitCount", np.zeros((0, 1), np.uint64), np.array([3]), groups=2).sum() == 0


def test_bits_behind_the_last_sample_do_not_matter(agree):
    words = np.full((2, 1), 2**64 - 1, np.uint64)
    assert agree("UnpackBits", words, np.array([2])).tolist() == [[True, True]] * 2
    assert agree("BitCount", words, np.array([2]), groups=1).tolist() == [[2], [2]]


def test_packing_takes_no_samples_and_no_bits(agree):
    assert agree("PackBits", np.zeros((0, 2), bool)).shape == (2, 0)
    assert agree("PackBits", np.zeros((2, 0), bool)).shape == (0, 1)
    assert agree("UnpackBits", np.zeros((2, 0), np.uint64), np.array([0])).shape == (0, 2)


def test_integers_are_bits_of_a_network(agree):
    from lgnx.ops import OPERATORS

    (_, program, _), attributes = OPERATORS["LogicNetwork"].example
    x = np.array([[0, 2], [-1, 0]], np.int8)
    y = agree("LogicNetwork", x, program, **attributes)
    assert y.tolist() == agree("LogicNetwork", x != 0, program, **attributes).tolist()
