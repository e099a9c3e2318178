"""The packed samples of difflogic's PackBitsTensor, without CUDA."""

from __future__ import annotations

import numpy as np

from lgnx.ops.errors import InputError

__all__ = ["from_words", "to_words"]

_TYPES = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def to_words(bits: np.ndarray, bit_count: int = 32) -> np.ndarray:
    """Pack samples as ``PackBitsTensor(bits, bit_count).t`` does.

    Parameters
    ----------
    bits
        bool [batch, n].
    bit_count
        8, 16, 32 or 64.

    Returns
    -------
    numpy.ndarray
        Signed integers of so many bits, [n, ceil(batch / bit_count)]: sample s of bit i is bit
        ``s % bit_count`` of word ``s // bit_count`` of row i. Unused bits are 0.

    Raises
    ------
    InputError
        If a shape, dtype or ``bit_count`` is another.
    """
    bits = np.asarray(bits)
    if bits.ndim != 2 or bits.dtype != np.bool_:
        raise InputError(
            f"bits are {bits.dtype} of shape {list(bits.shape)}, must be bool [batch, n]"
        )
    if bit_count not in _TYPES:
        raise InputError(f"bit_count is {bit_count}, must be 8, 16, 32 or 64")
    padded = np.pad(bits.T, [(0, 0), (0, -len(bits) % bit_count)])
    octets = np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little"))
    kind = np.dtype(_TYPES[bit_count])
    return octets.view(kind.newbyteorder("<")).astype(kind)


def from_words(words: np.ndarray, batch: int) -> np.ndarray:
    """Undo `to_words`: integers [n, W] of 8 to 64 bits to bool [batch, n].

    Raises
    ------
    InputError
        If the words are none of those, or too few or too many for the batch.
    """
    words = np.asarray(words)
    if words.ndim != 2 or words.dtype.kind not in "iu":
        raise InputError(
            f"words are {words.dtype} of shape {list(words.shape)}, must be integers [n, words]"
        )
    size = 8 * words.dtype.itemsize
    if words.shape[1] != -(-batch // size):
        raise InputError(
            f"there are {words.shape[1]} words of {size} bits for each bit, must be "
            f"{-(-batch // size)} for a batch of {batch}"
        )
    octets = np.ascontiguousarray(words.astype(words.dtype.newbyteorder("<"))).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=batch, bitorder="little").T.astype(bool)
