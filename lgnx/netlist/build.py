"""Building a netlist from arrays of literals, many nodes at a time."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.netlist import AND_KIND, XOR_KIND, Netlist
from lgnx.ops.tables import unpack_tables

FALSE, TRUE = np.uint32(0), np.uint32(1)


class NetlistBuilder:
    """Appends nodes to a netlist.

    The methods take and give arrays of literals (uint32) of one shape. Nodes are made as asked:
    apart from gates that need none, nothing is simplified; that is the optimiser's work.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self._kinds: list[np.ndarray] = []
        self._fanins: list[np.ndarray] = []
        self._n_nodes = 0

    def inputs(self) -> np.ndarray:
        """Literals of the inputs, uint32 [n_inputs]."""
        return 2 * np.arange(1, self.n_inputs + 1, dtype=np.uint32)

    def and_(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """AND, element by element."""
        return self._nodes(AND_KIND, a, b)

    def xor(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """XOR, element by element."""
        return self._nodes(XOR_KIND, a, b)

    def or_(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """OR, element by element."""
        return self.and_(_not(a), _not(b)) ^ TRUE

    def mux(self, select: np.ndarray, if_true: np.ndarray, if_false: np.ndarray) -> np.ndarray:
        """``if_true`` where ``select`` is 1, else ``if_false``."""
        return self.xor(if_false, self.and_(select, self.xor(if_true, if_false)))

    def lut(self, tables: np.ndarray, literals: np.ndarray) -> np.ndarray:
        """Truth tables, each with its own inputs.

        Gates of one and two inputs take at most one node. Wider ones are decomposed once for each
        distinct table, then built for all gates that share it.

        Parameters
        ----------
        tables
            uint8 [N, max(1, 2^k / 8)].
        literals
            uint32 [N, k]; column 0 is x_0.

        Returns
        -------
        numpy.ndarray
            uint32 [N], the outputs.
        """
        n, k = literals.shape
        result = np.zeros(n, np.uint32)
        if not n:
            return result
        distinct, group = np.unique(tables, axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(group.ravel(), minlength=len(distinct)))
        bits = unpack_tables(distinct, k)
        for row, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            members = order[start:end]
            known: dict[bytes, np.ndarray] = {}
            result[members] = self._function(bits[row], literals[members].T, known)
        return result

    def finish(self, outputs: np.ndarray) -> Netlist:
        """Give the netlist with these output literals."""
        kinds = np.concatenate([*self._kinds, np.zeros(0, np.uint8)])
        fanins = np.concatenate([*self._fanins, np.zeros((0, 2), np.uint32)])
        return Netlist(self.n_inputs, kinds, fanins, np.asarray(outputs, np.uint32).ravel())

    def _nodes(self, kind: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = np.broadcast_arrays(np.asarray(a, np.uint32), np.asarray(b, np.uint32))
        self._kinds.append(np.full(a.size, kind, np.uint8))
        self._fanins.append(np.stack([a.ravel(), b.ravel()], axis=1))
        first = self.n_inputs + 1 + self._n_nodes
        self._n_nodes += a.size
        return (2 * np.arange(first, first + a.size, dtype=np.uint32)).reshape(a.shape)

    def _function(
        self, bits: np.ndarray, inputs: np.ndarray, known: dict[bytes, np.ndarray]
    ) -> np.ndarray:
        """One function of ``inputs`` [k, n]; ``known`` holds its sub-functions built so far.

        Expands by the last input, x: f = f0 ^ x (f0 ^ f1), after Shannon and Davio, with f0 and
        f1 the halves of the table.
        """
        if not bits.any():
            return np.zeros(inputs.shape[1], np.uint32)
        if bits[0]:  # normal functions are 0 at address 0; the others are their complements
            return self._function(~bits, inputs, known) ^ TRUE
        low, high = bits[: len(bits) // 2], bits[len(bits) // 2 :]
        if len(low) and np.array_equal(low, high):
            return self._function(low, inputs[:-1], known)
        key = bits.tobytes()
        if key in known:
            return known[key]
        x = inputs[-1]
        if len(bits) == 2:
            result = x
        elif np.array_equal(low, ~high):
            result = self.xor(x, self._function(low, inputs[:-1], known))
        elif not low.any():
            result = x if high.all() else self.and_(x, self._function(high, inputs[:-1], known))
        elif not high.any():
            result = self.and_(x ^ TRUE, self._function(low, inputs[:-1], known))
        elif high.all():
            result = self.or_(x, self._function(low, inputs[:-1], known))
        else:
            f0 = self._function(low, inputs[:-1], known)
            f1 = self._function(high, inputs[:-1], known)
            result = self.mux(x, f1, f0)
        known[key] = result
        return result


def _not(literals: np.ndarray) -> np.ndarray:
    return np.asarray(literals, np.uint32) ^ TRUE
