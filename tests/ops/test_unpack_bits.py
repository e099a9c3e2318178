from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.ops import OPERATORS


def test_bits_go_back_to_samples(agree):
    words = np.array([[1, 2], [1 << 63, 0]], np.uint64)
    bits = agree("UnpackBits", words, np.array([66]))
    np.testing.assert_array_equal(np.argwhere(bits), [[0, 0], [63, 1], [65, 0]])


def test_bits_after_the_last_sample_do_not_matter(agree):
    words = np.full((2, 1), 2**64 - 1, np.uint64)
    assert agree("UnpackBits", words, np.array([3])).shape == (3, 2)


@pytest.mark.parametrize("width", [1, 7, 64, 130])
def test_unpacking_undoes_packing(agree, corner_bits, width):
    for x in corner_bits(width):
        words = OPERATORS["PackBits"].reference(x)
        np.testing.assert_array_equal(agree("UnpackBits", words, np.array([len(x)])), x)


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(0, 700), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_words(agree, batch, width, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**64, (width, -(-batch // 64)), np.uint64)
    agree("UnpackBits", words, np.array([batch]))


@pytest.mark.parametrize("batch", [[64], [129], [-1], [2**62], [65, 65], []])
def test_a_batch_that_does_not_fit_the_words_stops_the_run(refused, batch):
    message = refused("UnpackBits", np.zeros((3, 2), np.uint64), np.array(batch, np.int64))
    assert "batch" in message


def test_the_reference_refuses_a_batch_that_does_not_fit():
    with pytest.raises(ValueError, match="batch is 129, which does not fit 2 words of 64 samples"):
        OPERATORS["UnpackBits"].reference(np.zeros((3, 2), np.uint64), np.array([129]))
