"""A network of look-up tables: what an FPGA holds, and what a program says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops.program import MAX_FANIN, Program, Run
from lgnx.ops.tables import pack_tables

__all__ = ["LutBuilder", "LutNetlist"]


@dataclass(frozen=True)
class LutNetlist:
    """A network of look-up tables of up to six inputs.

    Wires are numbered as in a program: wire 0 is constant 0, wires 1 to n_inputs are the inputs,
    wire n_inputs + 1 + i is the output of table i.

    Attributes
    ----------
    n_inputs
        Number of inputs.
    tables
        For each table its bits: bit j is the output at address j.
    fanins
        For each table the wires that it reads, all smaller than its own; x_0 first.
    outputs
        uint32 [n_outputs], literals: 2 * wire + complement.
    """

    n_inputs: int
    tables: tuple[int, ...]
    fanins: tuple[tuple[int, ...], ...]
    outputs: np.ndarray

    @property
    def n_luts(self) -> int:
        """Number of tables."""
        return len(self.tables)

    @property
    def first_lut(self) -> int:
        """Wire of table 0."""
        return self.n_inputs + 1

    @property
    def widest(self) -> int:
        """Inputs of the widest table."""
        return max(map(len, self.fanins), default=0)

    def levels(self) -> np.ndarray:
        """Level of each table, int64 [n_luts]: 1 + the largest level of what it reads."""
        level = [0] * self.first_lut
        for fanin in self.fanins:
            level.append(1 + max((level[wire] for wire in fanin), default=0))
        return np.array(level[self.first_lut :], np.int64)

    @property
    def depth(self) -> int:
        """Tables on the longest way to an output."""
        level = np.concatenate([np.zeros(self.first_lut, np.int64), self.levels()])
        return int(level[self.outputs >> 1].max(initial=0))

    def to_program(self) -> Program:
        """Turn it into a LogicNetwork program: tables ordered by level and function."""
        levels = self.levels().tolist()
        keys = [
            (level, len(fanin), table)
            for level, fanin, table in zip(levels, self.fanins, self.tables, strict=True)
        ]
        order = sorted(range(self.n_luts), key=keys.__getitem__)
        number = np.arange(self.first_lut + self.n_luts, dtype=np.uint32)
        number[self.first_lut + np.array(order, np.int64)] = number[self.first_lut :].copy()
        runs: list[Run] = []
        start = 0
        for end in range(1, self.n_luts + 1):
            if end < self.n_luts and keys[order[end]] == keys[order[start]]:
                continue
            fanins = np.array([self.fanins[i] for i in order[start:end]], np.int64)
            _, k, table = keys[order[start]]
            runs.append(Run(k, table, number[fanins].reshape(end - start, k)))
            start = end
        outputs = 2 * number[self.outputs >> 1] + (self.outputs & 1)
        return Program(self.n_inputs, runs, outputs.astype(np.uint32))

    @staticmethod
    def from_program(program: Program) -> LutNetlist:
        """Read a program as it stands; nothing is simplified."""
        tables = [run.table for run in program.runs for _ in range(run.count)]
        fanins = [tuple(row) for run in program.runs for row in run.fanins.tolist()]
        return LutNetlist(program.n_inputs, tuple(tables), tuple(fanins), program.outputs)

    def to_netlist(
        self, labels: np.ndarray | None = None
    ) -> tuple[Netlist, np.ndarray, np.ndarray]:
        """Decompose the tables; no node is shared between tables.

        Parameters
        ----------
        labels
            int64 [n_luts]: a number for each table, by default its level.

        Returns
        -------
        tuple
            The netlist; for each of its nodes the label of its table, int64 [n_nodes]; and for
            each table the literal of its output, uint32 [n_luts].
        """
        levels = self.levels()
        labels = levels if labels is None else labels
        sizes = np.array([len(fanin) for fanin in self.fanins], np.int64)
        builder = NetlistBuilder(self.n_inputs)
        literals = np.zeros(self.first_lut + self.n_luts, np.uint32)
        literals[1 : self.first_lut] = builder.inputs()
        owners: list[np.ndarray] = []
        keys = np.column_stack([levels, labels, sizes]).reshape(self.n_luts, 3)
        groups, inverse = np.unique(keys, axis=0, return_inverse=True)
        for number, (_, label, k) in enumerate(groups.tolist()):
            own = np.flatnonzero(inverse.ravel() == number)
            values = np.array([self.tables[i] for i in own.tolist()], np.uint64)
            bits = values[:, None] >> np.arange(1 << k, dtype=np.uint64) & np.uint64(1)
            wires = np.array([self.fanins[i] for i in own.tolist()], np.int64).reshape(len(own), k)
            before = builder.n_nodes
            literals[self.first_lut + own] = builder.lut(pack_tables(bits), literals[wires])
            owners.append(np.full(builder.n_nodes - before, label, np.int64))
        outputs = literals[self.outputs >> 1] ^ (self.outputs & 1)
        made = literals[self.first_lut :]
        return builder.finish(outputs), np.concatenate([*owners, np.zeros(0, np.int64)]), made

    def simplified(self, inputs: Sequence[int] | None = None, n_inputs: int = -1) -> LutNetlist:
        """Drop constants, buffers, copies, inputs that do not matter, and what no output needs.

        Parameters
        ----------
        inputs
            A literal for each input, of a network of ``n_inputs`` inputs.
        """
        n = self.n_inputs if inputs is None else n_inputs
        builder = LutBuilder(n)
        own = builder.inputs() if inputs is None else list(inputs)
        literals = [0, *own]
        for table, fanin in zip(self.tables, self.fanins, strict=True):
            literals.append(builder.add(table, [literals[wire] for wire in fanin]))
        return builder.finish([literals[o >> 1] ^ (o & 1) for o in self.outputs.tolist()])


class LutBuilder:
    """Appends tables to a network, each function of the same wires once.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self.tables: list[int] = []
        self.fanins: list[tuple[int, ...]] = []
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}

    @staticmethod
    def from_luts(luts: LutNetlist) -> tuple[LutBuilder, list[int]]:
        """Start from a network; also gives the literals of its outputs."""
        builder = LutBuilder(luts.n_inputs)
        literals = [0, *builder.inputs()]
        for table, fanin in zip(luts.tables, luts.fanins, strict=True):
            literals.append(builder.add(table, [literals[wire] for wire in fanin]))
        return builder, [literals[o >> 1] ^ (o & 1) for o in luts.outputs.tolist()]

    def inputs(self) -> list[int]:
        """Literals of the inputs."""
        return [2 * (1 + i) for i in range(self.n_inputs)]

    def add(self, table: int, literals: Sequence[int]) -> int:
        """Append a table, simplified, and give its literal; a table that exists is found again."""
        table, wires = reduce_table(table, literals)
        if not wires:
            return table
        if len(wires) == 1:
            return 2 * wires[0] + (table & 1)
        # A function and its complement are one: the one that is 0 at address 0.
        flipped = table & 1
        if flipped:
            table ^= (1 << (1 << len(wires))) - 1
        key = (table, wires)
        if key not in self._known:
            self.tables.append(table)
            self.fanins.append(wires)
            self._known[key] = self.n_inputs + len(self.tables)
        return 2 * self._known[key] + flipped

    def finish(self, outputs: Iterable[int]) -> LutNetlist:
        """Give what the outputs need; tables read complemented alone become their complement."""
        ends = list(outputs)
        first = self.n_inputs + 1
        live = [False] * (first + len(self.tables))
        for literal in ends:
            live[literal >> 1] = True
        for i in reversed(range(len(self.tables))):
            if live[first + i]:
                for wire in self.fanins[i]:
                    live[wire] = True
        # An output is best the output of a table, not of an inverter behind it.
        polarities: dict[int, set[int]] = {}
        for literal in ends:
            polarities.setdefault(literal >> 1, set()).add(literal & 1)
        flips = {wire for wire, found in polarities.items() if found == {1} and wire >= first}
        number = list(range(first))
        tables: list[int] = []
        fanins: list[tuple[int, ...]] = []
        for i, (table, wires) in enumerate(zip(self.tables, self.fanins, strict=True)):
            number.append(first + len(tables))
            if not live[first + i]:
                continue
            for slot, wire in enumerate(wires):
                if wire in flips:
                    table = _swap_halves(table, slot, len(wires))
            if first + i in flips:
                table ^= (1 << (1 << len(wires))) - 1
            tables.append(table)
            fanins.append(tuple(number[wire] for wire in wires))
        given = [2 * number[o >> 1] + ((o & 1) ^ (o >> 1 in flips)) for o in ends]
        return LutNetlist(self.n_inputs, tuple(tables), tuple(fanins), np.array(given, np.uint32))


def reduce_table(table: int, literals: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Give a table over the wires that matter, in ascending order, for one over literals."""
    wires = sorted({literal >> 1 for literal in literals} - {0})
    places = {wire: 1 << i for i, wire in enumerate(wires)}
    bits = [places.get(literal >> 1, 0) for literal in literals]
    flip = sum((literal & 1) << slot for slot, literal in enumerate(literals))
    value = 0
    for address in range(1 << len(wires)):
        old = flip
        for slot, bit in enumerate(bits):
            if address & bit:
                old ^= 1 << slot
        value |= (table >> old & 1) << address
    for slot in reversed(range(len(wires))):
        if value == _swap_halves(value, slot, len(wires)):
            value = _without(value, slot, len(wires))
            del wires[slot]
    return value, tuple(wires)


_LOW = [
    sum(1 << j for j in range(1 << MAX_FANIN) if not j >> slot & 1) for slot in range(MAX_FANIN)
]


def _swap_halves(table: int, slot: int, k: int) -> int:
    """The table where an input is complemented."""
    low, step = _LOW[slot] & ((1 << (1 << k)) - 1), 1 << slot
    return (table & low) << step | (table >> step) & low


def _without(table: int, slot: int, k: int) -> int:
    """The table at 0 of an input."""
    below = (1 << slot) - 1
    return sum((table >> ((j & ~below) << 1 | (j & below)) & 1) << j for j in range(1 << (k - 1)))
