"""Wide truth tables as two-input nodes: Shannon and Davio expansion, many tables at a time.

Every table is expanded by its last input x into f = p ^ (y & q), where f0 and f1 are its halves
(x = 0 and x = 1):

- positive Davio: p = f0, y = x, q = f0 ^ f1
- negative Davio: p = f1, y = ~x, q = f0 ^ f1
- Shannon: p = f0, y = x, q = f0 ^ f1 made by one XOR node from f0 and f1

whichever is estimated to need the fewest nodes. Sub-functions that occur more than once in a table
are made once.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from lgnx.netlist.netlist import AND_KIND, XOR_KIND

POSITIVE, NEGATIVE, SHANNON = 0, 1, 2
EXACT_INPUTS = 4


@dataclass
class Recipe:
    """Nodes that make the functions of several tables, each of its own k inputs.

    Literals are those of a netlist of k inputs whose nodes belong to one table each.

    Attributes
    ----------
    k
        Number of inputs.
    owners
        int64 [n_nodes], the table that each node is for.
    kinds
        uint8 [n_nodes], 0 = AND, 1 = XOR.
    fanins
        uint32 [n_nodes, 2], literals of inputs and of smaller nodes.
    outputs
        uint32 [n_tables], literals.
    """

    k: int
    owners: np.ndarray
    kinds: np.ndarray
    fanins: np.ndarray
    outputs: np.ndarray


def decompose(tables: np.ndarray) -> Recipe:
    """Find nodes for truth tables.

    Parameters
    ----------
    tables
        bool [n, 2^k], k from 1 to 16; entry j is the output at address j.
    """
    n, size = tables.shape
    k = size.bit_length() - 1
    nodes = _Nodes(k)
    outputs = nodes.functions(tables, np.arange(n, dtype=np.int64))
    return Recipe(
        k,
        np.concatenate([*nodes.owners, np.zeros(0, np.int64)]),
        np.concatenate([*nodes.kinds, np.zeros(0, np.uint8)]),
        np.concatenate([*nodes.fanins, np.zeros((0, 2), np.uint32)]),
        outputs,
    )


@dataclass
class _Nodes:
    k: int
    owners: list[np.ndarray] = field(default_factory=list)
    kinds: list[np.ndarray] = field(default_factory=list)
    fanins: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def functions(self, bits: np.ndarray, owners: np.ndarray) -> np.ndarray:
        """Literals of functions of the first inputs, bool [n, 2^j]."""
        # Normal functions are 0 at address 0; the others are their complements.
        complement = bits[:, 0]
        bits = bits ^ complement[:, None]
        keys = owners.astype(np.uint64) << np.uint64(32) | row_ids(bits)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        literals = self._normal(bits[first], owners[first])
        return literals[inverse.ravel()] ^ complement

    def _normal(self, bits: np.ndarray, owners: np.ndarray) -> np.ndarray:
        n, size = bits.shape
        if size == 1:
            return np.zeros(n, np.uint32)
        low, high = bits[:, : size // 2], bits[:, size // 2 :]
        delta = low ^ high
        choice = _choose(low, high, delta)[:, None]
        parts = np.concatenate(
            [np.where(choice == NEGATIVE, high, low), np.where(choice == SHANNON, high, delta)]
        )
        literals = self.functions(parts, np.concatenate([owners, owners]))
        p, q = literals[:n], literals[n:]
        choice = choice.ravel()
        q = np.where(choice == SHANNON, self.node(XOR_KIND, p, q, owners, choice == SHANNON), q)
        y = np.uint32(2 * (size.bit_length() - 1)) ^ (choice == NEGATIVE)
        everywhere = np.ones(n, bool)
        product = self.node(AND_KIND, y.astype(np.uint32), q, owners, everywhere)
        return self.node(XOR_KIND, p, product, owners, everywhere)

    def node(
        self, kind: int, a: np.ndarray, b: np.ndarray, owners: np.ndarray, wanted: np.ndarray
    ) -> np.ndarray:
        """Nodes where they are wanted; none where a fan-in is constant."""
        if kind == XOR_KIND:
            result = a ^ b  # right where one of them is constant: it only complements
        else:
            result = np.where(a < 2, np.where(a == 1, b, 0), np.where(b == 1, a, 0))
        needed = np.flatnonzero(wanted & (a > 1) & (b > 1))
        self.owners.append(owners[needed])
        self.kinds.append(np.full(len(needed), kind, np.uint8))
        self.fanins.append(np.stack([a[needed], b[needed]], axis=1).astype(np.uint32))
        start = self.k + 1 + self.count
        result = result.astype(np.uint32)
        result[needed] = 2 * np.arange(start, start + len(needed), dtype=np.uint32)
        self.count += len(needed)
        return result


def row_ids(bits: np.ndarray) -> np.ndarray:
    """Number rows of bits so that equal rows, and no others, get equal numbers.

    Parameters
    ----------
    bits
        bool [n, 2^j].

    Returns
    -------
    numpy.ndarray
        uint64 [n], each below 2^32.
    """
    packed = np.packbits(bits, axis=1, bitorder="little")
    padded = np.zeros((len(bits), -(-packed.shape[1] // 4) * 4), np.uint8)
    padded[:, : packed.shape[1]] = packed
    ids = padded.view("<u4").astype(np.uint64)
    while ids.shape[1] > 1:
        pairs = ids[:, 0::2] << np.uint64(32) | ids[:, 1::2]
        _, inverse = np.unique(pairs, return_inverse=True)
        ids = inverse.reshape(pairs.shape).astype(np.uint64)
    return ids[:, 0]


def _choose(low: np.ndarray, high: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """The cheapest expansion of each function."""
    f0, f1, difference = _estimate(low), _estimate(high), _estimate(delta)
    # Only Shannon's expansion spends a node on the difference.
    costs = np.stack(
        [
            f0 + difference + _joins(low, delta),
            f1 + difference + _joins(high, delta),
            f0 + f1 + _joins(low, delta) + 1,
        ]
    )
    return np.argmin(costs, axis=0)


def _joins(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Nodes of p ^ (y & q) besides those of p and q."""
    return _varies(q).astype(np.int64) + (_varies(p) & q.any(axis=1))


def _varies(bits: np.ndarray) -> np.ndarray:
    return np.logical_and(bits.any(axis=1), ~bits.all(axis=1))


def _estimate(bits: np.ndarray) -> np.ndarray:
    """Nodes for each function: exact to four inputs, else the sum over parts of four inputs."""
    n, size = bits.shape
    width = min(size, 1 << EXACT_INPUTS)
    weights = 1 << np.arange(width, dtype=np.int64)
    tables = bits.reshape(n, -1, width) @ weights
    return _node_counts(width.bit_length() - 1)[tables].sum(axis=1)


@functools.cache
def _node_counts(k: int) -> np.ndarray:
    """Nodes that the best expansion of each function of k inputs needs, int64 [2^2^k]."""
    if k == 0:
        return np.zeros(2, np.int64)
    half = 1 << (k - 1)
    counts = _node_counts(k - 1)
    tables = np.arange(1 << (1 << k), dtype=np.int64)
    ones = (1 << half) - 1
    low, high = tables & ones, tables >> half
    delta = low ^ high

    def joins(p: np.ndarray) -> np.ndarray:
        product = (delta != 0) & (delta != ones)
        return product + ((p != 0) & (p != ones) & (delta != 0)).astype(np.int64)

    costs = [
        counts[low] + counts[delta] + joins(low),
        counts[high] + counts[delta] + joins(high),
        counts[low] + counts[high] + joins(low) + 1,
    ]
    return np.minimum.reduce(costs)
