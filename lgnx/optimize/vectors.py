"""Input vectors for comparing netlists by simulation, packed as uint64 [n_inputs, words]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lgnx.netlist.netlist import Netlist
from lgnx.netlist.simulation import Simulator

# Six variables take all 64 combinations within one word.
_WITHIN_WORD = np.array(
    [
        0xAAAAAAAAAAAAAAAA,
        0xCCCCCCCCCCCCCCCC,
        0xF0F0F0F0F0F0F0F0,
        0xFF00FF00FF00FF00,
        0xFFFF0000FFFF0000,
        0xFFFFFFFF00000000,
    ],
    np.uint64,
)


def exhaustive(n_inputs: int, step: int) -> Iterator[np.ndarray]:
    """Give every input vector, ``step`` words at a time; fewer than 64 vectors are repeated."""
    n_words = 1 << max(0, n_inputs - 6)
    for start in range(0, n_words, step):
        number = np.arange(start, min(start + step, n_words))
        words = np.empty((n_inputs, len(number)), np.uint64)
        words[:6] = _WITHIN_WORD[:n_inputs, None]
        for i in range(6, n_inputs):
            words[i] = np.where(number >> (i - 6) & 1, ~np.uint64(0), np.uint64(0))
        yield words


def random(n_inputs: int, n_words: int, step: int, seed: int) -> Iterator[np.ndarray]:
    """Give random vectors, ``step`` words at a time; the first two are all zeros and all ones.

    The share of ones is the same within a word and goes from 1/16 to 15/16, since a network may
    show its differences only far from half-full inputs.
    """
    rng = np.random.default_rng(seed)
    full = np.iinfo(np.uint64).max
    for start in range(0, n_words, step):
        size = (n_inputs, min(step, n_words - start))
        words = rng.integers(0, full, size, np.uint64, endpoint=True)
        number = np.arange(start, start + size[1])
        for fewer in (1, 2, 3):  # each AND halves the share of ones
            more = rng.integers(0, full, size, np.uint64, endpoint=True)
            words &= np.where(number % 4 >= fewer, more, full)
        words ^= np.where(number // 4 % 2, full, np.uint64(0))
        if start == 0:
            words[:, 0] = words[:, 0] & ~np.uint64(3) | np.uint64(2)
        yield words


def difference(a: Netlist, b: Netlist, vectors: Iterator[np.ndarray]) -> np.ndarray | None:
    """Give the first of the packed vectors on which the outputs differ, bool [n_inputs]."""
    first, second = Simulator(a), Simulator(b)
    for words in vectors:
        wrong = np.bitwise_or.reduce(first.run_packed(words) ^ second.run_packed(words), axis=0)
        if wrong.any():
            column = int(np.argmax(wrong != 0))
            sample = int(wrong[column]) & -int(wrong[column])
            return (words[:, column] & np.uint64(sample)) != 0
    return None
