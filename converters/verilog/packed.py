"""A stage whose gates are numbers in constants, and loops over them: less text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.stages import Level, Part, Stage, straight
from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["PackedStage", "Row", "packed_stages"]

_ROW = 64  # gates of a constant: Verilator unrolls loops of so many passes unasked


@dataclass(frozen=True)
class Row:
    """Gates whose nets, or outputs, are beside each other, as one constant.

    Attributes
    ----------
    first, count
        The number of the first net or output, and how many there are.
    base
        The lowest net that is read; literals count from it.
    constant
        The gates, the first one lowest.
    """

    first: int
    count: int
    base: int
    constant: str


@dataclass(frozen=True)
class PackedStage(Stage):
    """A stage as `Stage` has it, its nets one vector.

    They are constant zero, where an output is constant, then the inputs, then the gates that are
    read inside, level by level. Each output is a gate of its own: one that is read nowhere else, or
    the AND of a literal with itself.

    Attributes
    ----------
    zero
        Whether the first net is constant zero.
    literal_bits, output_literal_bits
        Bits of a literal: twice the number of a net, plus one for its complement. A gate has those
        of its fan-ins, the first one lowest, and above them 1 for XOR, 0 for AND; the gate of an
        output has above this 1 where it is complemented.
    gate_rows, output_rows
        The gates of nets, and of outputs.
    """

    zero: bool = False
    literal_bits: int = 0
    output_literal_bits: int = 0
    gate_rows: tuple[Row, ...] = ()
    output_rows: tuple[Row, ...] = ()

    @property
    def gate_bits(self) -> int:
        """Bits of the gate of a net."""
        return 2 * self.literal_bits + 1

    @property
    def output_bits(self) -> int:
        """Bits of the gate of an output."""
        return 2 * self.output_literal_bits + 2


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
    n_variables = netlist.first_node + netlist.n_nodes
    ends, complements = part.outputs >> 1, part.outputs & 1
    direct = straight(netlist, part)
    nodes = part.nodes[~direct[part.nodes]]
    nodes = nodes[np.argsort(levels[nodes - netlist.first_node], kind="stable")]

    zero = int((ends == 0).any())
    first = zero + len(part.inputs)
    place = np.zeros(n_variables, np.int64)
    place[part.inputs >> 1] = 2 * np.arange(zero, first) ^ (part.inputs & 1)
    place[nodes] = 2 * np.arange(first, first + len(nodes))

    def moved(literals: np.ndarray) -> np.ndarray:
        return place[literals >> 1] ^ (literals & 1)

    own = nodes - netlist.first_node
    bits, rows = _rows(moved(netlist.fanins[own]), netlist.kinds[own] == XOR_KIND, first)
    end = np.where(direct[ends], ends - netlist.first_node, 0)
    gates = np.zeros((len(ends), 2), np.int64)
    kinds = np.zeros(len(ends), np.int64)
    if netlist.n_nodes:
        gates = moved(netlist.fanins[end])
        kinds = (netlist.kinds[end] == XOR_KIND) + 2 * complements.astype(np.int64)
    other = ~direct[ends]
    gates[other], kinds[other] = moved(part.outputs[other])[:, None], 0
    output_bits, output_rows = _rows(gates, kinds, 0, kind_bits=2)
    nets = np.concatenate([np.zeros(zero, np.int64), part.inputs, 2 * nodes])
    return PackedStage(
        n_inputs=len(part.inputs),
        n_outputs=len(ends),
        levels=[Level("n", len(nets), [], nets.astype(np.uint32))],
        outputs=[],
        gates=len(part.nodes),
        tables=tables,
        zero=bool(zero),
        literal_bits=bits,
        output_literal_bits=output_bits,
        gate_rows=rows,
        output_rows=output_rows,
    )


def _rows(
    literals: np.ndarray, kinds: np.ndarray, first: int, kind_bits: int = 1
) -> tuple[int, tuple[Row, ...]]:
    """Pack gates, their literals int64 [n, 2]; give the bits of a literal, too."""
    starts = range(0, len(literals), _ROW)
    bases = [int(literals[s : s + _ROW].min()) >> 1 for s in starts]
    own = literals - 2 * np.repeat(np.array(bases, np.int64), _ROW)[: len(literals), None]
    bits = max(2, int(own.max(initial=0)).bit_length())
    words = own[:, 0] | own[:, 1] << bits | kinds.astype(np.int64) << 2 * bits
    size = 2 * bits + kind_bits
    rows = []
    for start, base in zip(starts, bases, strict=True):
        part = words[start : start + _ROW].tolist()
        value = sum(word << size * i for i, word in enumerate(part))
        rows.append(Row(first + start, len(part), base, f"{size * len(part)}'h{value:x}"))
    return bits, tuple(rows)
