"""Simulation of a netlist in numpy, 64 samples to a word.

It is the yardstick for everything else that evaluates a network, so it uses nothing of the native
library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lgnx.ops.errors import InputError

if TYPE_CHECKING:
    from lgnx.netlist.netlist import Netlist

_STATE_BYTES = 1 << 24
_MAX_WORDS = 64
_BLOCK_BYTES = 1 << 17  # so much of the fan-ins is gathered at a time; it stays in the cache


class Simulator:
    """A netlist made ready to be simulated.

    Parameters
    ----------
    netlist
        A valid netlist.
    """

    def __init__(self, netlist: Netlist) -> None:
        self.n_inputs = netlist.n_inputs
        first = netlist.first_node
        # Nodes that can be evaluated together get neighbouring rows of the state.
        order, sizes = schedule(netlist)
        row = np.arange(first + netlist.n_nodes)
        row[first + order] = np.arange(first, first + netlist.n_nodes)
        self._first = first
        self._sources = np.ascontiguousarray(row[netlist.fanins >> 1][order].T)
        self._masks = np.ascontiguousarray(_masks(netlist.fanins)[order].T)
        is_xor = netlist.kinds[order].astype(bool)
        self._groups: list[tuple[int, int, bool]] = []
        start = 0
        for size in sizes:
            end = start + size
            middle = end - int(is_xor[start:end].sum())
            self._groups += [(start, middle, False), (middle, end, True)]
            start = end
        self._rows = first + netlist.n_nodes
        self._outputs = row[netlist.outputs >> 1]
        self._output_masks = _masks(netlist.outputs)[:, None]
        self._state = np.zeros((self._rows, 0), np.uint64)

    def run(self, bits: np.ndarray) -> np.ndarray:
        """Evaluate the network: bool [B, n_inputs] to bool [B, n_outputs].

        Raises
        ------
        InputError
            If the shape does not fit.
        """
        bits = np.asarray(bits, dtype=bool)
        if bits.ndim != 2 or bits.shape[1] != self.n_inputs:
            raise InputError(f"netlist: bits of shape {bits.shape}, must be [B, {self.n_inputs}]")
        result = np.empty((len(bits), len(self._outputs)), dtype=bool)
        step = 64 * self.words
        for start in range(0, len(bits), step):
            part = bits[start : start + step]
            out = self.run_packed(pack(part)).astype("<u8", copy=False)
            samples = np.unpackbits(out.view(np.uint8), axis=1, bitorder="little", count=len(part))
            result[start : start + len(part)] = samples.T
        return result

    @property
    def words(self) -> int:
        """Words of samples for one call of `run_packed` that suit the size of the netlist."""
        return int(np.clip(_STATE_BYTES // (8 * self._rows), 1, _MAX_WORDS))

    def run_packed(self, words: np.ndarray) -> np.ndarray:
        """Evaluate packed samples: uint64 [n_inputs, W] to uint64 [n_outputs, W]."""
        width = words.shape[1]
        if self._state.shape[1] != width:
            self._state = np.zeros((self._rows, width), np.uint64)
        state = self._state
        state[1 : self._first] = words
        self._evaluate(state, max(1, _BLOCK_BYTES // (8 * width)))
        return state[self._outputs] ^ self._output_masks

    def _evaluate(self, state: np.ndarray, block: int) -> None:
        """Fill in the rows of the nodes, whose fan-ins are gathered a block at a time."""
        left, right = np.empty((2, block, state.shape[1]), np.uint64)
        for low, high, xor in self._groups:
            for start in range(low, high, block):
                end = min(start + block, high)
                nodes = slice(start, end)
                a, b = left[: end - start], right[: end - start]
                np.take(state, self._sources[0, nodes], axis=0, out=a, mode="clip")
                np.take(state, self._sources[1, nodes], axis=0, out=b, mode="clip")
                a ^= self._masks[0, nodes, None]
                b ^= self._masks[1, nodes, None]
                rows = state[self._first + start : self._first + end]
                (np.bitwise_xor if xor else np.bitwise_and)(a, b, out=rows)


def pack(bits: np.ndarray) -> np.ndarray:
    """Pack samples: bool [B, n] to uint64 [n, ceil(B / 64)], sample s in bit s % 64."""
    words = -(-len(bits) // 64)
    packed = np.zeros((bits.shape[1], 8 * words), np.uint8)
    columns = np.packbits(bits.T, axis=1, bitorder="little")
    packed[:, : columns.shape[1]] = columns
    return packed.view("<u8").astype(np.uint64, copy=False)


def schedule(netlist: Netlist) -> tuple[np.ndarray, list[int]]:
    """Order the nodes so that groups of them can be evaluated together.

    Returns
    -------
    tuple
        int64 [n_nodes], the nodes, level by level, ANDs first in each; and the size of each level.
    """
    n = netlist.n_nodes
    # Nodes that read a node, sorted by what they read: the readers of node v lie between
    # bounds[v] and bounds[v + 1].
    read = (netlist.fanins >> 1).astype(np.int64).ravel() - netlist.first_node
    by_source = np.argsort(read, kind="stable")
    by_source = by_source[np.searchsorted(read[by_source], 0) :]
    bounds = np.searchsorted(read[by_source], np.arange(n + 1))
    readers = by_source >> 1
    waiting = (read >= 0).reshape(n, 2).sum(axis=1)
    ready = np.flatnonzero(waiting == 0)
    levels: list[np.ndarray] = []
    while len(ready):
        levels.append(ready[np.argsort(netlist.kinds[ready], kind="stable")])
        counts = bounds[ready + 1] - bounds[ready]
        skip = np.repeat(bounds[ready] - (np.cumsum(counts) - counts), counts)
        woken = readers[skip + np.arange(len(skip))]
        np.subtract.at(waiting, woken, 1)
        # Here, sorting is much faster than the hashing of np.unique.
        ready = np.sort(woken[waiting[woken] == 0])
        ready = ready[np.diff(ready, prepend=-1) > 0]
    order = np.concatenate([*levels, np.zeros(0, np.int64)])
    return order, [len(level) for level in levels]


def _masks(literals: np.ndarray) -> np.ndarray:
    """All ones where a literal is complemented."""
    return np.where(literals & 1, ~np.uint64(0), np.uint64(0)).astype(np.uint64)
