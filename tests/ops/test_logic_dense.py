from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def random_layer(rng, n_inputs, n, k):
    indices = rng.integers(0, n_inputs, (n, k), dtype=np.int32)
    tables = rng.integers(0, 256, (n, max(1, 2**k // 8)), dtype=np.uint8)
    return indices, tables & np.uint8(min(255, 2**2**k - 1) if k < 3 else 255)


def test_the_first_input_is_the_least_significant(agree):
    x = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    # x_0 and not x_1; x_1; not x_0 or x_1
    tables = np.array([[0b0010], [0b1100], [0b1101]], np.uint8)
    y = agree("LogicDense", x, np.array([[0, 1]] * 3, np.int32), tables)
    np.testing.assert_array_equal(y, [[0, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 1]])


def test_tables_of_more_than_a_byte_are_little_endian(agree):
    every = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(bool)
    tables = np.array([[0x01, 0x80]], np.uint8)  # ones at the addresses 0 and 15
    y = agree("LogicDense", every, np.array([[0, 1, 2, 3]], np.int32), tables)
    np.testing.assert_array_equal(np.flatnonzero(y), [0, 15])


@pytest.mark.parametrize("k", range(1, 17))
def test_every_fan_in_is_evaluated(agree, corner_bits, k):
    rng = np.random.default_rng(k)
    indices, tables = random_layer(rng, 20, 9, k)
    for x in corner_bits(20):
        agree("LogicDense", x, indices, tables)


@settings(max_examples=30, deadline=None)
@given(
    shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    width=st.integers(1, 9),
    n=st.integers(1, 70),
    k=st.integers(1, 5),
    wide=st.booleans(),
    seed=st.integers(0, 999),
)
def test_any_rank_and_width_is_taken(agree, shape, width, n, k, wide, seed):
    rng = np.random.default_rng(seed)
    indices, tables = random_layer(rng, width, n, k)
    x = rng.random((*shape[:-1], width)) < 0.5
    agree("LogicDense", x, indices if wide else indices.astype(np.uint16), tables)


INDICES, TABLES = np.array([[0, 1], [1, 2]], np.int32), np.array([[8], [6]], np.uint8)


@pytest.mark.parametrize(
    ("indices", "tables", "expected"),
    [
        (INDICES + 2, TABLES, "input indices: row 1 reads bit 4, x has 4 bits (0 to 3)"),
        (INDICES - 1, TABLES, "input indices: holds -1, must not be negative"),
        (INDICES[:, 0], TABLES, "input indices: has shape [2], must be [N, k]"),
        (INDICES[:0], TABLES[:0], "input indices: has no rows: the layer has no neurons"),
        (np.zeros((2, 17), np.int32), TABLES, "input indices: k is 17, must be 1 to 16"),
        (
            INDICES,
            TABLES[:1],
            "input tables: has shape [1, 1], must be [2, 1] for 2 neurons of 2 inputs",
        ),
        (
            INDICES,
            np.array([[8], [0x16]], np.uint8),
            "input tables: row 1 is 0x16: bits beyond the 4",
        ),
        (
            INDICES.astype(np.int64),
            TABLES,
            "input indices: is tensor(int64), must be tensor(int32)",
        ),
        (INDICES, TABLES.astype(np.int8), "input tables: is tensor(int8), must be tensor(uint8)"),
    ],
)
def test_bad_constants_are_named(problems, indices, tables, expected):
    assert expected in problems("LogicDense", np.zeros((3, 4), bool), indices, tables)


def test_bits_must_be_bool(problems):
    found = problems("LogicDense", np.zeros((3, 4), np.uint8), INDICES, TABLES)
    assert "input x: is tensor(uint8), must be tensor(bool)" in found


@pytest.mark.parametrize(
    ("indices", "tables", "word"),
    [
        (INDICES + 2, TABLES, "indices"),
        (INDICES - 1, TABLES, "indices"),
        (INDICES, TABLES[:1], "tables"),
        (INDICES[:, 0], TABLES, "indices"),
    ],
)
def test_bad_inputs_stop_the_run_and_not_the_process(refused, indices, tables, word):
    assert word in refused("LogicDense", np.zeros((3, 4), bool), indices, tables)
