"""BLIF, the Berkeley Logic Interchange Format: circuits of .names.

What is read and written stands in docs/formats/blif.md. Source of the format: "Berkeley Logic
Interchange Format (BLIF)", University of California, Berkeley, 1992.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx

from lgnx.converters.circuit import PART, Circuit, model_to_circuit
from lgnx.converters.circuit_files import model_of_file, write_pieces
from lgnx.converters.comment_metadata import metadata_of, to_comments
from lgnx.converters.formats import Format
from lgnx.converters.gate_list import FALSE, TRUE, GateList, shown
from lgnx.converters.net_names import net_names, wrapped
from lgnx.converters.percent_names import escape, unescape
from lgnx.files import read_bytes
from lgnx.netlist.netlist import Netlist
from lgnx.ops.errors import ModelError

__all__ = ["FORMAT", "blif_lines", "read_blif"]

TABLE_INPUTS = 6  # covers of more inputs become sums of products, not truth tables
_ZERO, _ONE, _ANY = b"01-"  # what a row may have for an input
_COLUMNS = [
    sum(1 << address for address in range(1 << TABLE_INPUTS) if address >> i & 1)
    for i in range(TABLE_INPUTS)
]
_BLOCK = 1 << 15  # nodes whose text is made at a time
_FORBIDDEN = re.compile(r'[^\x21-\x7e]|[#\\="]|^[.$]')
_COMMENT = re.compile(rb"^# ?(metadata .*)$", re.MULTILINE)

_DROPPED = frozenset(
    b"""
    .area .attr .cname .default_input_arrival .default_input_drive .default_max_input_load
    .default_output_load .default_output_required .delay .input_arrival .input_drive
    .max_input_load .output_load .output_required .param .wire .wire_load_slope
    """.split()
)
_SEQUENTIAL = "a register; lgnx reads combinational circuits only"
_HIERARCHY = "hierarchy; flatten it first, with 'flatten' in yosys or by reading it into ABC"
_MAPPED = "a cell of a library that is not in the file; 'unmap' in ABC turns cells into .names"
_REFUSED = {
    b".latch": _SEQUENTIAL,
    b".mlatch": _SEQUENTIAL,
    b".clock": _SEQUENTIAL,
    b".clock_event": _SEQUENTIAL,
    b".start_kiss": _SEQUENTIAL,
    b".subckt": _HIERARCHY,
    b".gate": _MAPPED,
    b".search": "another file; lgnx reads one file, and no other that it names",
    b".exdc": "an external don't-care network, which has no place in a circuit",
    b".mv": "a multi-valued variable; lgnx reads bits only",
    b".table": "a multi-valued table; lgnx reads .names only",
}
# By kind, complement of the first and complement of the second fan-in.
_COVERS = ("11 1", "10 1", "01 1", "00 1", "10 1\n01 1", *["11 1\n00 1"] * 2, "10 1\n01 1")


def read_blif(data: bytes, where: str = "BLIF") -> Circuit:
    """Turn the bytes of a BLIF file into a circuit.

    Parameters
    ----------
    where
        What messages call it: the file's name.

    Raises
    ------
    ModelError
        If it is malformed, or is not one flat combinational model; file, line and what is wrong
        are named.
    """
    return _Reader(where).read(data)


class _Reader:
    def __init__(self, where: str) -> None:
        self.gates = GateList(where)
        self.tables: dict[tuple[bytes, ...], int] = {}
        self.name: bytes | None = None
        self.ended = False

    def read(self, data: bytes) -> Circuit:
        gates = self.gates
        signals: list[bytes] | None = None  # of the .names whose rows are being read
        start, rows, lines = 0, [], []
        for number, line in _statements(data):
            if line[:1] != b".":
                if signals is None:
                    raise gates.error(number, f"{shown(line)} is no row of a .names")
                rows.append(line)
                lines.append(number)
                continue
            if signals is not None:
                self.add_names(signals, rows, start, lines)
                signals = None
            words = line.split()
            if self.ended and words[0] != b".model":
                raise gates.error(number, f"{shown(words[0])} stands after .end")
            if words[0] == b".names":
                signals, start, rows, lines = words[1:], number, [], []
                if not signals:
                    raise gates.error(number, ".names has no output")
            else:
                self.statement(words, number)
        if not self.ended:
            raise ModelError(
                f"{gates.where}: ends without .end; it is truncated, or its writer left .end out"
            )
        return self.circuit(data)

    def statement(self, words: list[bytes], number: int) -> None:
        """Take in a line that is no .names."""
        kind, gates = words[0], self.gates
        if kind == b".inputs":
            for name in words[1:]:
                gates.add_input(name, number)
        elif kind == b".outputs":
            for name in words[1:]:
                gates.add_output(name, number)
        elif kind == b".model":
            if self.ended or self.name is not None:
                raise gates.error(number, f"a second .model is {_HIERARCHY}")
            self.name = b" ".join(words[1:])
        elif kind == b".end":
            self.ended = True
        elif kind in _REFUSED:
            raise gates.error(number, f"{kind.decode()} is {_REFUSED[kind]}")
        elif kind not in _DROPPED:
            raise gates.error(
                number,
                f"{shown(kind)} is not known; lgnx reads .model, .inputs, .outputs, .names, .end",
            )

    def add_names(
        self, signals: list[bytes], rows: list[bytes], start: int, lines: list[int]
    ) -> None:
        """Add the gate of a .names."""
        gates, k = self.gates, len(signals) - 1
        literals = [2 * gates.net(name, start) for name in signals[:-1]]
        net = gates.net(signals[-1], start)
        if k > TABLE_INPUTS:
            cubes, on = self.cubes(k, rows, lines)
            terms = []
            for cube in cubes:
                read = zip(literals, cube, strict=True)
                terms.append(
                    gates.all_of([x ^ (bit == _ZERO) for x, bit in read if bit != _ANY], start)
                )
            gates.add_any_of(net, terms, start, complement=not on)
            return
        key = (bytes([k]), *rows)
        table = self.tables.get(key)
        if table is None:
            table = self.tables[key] = _table(k, *self.cubes(k, rows, lines))
        if k:
            gates.add_table(table, net, literals, start)
        else:
            gates.add_table(0b10, net, [TRUE if table else FALSE], start)

    def cubes(self, k: int, rows: list[bytes], lines: list[int]) -> tuple[list[bytes], bool]:
        """Input parts of the rows of a cover, and whether they say where it is 1."""
        cubes = []
        values = set()
        for row, number in zip(rows, lines, strict=True):
            *words, value = row.split()
            cube = words[0] if words else b""
            if (
                value not in (b"0", b"1")
                or len(words) != min(k, 1)
                or len(cube) != k
                or cube.strip(b"01-")
            ):
                wanted = f"{k} of 0, 1, - and then 0 or 1" if k else "0 or 1"
                raise self.gates.error(number, f"row {shown(row)} must be {wanted}")
            cubes.append(cube)
            values.add(value)
            if len(values) > 1:
                raise self.gates.error(number, "rows of one .names must all end with the same bit")
        return cubes, values != {b"0"}

    def circuit(self, data: bytes) -> Circuit:
        gates = self.gates
        where = gates.where
        inputs, outputs = (
            tuple(_text(gates.name(net), where) for net in nets)
            for nets in (gates.inputs, gates.outputs)
        )
        metadata = metadata_of(line.decode("ascii", "replace") for line in _COMMENT.findall(data))
        name = _text(self.name or b"", where) or Path(where).stem
        return Circuit(gates.netlist(), inputs, outputs, name, metadata)


def _statements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines without comments, joined with those that continue them, and the number of the first."""
    held: list[bytes] = []
    start = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if b"#" in line:
            line = line[: line.index(b"#")]
        line = line.strip()
        if line.endswith(b"\\"):
            start = start or number
            held.append(line[:-1])
            continue
        if start:
            line, number = b" ".join([*held, line]).strip(), start
            held, start = [], 0
        if line:
            yield number, line
    if start:
        yield start, b" ".join(held)


def _table(k: int, cubes: list[bytes], on: bool) -> int:
    """Truth table of a cover of at most `TABLE_INPUTS` inputs."""
    every = (1 << (1 << k)) - 1
    table = 0
    for cube in cubes:
        product = every
        for i, bit in enumerate(cube):
            if bit != _ANY:
                product &= _COLUMNS[i] if bit == _ONE else ~_COLUMNS[i]
        table |= product
    return table if on else every ^ table


def _text(name: bytes, where: str) -> str:
    try:
        return unescape(name.decode())
    except UnicodeDecodeError:
        raise ModelError(f"{where}: the name {shown(name)} is no UTF-8 text") from None


def blif_lines(circuit: Circuit) -> Iterator[str]:
    """Text of the BLIF file of a circuit, in pieces."""
    names, netlist = net_names(circuit, _FORBIDDEN), circuit.netlist
    yield "# written by lgnx\n"
    yield from (f"# {line}\n" for line in to_comments(circuit.metadata))
    yield from _listed(".model", [escape(circuit.name, _FORBIDDEN)])
    yield from _listed(".inputs", names.variables[1 : netlist.first_node])
    yield from _listed(".outputs", names.outputs)
    if (netlist.fanins < 2).any():
        yield f".names {names.variables[0]}\n"
    for start in range(0, netlist.n_nodes, _BLOCK):
        yield _nodes(netlist, names.variables, start, min(start + _BLOCK, netlist.n_nodes))
    for literal, output in zip(netlist.outputs.tolist(), names.outputs, strict=True):
        if literal < 2:
            yield f".names {output}\n" + "1\n" * literal
        else:
            yield f".names {names.variables[literal >> 1]} {output}\n{1 - (literal & 1)} 1\n"
    yield ".end\n"


def _listed(keyword: str, words: Sequence[str]) -> Iterator[str]:
    yield from (f"{line}\n" for line in wrapped([keyword, *words], end=" \\"))


def _nodes(netlist: Netlist, names: list[str], start: int, end: int) -> str:
    """Text of some of the nodes."""
    fanins = netlist.fanins[start:end]
    complements = fanins & 1
    covers = 4 * netlist.kinds[start:end] + 2 * complements[:, 0] + complements[:, 1]
    sources = (fanins >> 1).T.tolist()
    own = names[netlist.first_node + start : netlist.first_node + end]
    return "".join(
        [
            f".names {names[a]} {names[b]} {name}\n{_COVERS[cover]}\n"
            for a, b, name, cover in zip(*sources, own, covers.tolist(), strict=True)
        ]
    )


def _read(path: Path) -> onnx.ModelProto:
    circuit = read_blif(read_bytes(path), str(path))
    return model_of_file(circuit, path, FORMAT.name)


def _write(model: Any, path: Path, part: str = "all") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, blif_lines(circuit), "ascii")


FORMAT = Format(
    name="blif",
    title="BLIF, the Berkeley Logic Interchange Format",
    suffixes=(".blif",),
    read=_read,
    write=_write,
    write_options=(PART,),
    reads="one combinational model of .names, as a network of gates",
    writes="gates of two inputs, as .names",
)
