"""Truth tables of k inputs, packed into bytes: bit j is the output at address j = sum x_i << i."""

from __future__ import annotations

import numpy as np

MAX_INPUTS = 16


def table_bytes(k: int) -> int:
    """Bytes of one packed table of ``k`` inputs: max(1, 2^k / 8)."""
    return max(1, (1 << k) // 8)


def pack_tables(bits: np.ndarray) -> np.ndarray:
    """Pack truth tables.

    Parameters
    ----------
    bits
        bool or 0/1, shape [..., 2^k]; entry j is the output at address j (x_0 least significant).

    Returns
    -------
    numpy.ndarray
        uint8, shape [..., max(1, 2^k / 8)], little-endian bit order; unused bits are 0.
    """
    return np.packbits(np.asarray(bits).astype(bool), axis=-1, bitorder="little")


def unpack_tables(tables: np.ndarray, k: int) -> np.ndarray:
    """Undo `pack_tables`: uint8 [..., nb] to bool [..., 2^k]."""
    bits = np.unpackbits(np.asarray(tables, dtype=np.uint8), axis=-1, bitorder="little")
    return bits[..., : 1 << k].astype(bool)
