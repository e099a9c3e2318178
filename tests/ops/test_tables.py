from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgnx.ops.tables import pack_tables, table_bytes, unpack_tables


def test_entry_j_is_bit_j():
    bits = np.zeros((1, 16), bool)
    bits[0, [1, 15]] = True
    np.testing.assert_array_equal(pack_tables(bits), [[0x02, 0x80]])
    np.testing.assert_array_equal(pack_tables(np.array([0, 0, 0, 1])), [0x8])  # AND


@pytest.mark.parametrize(("k", "size"), [(1, 1), (2, 1), (3, 1), (4, 2), (6, 8), (16, 8192)])
def test_bytes_of_a_table(k, size):
    assert table_bytes(k) == size
    assert pack_tables(np.zeros((3, 2**k))).shape == (3, size)


@given(k=st.integers(1, 8), n=st.integers(0, 5), seed=st.integers(0, 99))
def test_unpacking_undoes_packing(k, n, seed):
    bits = np.random.default_rng(seed).random((n, 2**k)) < 0.5
    np.testing.assert_array_equal(unpack_tables(pack_tables(bits), k), bits)
