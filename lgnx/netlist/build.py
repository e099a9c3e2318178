"""Building a netlist from arrays of literals, many nodes at a time."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.decompose import Recipe, decompose, row_ids
from lgnx.netlist.gates import MAX_GATE_INPUTS, gates_of_tables
from lgnx.netlist.netlist import AND_KIND, XOR_KIND, Netlist
from lgnx.ops.errors import LgnxError
from lgnx.ops.tables import unpack_tables

TRUE = np.uint32(1)
MAX_VARIABLES = 1 << 31
_TABLE_BITS = 1 << 24  # tables are decomposed in portions of this size, to bound memory


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

    @staticmethod
    def from_netlist(netlist: Netlist) -> tuple[NetlistBuilder, np.ndarray]:
        """Start from the nodes of a netlist; also gives the literals of its outputs."""
        builder = NetlistBuilder(netlist.n_inputs)
        builder._append(netlist.kinds, netlist.fanins)
        return builder, netlist.outputs

    @property
    def n_nodes(self) -> int:
        """Nodes so far."""
        return self._n_nodes

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
        return self.not_(self.and_(self.not_(a), self.not_(b)))

    def not_(self, a: np.ndarray) -> np.ndarray:
        """NOT, which takes no node."""
        return np.asarray(a, np.uint32) ^ TRUE

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
        if k <= MAX_GATE_INPUTS:
            return self._gates(tables[:, 0], literals)
        result = np.zeros(n, np.uint32)
        if not n:
            return result
        bits = unpack_tables(tables, k)
        _, first, groups = np.unique(row_ids(bits), return_index=True, return_inverse=True)
        order = np.argsort(groups.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(groups.ravel(), minlength=len(first)))
        step = max(1, _TABLE_BITS >> k)
        for start in range(0, len(first), step):
            end = min(start + step, len(first))
            recipe = decompose(bits[first[start:end]])
            members = order[ends[start - 1] if start else 0 : ends[end - 1]]
            sizes = np.diff(ends[start:end], prepend=ends[start - 1] if start else 0)
            result[members] = self._follow(recipe, literals[members], sizes)
        return result

    def embed(self, netlist: Netlist, literals: np.ndarray) -> np.ndarray:
        """Append a netlist's nodes, with literals in the place of its inputs.

        Parameters
        ----------
        netlist
            What to append.
        literals
            uint32 [netlist.n_inputs].

        Returns
        -------
        numpy.ndarray
            uint32 [netlist.n_outputs].
        """
        moved = np.zeros(netlist.first_node + netlist.n_nodes, np.uint32)
        moved[1 : netlist.first_node] = literals
        first = self.n_inputs + 1 + self._n_nodes
        moved[netlist.first_node :] = 2 * np.arange(first, first + netlist.n_nodes, dtype=np.uint32)
        self._append(netlist.kinds, moved[netlist.fanins >> 1] ^ (netlist.fanins & 1))
        return moved[netlist.outputs >> 1] ^ (netlist.outputs & 1)

    def finish(self, outputs: np.ndarray) -> Netlist:
        """Give the netlist with these output literals."""
        kinds = np.concatenate([*self._kinds, np.zeros(0, np.uint8)])
        fanins = np.concatenate([*self._fanins, np.zeros((0, 2), np.uint32)])
        return Netlist(self.n_inputs, kinds, fanins, np.asarray(outputs, np.uint32).ravel())

    def _nodes(self, kind: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = np.broadcast_arrays(np.asarray(a, np.uint32), np.asarray(b, np.uint32))
        first = self._append(
            np.full(a.size, kind, np.uint8), np.stack([a.ravel(), b.ravel()], axis=1)
        )
        return (2 * np.arange(first, first + a.size, dtype=np.uint32)).reshape(a.shape)

    def _append(self, kinds: np.ndarray, fanins: np.ndarray) -> int:
        """Append nodes and give the variable of the first."""
        first = self.n_inputs + 1 + self._n_nodes
        self._n_nodes += len(kinds)
        if first + len(kinds) > MAX_VARIABLES:
            raise LgnxError(
                f"netlist: more than {MAX_VARIABLES} variables, which literals cannot number"
            )
        self._kinds.append(kinds)
        self._fanins.append(fanins)
        return first

    def _gates(self, tables: np.ndarray, literals: np.ndarray) -> np.ndarray:
        """Gates of one or two inputs: a node each, or none.

        ``tables`` uint8 [n], ``literals`` uint32 [n, 1 or 2].
        """
        gates = gates_of_tables(literals.shape[1])
        # Bits beyond the table do not count. `take` is several times as fast as indexing here.
        tables = (tables & np.uint8(len(gates.kinds) - 1)).astype(np.intp)
        # Where no node is needed, the output is a constant or one of the inputs.
        result = gates.complement.take(tables)
        passed = gates.passes.take(tables, axis=0)
        passed &= literals
        for column in passed.T:
            result ^= column
        made = np.flatnonzero(gates.needs_node.take(tables))
        if len(made):
            used = tables.take(made)
            fanins = literals.take(made, axis=0)
            fanins ^= gates.flips.take(used, axis=0)
            first = self._append(gates.kinds.take(used), fanins)
            result[made] ^= np.arange(2 * first, 2 * (first + len(made)), 2, dtype=np.uint32)
        return result

    def _follow(self, recipe: Recipe, literals: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Build gates from a recipe.

        ``literals`` [n, k] are their inputs, all gates of the first table first; ``sizes`` says
        how many there are of each table.
        """
        starts = np.cumsum(sizes) - sizes
        # Each node of the recipe becomes a row of nodes, one for each gate of its table.
        widths = sizes[recipe.owners]
        offsets = np.cumsum(widths) - widths
        row = np.repeat(np.arange(len(widths)), widths)
        rank = np.arange(len(row)) - offsets[row]
        base = self.n_inputs + 1 + self._n_nodes

        def resolve(relative: np.ndarray, gates: np.ndarray, ranks: np.ndarray) -> np.ndarray:
            variables = relative >> 1
            own = variables > recipe.k
            made = np.zeros(len(relative), np.uint32)
            made[own] = 2 * (base + offsets[variables[own] - recipe.k - 1] + ranks[own])
            read = np.flatnonzero((variables > 0) & ~own)
            made[read] = literals[gates[read], variables[read] - 1]
            return made ^ (relative & 1)

        gates = starts[recipe.owners[row]] + rank
        sides = [resolve(recipe.fanins[row, side], gates, rank) for side in (0, 1)]
        self._append(recipe.kinds[row], np.stack(sides, axis=1))
        table = np.repeat(np.arange(len(sizes)), sizes)
        every = np.arange(len(table))
        return resolve(recipe.outputs[table], every, every - starts[table])
