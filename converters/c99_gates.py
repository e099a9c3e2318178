"""From a netlist to gates of one instruction each, in an order, with few lines of memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lgnx.netlist.netlist import XOR_KIND, Netlist
from lgnx.ops import engine

AND, AND_NOT, OR, XOR = 0, 1, 2, 3
COMPLEMENT = 4
"""Added to an operation whose result is complemented; only outputs are."""

SECTION_LINES = 128


@dataclass(frozen=True)
class Output:
    """What the line of an output takes.

    Attributes
    ----------
    variable
        Its variable; 0 is constant false.
    complement
        Whether the line is the complement of the variable's value.
    final
        Whether the variable is a gate that nothing else reads: it needs no line of its own.
    """

    variable: int
    complement: bool
    final: bool


@dataclass(frozen=True)
class Section:
    """Outputs whose lines lie one after another, to be counted, or given as bits.

    Attributes
    ----------
    outputs
        In the order of the lines.
    last
        Whether the scores of a group follow.
    """

    outputs: list[Output]
    last: bool


@dataclass(frozen=True)
class Gates:
    """A netlist whose gates are AND, x & ~y, OR or XOR of values as they are stored.

    A variable may be stored complemented, so that no operand or result needs an inversion of its
    own.

    Attributes
    ----------
    n_inputs
        Variables 1 to n_inputs are the inputs, those above are gates.
    operations, fanins
        Of each gate.
    sections
        The outputs.
    ones
        Outputs of each group that are constant true; they are in no section.
    """

    n_inputs: int
    operations: list[int]
    fanins: list[tuple[int, int]]
    sections: list[Section]
    ones: list[int] = field(default_factory=list)

    @property
    def used_inputs(self) -> list[int]:
        """Numbers of the inputs, from 0, that are read."""
        read = {v for pair in self.fanins for v in pair}
        read.update(out.variable for section in self.sections for out in section.outputs)
        return [i for i in range(self.n_inputs) if i + 1 in read]

    def reads(self, output: Output) -> tuple[int, ...]:
        """Variables that the line of an output is made of."""
        if output.final:
            return self.fanins[output.variable - self.n_inputs - 1]
        return (output.variable,) if output.variable else ()

    def operation(self, output: Output) -> int:
        """Operation of the line of a final output."""
        own = self.operations[output.variable - self.n_inputs - 1]
        return own + COMPLEMENT * output.complement


def gates_of(netlist: Netlist, groups: int) -> Gates:
    """Give the gates of a netlist after the rules of the native optimiser.

    Parameters
    ----------
    netlist
        Any netlist.
    groups
        Groups that its outputs are counted in; 0 where the outputs are bits.
    """
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs)
    netlist = Netlist(netlist.n_inputs, *parts)
    first = netlist.first_node
    flipped = bytearray(first + netlist.n_nodes)
    operations, fanins = [], []
    pairs = zip(netlist.kinds.tolist(), netlist.fanins.tolist(), strict=True)
    for node, (kind, (left, right)) in enumerate(pairs):
        a, b = left >> 1, right >> 1
        ca, cb = left & 1 ^ flipped[a], right & 1 ^ flipped[b]
        if kind == XOR_KIND:
            operation, flipped[first + node] = XOR, ca ^ cb
        elif ca and cb:
            operation, flipped[first + node] = OR, 1
        else:
            operation = AND_NOT if ca or cb else AND
            if ca:
                a, b = b, a
        operations.append(operation)
        fanins.append((a, b))
    outputs = netlist.outputs.tolist()
    read = np.bincount(netlist.fanins.ravel() >> 1, minlength=first + netlist.n_nodes)
    given = np.bincount(netlist.outputs >> 1, minlength=first + netlist.n_nodes)
    final = ((read == 0) & (given == 1)).tolist()
    lines = [
        Output(v, bool(literal & 1 ^ flipped[v]), v >= first and final[v])
        for literal in outputs
        for v in (literal >> 1,)
    ]
    sections, ones = _sections(lines, groups)
    return Gates(netlist.n_inputs, operations, fanins, sections, ones)


def _sections(lines: list[Output], groups: int) -> tuple[list[Section], list[int]]:
    if not groups:
        cut = range(0, len(lines), SECTION_LINES)
        return [Section(lines[i : i + SECTION_LINES], False) for i in cut], []
    sections, ones = [], []
    size = len(lines) // groups
    for group in range(groups):
        members = lines[group * size : (group + 1) * size]
        ones.append(sum(out.variable == 0 and out.complement for out in members))
        counted = [out for out in members if out.variable]
        starts = range(0, len(counted), SECTION_LINES) or [0]
        for start in starts:
            part = counted[start : start + SECTION_LINES]
            sections.append(Section(part, start == starts[-1]))
    return sections, ones


@dataclass(frozen=True)
class Statement:
    """One gate, or one line of the outputs.

    Attributes
    ----------
    variable
        The gate; None for the line of an output.
    line
        Number of the line within its section.
    output
        What that line takes.
    reads
        Variables that are read.
    """

    variable: int | None
    reads: tuple[int, ...]
    line: int = 0
    output: Output | None = None


def depth_first(gates: Gates) -> Iterator[list[Statement]]:
    """Give the statements of each section, each gate just before the first one that reads it."""
    first = gates.n_inputs + 1
    done = bytearray(first + len(gates.operations))
    done[:first] = b"\1" * first
    for section in gates.sections:
        statements: list[Statement] = []
        for line, out in enumerate(section.outputs):
            reads = gates.reads(out)
            stack = [*reversed(reads)]
            while stack:
                variable = stack[-1]
                if done[variable]:
                    stack.pop()
                    continue
                missing = [v for v in reversed(gates.fanins[variable - first]) if not done[v]]
                if missing:
                    stack += missing
                    continue
                stack.pop()
                done[variable] = 1
                statements.append(Statement(variable, gates.fanins[variable - first]))
            statements.append(Statement(None, reads, line, out))
        yield statements


def by_level(gates: Gates) -> list[list[Statement]]:
    """Give the gates by level and operation, then the lines of each section by operation."""
    first = gates.n_inputs + 1
    levels = [0] * first
    for a, b in gates.fanins:
        levels.append(1 + max(levels[a], levels[b]))
    finals = {out.variable for section in gates.sections for out in section.outputs if out.final}
    inner = [v for v in range(first, len(levels)) if v not in finals]
    inner.sort(key=lambda v: (levels[v], gates.operations[v - first]))
    parts = [[Statement(v, gates.fanins[v - first]) for v in inner]]
    for section in gates.sections:
        part = []
        for line, out in enumerate(section.outputs):
            part.append(Statement(None, gates.reads(out), line, out))
        parts.append(part)
    return parts


class Slots:
    """Hands out lines; the one that was freed last comes first.

    Parameters
    ----------
    taken
        Lines 0 to taken - 1 are handed out already.
    """

    def __init__(self, taken: int) -> None:
        self.count = taken
        self._free: list[int] = []

    def take(self) -> int:
        """Give a line."""
        if self._free:
            return self._free.pop()
        self.count += 1
        return self.count - 1

    def free(self, slot: int) -> None:
        """Take a line back."""
        self._free.append(slot)
