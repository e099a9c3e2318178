"""A stage whose gates are numbers in rows of text, and loops over them: less Verilog."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.stages import Level, Part, Stage, straight
from lgnx.netlist.luts import LutNetlist
from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["PackedStage", "Row", "pack", "packed_stages", "row_text"]

# Of a row: loops of at most 1,024 passes are what Verilator takes in a constant function.
_WORDS, _CHARACTERS_OF_ROW = 256, 1000
_INPUTS = 6  # of a look-up table


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

    They are constant zero, where an output is constant, then the inputs, then what is inside, level
    by level. Of gates, the outputs come last, in their order.

    Attributes
    ----------
    zero
        Whether the first net is constant zero.
    gate_rows
        A word is two nets, a bit for each that complements it, and 1 for XOR, 0 for AND.
    table_rows
        Where there are look-up tables, these instead: a word is six nets, then the 64 bits of a
        table, of which the first net is the lowest bit of the address.
    output_rows
        A word is a bit that complements the output; before it, where there are look-up tables, the
        net, counted from the base and the number of the output.
    """

    zero: bool = False
    gate_rows: tuple[Row, ...] = ()
    table_rows: tuple[Row, ...] = ()
    output_rows: tuple[Row, ...] = ()

    @property
    def characters(self) -> int:
        """Of the longest row."""
        rows = self.gate_rows + self.table_rows + self.output_rows
        return max(row.characters for row in rows)


def packed_stages(
    netlist: Netlist, parts: list[Part], luts: LutNetlist | None, roots: np.ndarray | None
) -> list[Stage]:
    """Give the stages of `lgnx.converters.verilog.stages.partition`.

    Parameters
    ----------
    netlist, parts
        See there.
    luts, roots
        The look-up tables of at most six inputs that the netlist is made of, and the literals of
        their outputs in it, uint32 [n_luts]; None where it is not.
    """
    levels = netlist.levels()
    if luts is None or roots is None:
        return [_stage(netlist, levels, part) for part in parts]
    return [_table_stage(netlist, part, luts, roots) for part in parts]


def _stage(netlist: Netlist, levels: np.ndarray, part: Part) -> PackedStage:
    last = straight(netlist, part)
    inner = part.nodes[~last[part.nodes]]
    inner = inner[np.argsort(levels[inner - netlist.first_node], kind="stable")]
    place = _places(netlist, part, inner)
    zero = _zero(part)
    first = zero + len(part.inputs)
    own = inner - netlist.first_node
    rows: list[Row] = []
    start = 0
    for count in np.unique(levels[own], return_counts=True)[1].tolist():
        span = own[start : start + count]
        fanins = _moved(place, netlist.fanins[span])
        rows += pack(fanins >> 1, [*(fanins & 1).T, _xors(netlist, span)], first + start)
        start += count
    # Last come the outputs in their order: their gates, or the AND of an earlier net with itself.
    ends = part.outputs >> 1
    made = last[ends]
    fanins = np.repeat(_moved(place, part.outputs)[:, None], 2, axis=1)
    fanins[made] = _moved(place, netlist.fanins[ends[made] - netlist.first_node])
    kinds = np.zeros(len(ends), np.int64)
    kinds[made] = _xors(netlist, ends[made] - netlist.first_node)
    rows += pack(fanins >> 1, [*(fanins & 1).T, kinds], first + start)
    nets = [
        np.zeros(zero, np.int64),
        part.inputs,
        2 * inner,
        np.where(made, 2 * ends, part.outputs),
    ]
    flips = (part.outputs & 1) * made
    return PackedStage(
        n_inputs=len(part.inputs),
        n_outputs=len(ends),
        levels=[_vector(nets)],
        outputs=[],
        gates=len(part.nodes),
        zero=bool(zero),
        gate_rows=tuple(rows),
        output_rows=tuple(pack(np.zeros((len(ends), 0), np.int64), [flips], 0)),
    )


def _xors(netlist: Netlist, nodes: np.ndarray) -> np.ndarray:
    return (netlist.kinds[nodes] == XOR_KIND).astype(np.int64)


def _vector(nets: list[np.ndarray]) -> Level:
    literals = np.concatenate(nets).astype(np.uint32)
    return Level("n", len(literals), [], literals)


def _table_stage(netlist: Netlist, part: Part, luts: LutNetlist, roots: np.ndarray) -> PackedStage:
    variables = roots >> 1
    own = np.flatnonzero(np.isin(variables, part.nodes))
    nodes, kept = np.unique(variables[own], return_index=True)
    # They are of one level, so they may stand as outputs do.
    order = np.argsort(_output_places(netlist, part)[nodes], kind="stable")
    nodes, own = nodes[order], own[kept[order]]
    place = _places(netlist, part, nodes)
    wires = np.concatenate([2 * np.arange(luts.first_lut), roots]).astype(np.int64)
    nets, tables = np.zeros((len(own), _INPUTS), np.int64), []
    for i, lut in enumerate(own.tolist()):
        literals = _moved(place, wires[list(luts.fanins[lut])])
        nets[i, : len(literals)] = literals >> 1
        flip = sum((literal & 1) << slot for slot, literal in enumerate(literals.tolist()))
        mask = (1 << len(literals)) - 1
        bits = luts.tables[lut] ^ ((1 << mask + 1) - 1 if roots[lut] & 1 else 0)
        tables.append([bits >> (j & mask ^ flip) & 1 for j in range(1 << _INPUTS)])
    flags = list(np.array(tables, np.int64).reshape(len(own), -1).T)
    width = max(1, int(nets.max(initial=0)).bit_length())
    first = int(place[nodes[0]]) >> 1 if len(nodes) else 0
    rows = pack(nets, flags, first, width) if len(nodes) else []
    zero = _zero(part)
    ends = _moved(place, part.outputs)
    return PackedStage(
        n_inputs=len(part.inputs),
        n_outputs=len(ends),
        levels=[_vector([np.zeros(zero, np.int64), part.inputs, 2 * nodes])],
        outputs=[],
        gates=len(part.nodes),
        tables=True,
        zero=bool(zero),
        table_rows=tuple(rows),
        output_rows=tuple(pack((ends >> 1)[:, None], [ends & 1], 0, rising=True)),
    )


def _zero(part: Part) -> int:
    """Give 1 where an output is constant, so that the first net is constant zero, else 0."""
    return int((part.outputs < 2).any())


def _places(netlist: Netlist, part: Part, nodes: np.ndarray) -> np.ndarray:
    """Literals of nets by the variables they are: zero, if it is an output, inputs, and nodes."""
    zero = _zero(part)
    first = zero + len(part.inputs)
    place = np.zeros(netlist.first_node + netlist.n_nodes, np.int64)
    place[part.inputs >> 1] = 2 * np.arange(zero, first) ^ (part.inputs & 1)
    place[nodes] = 2 * np.arange(first, first + len(nodes))
    return place


def _output_places(netlist: Netlist, part: Part) -> np.ndarray:
    """Give each variable that is an output its place among them."""
    found = np.zeros(netlist.first_node + netlist.n_nodes, np.int64)
    found[part.outputs >> 1] = np.arange(len(part.outputs))
    return found


def _moved(place: np.ndarray, literals: np.ndarray) -> np.ndarray:
    return place[literals >> 1] ^ (literals & 1)


def pack(
    nets: np.ndarray,
    flags: list[np.ndarray],
    first: int,
    width: int | None = None,
    *,
    rising: bool = False,
) -> list[Row]:
    """Pack words into rows: their nets, int64 [n, k], the first one lowest, then bits, int64 [n].

    Parameters
    ----------
    first
        Number of the first word.
    width
        Bits of a net's number, which then counts from 0; by default as few as each row needs.
    rising
        Whether numbers count from the place in the row, too.
    """
    rows = []
    widest = nets.shape[1] * int(nets.max(initial=1)).bit_length() + len(flags)
    step = min(_WORDS, 6 * _CHARACTERS_OF_ROW // widest)
    for start in range(0, len(nets), step):
        own = nets[start : start + step]
        if rising:
            own = own - np.arange(len(own))[:, None]
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
