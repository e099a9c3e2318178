"""A stage whose gates are numbers in rows of text, and loops over them: less Verilog."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.stages import Level, Part, Stage, straight
from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["PackedStage", "Row", "pack", "packed_stages", "row_text"]

# Of a row: loops of at most 1,024 passes are what Verilator takes in a constant function.
_WORDS, _CHARACTERS_OF_ROW = 256, 1000


@dataclass(frozen=True)
class Row:
    """Gates or outputs that stand beside each other, as one text.

    Attributes
    ----------
    first, count
        The number of the first one, and how many there are.
    bases, bits
        For each net that one reads: the lowest such net of the row, from which numbers count, and
        the bits of such a number.
    text
        The words, see `row_text`; the first one lowest.
    """

    first: int
    count: int
    bases: tuple[int, ...]
    bits: tuple[int, ...]
    text: str

    @property
    def characters(self) -> int:
        """Of the text, as Verilog reads it."""
        return len(self.text) - self.text.count("\\\\")


@dataclass(frozen=True)
class PackedStage(Stage):
    """A stage as `Stage` has it, its nets one vector.

    They are constant zero, where an output is constant, then the inputs, then the gates, level by
    level.

    Attributes
    ----------
    zero
        Whether the first net is constant zero.
    gate_rows
        A word is two nets, a bit for each that complements it, and 1 for XOR, 0 for AND.
    output_rows
        A word is a net, and a bit that complements it.
    """

    zero: bool = False
    gate_rows: tuple[Row, ...] = ()
    output_rows: tuple[Row, ...] = ()

    @property
    def characters(self) -> int:
        """Of the longest row."""
        return max(row.characters for row in self.gate_rows + self.output_rows)


def packed_stages(netlist: Netlist, parts: list[Part], tables: bool) -> list[Stage]:
    """Give the stages of `lgnx.converters.verilog.stages.partition`.

    Parameters
    ----------
    netlist, parts
        See there.
    tables
        Whether the gates make look-up tables.
    """
    levels = netlist.levels()
    return [_stage(netlist, levels, part, tables) for part in parts]


def _stage(netlist: Netlist, levels: np.ndarray, part: Part, tables: bool) -> PackedStage:
    own_levels = levels[part.nodes - netlist.first_node]
    # What is an output alone stands last in its level, so that numbers of what is read are small.
    nodes = part.nodes[np.lexsort([straight(netlist, part)[part.nodes], own_levels])]
    zero = int((part.outputs < 2).any())
    first = zero + len(part.inputs)
    place = np.zeros(netlist.first_node + netlist.n_nodes, np.int64)
    place[part.inputs >> 1] = 2 * np.arange(zero, first) ^ (part.inputs & 1)
    place[nodes] = 2 * np.arange(first, first + len(nodes))

    def moved(literals: np.ndarray) -> np.ndarray:
        return place[literals >> 1] ^ (literals & 1)

    own = nodes - netlist.first_node
    fanins = moved(netlist.fanins[own])
    kinds = (netlist.kinds[own] == XOR_KIND).astype(np.int64)
    gate_rows: list[Row] = []
    start = 0
    for count in np.unique(own_levels, return_counts=True)[1].tolist():
        span = slice(start, start + count)
        gate_rows += pack(fanins[span] >> 1, [*(fanins[span] & 1).T, kinds[span]], first + start)
        start += count
    ends = moved(part.outputs)
    nets = np.concatenate([np.zeros(zero, np.int64), part.inputs, 2 * nodes])
    return PackedStage(
        n_inputs=len(part.inputs),
        n_outputs=len(ends),
        levels=[Level("n", len(nets), [], nets.astype(np.uint32))],
        outputs=[],
        gates=len(part.nodes),
        tables=tables,
        zero=bool(zero),
        gate_rows=tuple(gate_rows),
        output_rows=tuple(pack(ends[:, None] >> 1, [ends & 1], 0)),
    )


def pack(
    nets: np.ndarray, flags: list[np.ndarray], first: int, width: int | None = None
) -> list[Row]:
    """Pack words into rows: their nets, int64 [n, k], the first one lowest, then bits, int64 [n].

    Parameters
    ----------
    first
        Number of the first word.
    width
        Bits of a net's number, which then counts from 0; by default as few as each row needs.
    """
    rows = []
    widest = nets.shape[1] * int(nets.max(initial=1)).bit_length() + len(flags)
    step = min(_WORDS, 6 * _CHARACTERS_OF_ROW // widest)
    for start in range(0, len(nets), step):
        own = nets[start : start + step]
        bases = own.min(axis=0)
        bits = [max(1, int(most).bit_length()) for most in (own - bases).max(axis=0)]
        if width is not None:
            bases, bits = np.zeros_like(bases), [width] * len(bits)
        value = at = 0
        for i, row in enumerate((own - bases).tolist()):
            fields = [*zip(row, bits, strict=True), *((int(f[start + i]), 1) for f in flags)]
            for field, size in fields:
                value |= field << at
                at += size
        rows.append(Row(first + start, len(own), tuple(bases.tolist()), tuple(bits),
                        row_text(value, at)))  # fmt: skip
    return rows


def row_text(value: int, bits: int) -> str:
    """Write a number as the inside of a string of Verilog, six bits a character, the last lowest.

    The low six bits of a character count. Each of the 64 has a letter or sign; the backslash stands
    there twice, as Verilog wants it.
    """
    sixes = (value >> 6 * i & 63 for i in reversed(range(-(-bits // 6))))
    return "".join(_CHARACTERS[six] for six in sixes)


def _character(six: int) -> str:
    if six == 32:
        return " "  # a backquote would begin a macro
    character = chr(six + 64 if six < 59 else six)
    return "\\\\" if character == "\\" else character


_CHARACTERS = [_character(six) for six in range(64)]
