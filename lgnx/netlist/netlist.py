"""The netlist: a topologically ordered XOR-AND graph with complemented literals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lgnx.netlist.simulation import Simulator
from lgnx.ops import engine
from lgnx.ops.errors import LgnxError
from lgnx.ops.gates import AND, AND_NOT, NOR, XOR
from lgnx.ops.program import Program, Run

AND_KIND, XOR_KIND = 0, 1


@dataclass(frozen=True)
class Netlist:
    """A Boolean network.

    Literals are numbered as in AIGER: literal = 2 * variable + complement. Variable 0 is constant
    false, so literals 0 and 1 are false and true; variables 1 to n_inputs are the inputs;
    variable n_inputs + 1 + i is node i.

    Attributes
    ----------
    n_inputs
        Number of inputs.
    kinds
        uint8 [n_nodes]: 0 = AND, 1 = XOR.
    fanins
        uint32 [n_nodes, 2]: literals of variables smaller than the node's own.
    outputs
        uint32 [n_outputs]: literals.
    """

    n_inputs: int
    kinds: np.ndarray
    fanins: np.ndarray
    outputs: np.ndarray

    @property
    def n_nodes(self) -> int:
        """Number of AND and XOR nodes."""
        return len(self.kinds)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self.outputs)

    @property
    def first_node(self) -> int:
        """Variable of node 0."""
        return self.n_inputs + 1

    def validate(self) -> None:
        """Check shapes, dtypes, kinds and ranges.

        Raises
        ------
        LgnxError
            Naming the first thing that is wrong.
        """
        if self.n_inputs < 0:
            raise LgnxError(f"netlist: n_inputs is {self.n_inputs}, must not be negative")
        for name, dtype, rank in (
            ("kinds", "uint8", 1),
            ("fanins", "uint32", 2),
            ("outputs", "uint32", 1),
        ):
            array = getattr(self, name)
            if array.dtype != np.dtype(dtype) or array.ndim != rank:
                raise LgnxError(
                    f"netlist: {name} is {array.dtype} of shape {list(array.shape)}, "
                    f"must be {dtype} of rank {rank}"
                )
        if self.fanins.shape != (self.n_nodes, 2):
            raise LgnxError(
                f"netlist: fanins of shape {list(self.fanins.shape)}, must be [{self.n_nodes}, 2]"
            )
        if (self.kinds > XOR_KIND).any():
            node = int(np.argmax(self.kinds > XOR_KIND))
            raise LgnxError(
                f"netlist: kind of node {node} is {self.kinds[node]}, must be 0 (AND) or 1 (XOR)"
            )
        own = np.arange(self.first_node, self.first_node + self.n_nodes, dtype=np.int64)
        late = (self.fanins >> 1) >= own[:, None]
        if late.any():
            node = int(np.argwhere(late)[0][0])
            raise LgnxError(
                f"netlist: node {node} (variable {own[node]}) reads literals "
                f"{self.fanins[node].tolist()}, which are not all of smaller variables"
            )
        if self.n_outputs and int(self.outputs.max()) >> 1 >= self.first_node + self.n_nodes:
            raise LgnxError(
                f"netlist: output literal {int(self.outputs.max())} is out of range: "
                f"{self.first_node + self.n_nodes} variables exist"
            )

    def levels(self) -> np.ndarray:
        """Level of each node, uint32 [n_nodes]: 1 + the larger level of its fan-ins."""
        return engine.levels(self.n_inputs, self.fanins)

    @property
    def depth(self) -> int:
        """Largest level of an output; 0 where no output needs a node."""
        if not self.n_nodes:
            return 0
        level = np.concatenate([np.zeros(self.first_node, np.uint32), self.levels()])
        return int(level[self.outputs >> 1].max(initial=0))

    def fan_outs(self) -> np.ndarray:
        """How often each variable is read by nodes and outputs, int64 [1 + n_inputs + n_nodes]."""
        read = np.concatenate([self.fanins.ravel(), self.outputs]) >> 1
        return np.bincount(read, minlength=self.first_node + self.n_nodes)

    def over_inputs(self, inputs: np.ndarray) -> Netlist:
        """Give the same netlist over some of its inputs, in ascending order.

        Parameters
        ----------
        inputs
            Their numbers, int64 [n]; nothing reads the others.
        """
        variables = np.zeros(self.first_node + self.n_nodes, np.uint32)
        variables[1 + inputs] = 1 + np.arange(len(inputs))
        variables[self.first_node :] = 1 + len(inputs) + np.arange(self.n_nodes)
        fanins, outputs = (
            variables[literals >> 1] << 1 | literals & 1 for literals in (self.fanins, self.outputs)
        )
        return Netlist(len(inputs), self.kinds, fanins, outputs)

    def simulate(self, bits: np.ndarray) -> np.ndarray:
        """Evaluate the network in numpy, 64 samples to a word.

        Parameters
        ----------
        bits
            bool [B, n_inputs].

        Returns
        -------
        numpy.ndarray
            bool [B, n_outputs].

        Raises
        ------
        InputError
            If the number of inputs does not fit.
        """
        return Simulator(self).run(bits)

    def to_program(self) -> Program:
        """Turn the network into a LogicNetwork program.

        Nodes are ordered by level and function; complements are absorbed: a program has AND,
        x0 & ~x1, NOR and XOR, and complements at its outputs only.
        """
        if not self.n_nodes:
            return Program(self.n_inputs, [], self.outputs.astype(np.uint32))
        levels = self.levels()
        order = _stable_order(levels)
        levels, xor = levels.take(order), self.kinds.take(order) == XOR_KIND
        fanins = self.fanins.take(order, axis=0)
        wires, effective = fanins >> 1, fanins & 1
        # An XOR hands the complements of its fan-ins on, so a node may stand for its complement.
        flipped = np.zeros(self.first_node + self.n_nodes, np.uint32)
        variables = order + self.first_node
        bounds = np.searchsorted(levels, np.arange(1, int(levels[-1]) + 2))
        for start, end in pairwise(bounds.tolist()):
            part = effective[start:end]
            part ^= flipped.take(wires[start:end])
            flipped[variables[start:end]] = (part[:, 0] ^ part[:, 1]) & xor[start:end]
        # x0 & ~x1 wants the complemented fan-in second.
        swap = (effective[:, 0] > effective[:, 1]) & ~xor
        swapped = np.flatnonzero(swap)
        wires[swapped] = wires.take(swapped, axis=0)[:, ::-1]
        by_complements = np.array([AND, AND_NOT, NOR], np.uint8)
        tables = np.where(xor, XOR, by_complements.take(effective[:, 0] + effective[:, 1]))
        within = _stable_order(levels * np.uint64(16) + tables)
        levels, tables = levels.take(within), tables.take(within)
        renumbered = np.arange(self.first_node + self.n_nodes, dtype=np.uint32)
        renumbered[variables[within]] = np.arange(self.first_node, len(renumbered), dtype=np.uint32)
        sources = renumbered.take(wires.take(within, axis=0))
        change = np.flatnonzero((np.diff(levels) != 0) | (np.diff(tables) != 0)) + 1
        starts = np.concatenate([[0], change])
        ends = np.concatenate([change, [self.n_nodes]])
        runs = [
            Run(2, int(tables[start]), sources[start:end])
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        out = self.outputs >> 1
        outputs = 2 * renumbered[out] + ((self.outputs & 1) ^ flipped[out])
        return Program(self.n_inputs, runs, outputs.astype(np.uint32))

    @staticmethod
    def from_program(program: Program) -> Netlist:
        """Turn a program into a network; gates of more than two inputs are decomposed."""
        from lgnx.netlist.build import NetlistBuilder
        from lgnx.ops.tables import pack_tables

        builder = NetlistBuilder(program.n_inputs)
        literals = np.zeros(1 + program.n_inputs + program.n_gates, np.uint32)
        literals[1 : 1 + program.n_inputs] = builder.inputs()
        at = 1 + program.n_inputs
        for run in program.runs:
            bits = [run.table >> j & 1 for j in range(1 << run.k)]
            tables = np.repeat(pack_tables(np.array([bits])), run.count, axis=0)
            literals[at : at + run.count] = builder.lut(tables, literals[run.fanins])
            at += run.count
        outputs = literals[program.outputs >> 1] ^ (program.outputs & 1)
        return builder.finish(outputs)


def _stable_order(keys: np.ndarray) -> np.ndarray:
    """Indices that sort unsigned keys; numpy sorts 16 bits, where they do, by far the fastest."""
    if keys.max(initial=0) < 1 << 16:
        keys = keys.astype(np.uint16)
    return np.argsort(keys, kind="stable")
