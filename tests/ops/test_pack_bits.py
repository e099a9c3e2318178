from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_samples_go_to_bits_and_bits_to_rows(agree):
    x = np.zeros((66, 2), bool)
    x[0, 0] = x[65, 0] = x[63, 1] = True
    words = agree("PackBits", x)
    assert words.dtype == np.uint64
    np.testing.assert_array_equal(words, np.array([[1, 2], [1 << 63, 0]], np.uint64))


@pytest.mark.parametrize("width", [1, 7, 64, 130])
def test_corner_batches(agree, corner_bits, width):
    for x in corner_bits(width):
        agree("PackBits", x)


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(0, 700), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_batch(agree, batch, width, seed):
    agree("PackBits", np.random.default_rng(seed).random((batch, width)) < 0.5)


def test_only_a_matrix_of_bits_is_taken(problems, refused):
    assert "input x" in problems("PackBits", np.zeros((2, 3, 4), bool), out=np.uint64)
    assert "input x: is tensor(uint8)" in problems("PackBits", np.zeros((2, 3), np.uint8))
    assert "must be bool of shape [B, N]" in refused(
        "PackBits", np.zeros((2, 3, 4), bool), out=np.uint64
    )
