from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_rows_of_a_group_are_counted_for_each_sample(agree):
    words = np.array([[0b011], [0b110], [0b001], [0b000]], np.uint64)
    counts = agree("BitCount", words, np.array([3]), groups=2)
    assert counts.dtype == np.int32
    np.testing.assert_array_equal(counts, [[1, 1], [2, 0], [1, 0]])


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65])
@pytest.mark.parametrize(("rows", "groups"), [(1, 1), (6, 3), (600, 2), (1030, 10)])
def test_corner_batches(agree, batch, rows, groups):
    n_words = -(-batch // 64)
    batch = np.array([batch])
    for fill in (0, 2**64 - 1):
        agree("BitCount", np.full((rows, n_words), fill, np.uint64), batch, groups=groups)
    words = np.random.default_rng(rows).integers(0, 2**64, (rows, n_words), np.uint64)
    agree("BitCount", words, batch, groups=groups)


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(0, 700),
    groups=st.integers(1, 5),
    size=st.integers(1, 130),
    seed=st.integers(0, 99),
)
def test_any_group(agree, batch, groups, size, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**64, (groups * size, -(-batch // 64)), np.uint64)
    agree("BitCount", words, np.array([batch]), groups=groups)


def test_groups_must_divide(problems, refused):
    words, batch = np.zeros((6, 1), np.uint64), np.array([5])
    assert "groups: is 4" in problems("BitCount", words, batch, groups=4, out=np.int32)
    assert "groups" in refused("BitCount", words, batch, groups=4, out=np.int32)
    assert "groups" in refused("BitCount", words, batch, groups=-1, out=np.int32)


@pytest.mark.parametrize("batch", [[64], [129], [-1], [2**62]])
def test_a_batch_that_does_not_fit_the_words_stops_the_run(refused, batch):
    words = np.zeros((3, 2), np.uint64)
    assert "batch" in refused("BitCount", words, np.array(batch), groups=3, out=np.int32)
