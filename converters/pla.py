"""PLA files of espresso: sums of products.

After the manual page espresso(5) of Berkeley's octtools. Don't-cares of outputs are read as 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.circuit import PART, Circuit, model_to_circuit
from lgnx.converters.circuit_files import model_of_file, write_pieces
from lgnx.converters.circuit_notes import from_notes, to_notes
from lgnx.converters.exhaustive_tables import tables_of
from lgnx.converters.formats import Format
from lgnx.converters.percent_names import escape_ports, unescape
from lgnx.files import read_bytes
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops.errors import ModelError
from lgnx.ops.program import MAX_INPUTS

__all__ = ["FORMAT", "read_pla"]

_TYPES = ("f", "fd", "fr", "fdr")
_FORBIDDEN = re.compile(r"[^\x21-\x7e]|#")
_KEYS = (".i", ".o", ".p", ".ilb", ".ob", ".type", ".e", ".end")
_ROWS = 1 << 12  # so many are written at a time
_INPUT, _OUTPUT = b"01-2", b"01-24~"  # 2 is another - and 4 another 1
_OF_ANY_FILE = 1 << 16
_SEPARATORS = b" \t|"


def read_pla(data: bytes, where: str) -> Circuit:
    """Turn a PLA file into a circuit: an output is 1 where one of its products is.

    Raises
    ------
    ModelError
        If it is malformed; the line is named.
    """
    return _Reader(where).read(data)


@dataclass
class _Reader:
    where: str
    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    most: int = 0

    def read(self, data: bytes) -> Circuit:
        self.most = min(MAX_INPUTS, max(_OF_ANY_FILE, len(data)))  # names take memory
        for number, line in enumerate(data.splitlines(), 1):
            text, mark, note = line.partition(b"#")
            if mark:
                self.notes.append(note.decode("utf-8", "replace").removeprefix(" "))
            text = text.strip()
            if text in (b".e", b".end"):
                break
            if text.startswith(b"."):
                self.statement(text.decode("utf-8", "replace").split(), number)
            elif text:
                self.rows.append(text.translate(None, _SEPARATORS))
                self.lines.append(number)
        for key in (".i", ".o"):
            if key not in self.counts:
                raise ModelError(f"{self.where}: has no {key}")
        announced = self.counts.get(".p", len(self.rows))
        if announced != len(self.rows):
            raise ModelError(
                f"{self.where}: has {len(self.rows)} products, its .p tells of {announced}"
            )
        metadata, name = from_notes(self.notes)
        n_inputs, n_outputs = self.counts[".i"], self.counts[".o"]
        circuit = Circuit(
            self.netlist(n_inputs, n_outputs),
            self.names.get(".ilb") or tuple(f"x[{i}]" for i in range(n_inputs)),
            self.names.get(".ob") or tuple(f"y[{i}]" for i in range(n_outputs)),
            name,
            metadata,
        )
        circuit.validate(self.where)
        return circuit

    def statement(self, words: list[str], number: int) -> None:
        key, values = words[0], words[1:]
        if key not in _KEYS:
            raise ModelError(
                f"{self.where}: line {number}: {key[:40]} is not known, must be one of "
                f"{', '.join(_KEYS)}"
            )
        if key in self.counts or key in self.names:
            raise ModelError(f"{self.where}: line {number}: a second {key}")
        if key in (".ilb", ".ob"):
            self.names[key] = tuple(map(unescape, values))
        elif key == ".type":
            if values not in [[kind] for kind in _TYPES]:
                raise ModelError(
                    f"{self.where}: line {number}: .type is {' '.join(values)!r}, must be one of "
                    f"{', '.join(_TYPES)}"
                )
        else:
            if len(values) != 1 or not re.fullmatch("[0-9]{1,9}", values[0]):
                raise ModelError(
                    f"{self.where}: line {number}: {key} is {' '.join(values)[:40]!r}, must be a "
                    "whole number"
                )
            self.counts[key] = int(values[0])
            if key != ".p" and self.counts[key] > self.most:
                raise ModelError(
                    f"{self.where}: line {number}: {key} is {values[0]}, must be at most "
                    f"{self.most} in a file of this size"
                )

    def netlist(self, n_inputs: int, n_outputs: int) -> Netlist:
        """ANDs of the inputs of each product, ORs of the products of each output."""
        width = n_inputs + n_outputs
        for line, row in zip(self.lines, self.rows, strict=True):
            if len(row) != width:
                raise ModelError(
                    f"{self.where}: line {line}: has {len(row)} characters, must have {n_inputs} "
                    f"for the inputs and {n_outputs} for the outputs"
                )
        cubes = np.frombuffer(b"".join(self.rows), np.uint8).reshape(len(self.rows), width)
        for part, allowed in ((slice(n_inputs), _INPUT), (slice(n_inputs, width), _OUTPUT)):
            wrong = ~np.isin(cubes[:, part], np.frombuffer(allowed, np.uint8))
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                raise ModelError(
                    f"{self.where}: line {self.lines[row]}: "
                    f"{chr(cubes[row, part][column])!r} stands for an "
                    f"{'input' if allowed is _INPUT else 'output'}, must be one of "
                    f"{' '.join(allowed.decode())}"
                )
        builder = NetlistBuilder(n_inputs)
        product, column = np.nonzero(np.isin(cubes[:, :n_inputs], np.frombuffer(b"01", np.uint8)))
        complement = (cubes[product, column] == ord("0")).astype(np.uint32)
        literals = builder.inputs()[column] ^ complement
        terms = _all_of(builder, literals, product, len(self.rows))
        ones = np.isin(cubes[:, n_inputs:], np.frombuffer(b"14", np.uint8))
        output, product = np.nonzero(ones.T)
        sums = _all_of(builder, terms[product] ^ np.uint32(1), output, n_outputs)
        return builder.finish(sums ^ np.uint32(1))


def _all_of(
    builder: NetlistBuilder, literals: np.ndarray, groups: np.ndarray, count: int
) -> np.ndarray:
    """AND of the literals of each group, as a balanced tree; true where a group has none.

    ``groups`` is sorted; the result has ``count`` elements.
    """
    while True:
        sizes = np.bincount(groups, minlength=count)
        if sizes.max(initial=0) <= 1:
            break
        starts = np.cumsum(sizes) - sizes
        rank = np.arange(len(groups)) - starts[groups]
        first = rank % 2 == 0
        paired = first & (rank + 1 < sizes[groups])
        left = np.flatnonzero(paired)
        joined = literals.copy()
        joined[left] = builder.and_(literals[left], literals[left + 1])
        literals, groups = joined[first], groups[first]
    result = np.ones(count, np.uint32)
    result[groups] = literals
    return result


def _pieces(circuit: Circuit) -> Iterator[bytes]:
    """The file: a product for each input on which an output is 1."""
    tables = tables_of(circuit)
    n, m = circuit.netlist.n_inputs, circuit.netlist.n_outputs
    used = np.bitwise_or.reduce(tables, axis=0)
    addresses = np.flatnonzero(np.unpackbits(used, bitorder="little"))
    inputs, outputs = escape_ports(circuit.input_names, circuit.output_names, _FORBIDDEN)
    notes = "".join(f"# {note}\n" for note in to_notes(circuit, FORMAT.name))
    yield f"{notes}.i {n}\n.o {m}\n".encode("utf-8", "backslashreplace")
    yield f".ilb {' '.join(inputs)}\n.ob {' '.join(outputs)}\n.p {len(addresses)}\n".encode()
    for start in range(0, len(addresses), _ROWS):
        part = addresses[start : start + _ROWS]
        rows = np.full((len(part), n + m + 2), ord(" "), np.uint8)
        rows[:, :n] = ord("0") + (part[:, None] >> np.arange(n) & 1)
        rows[:, n + 1 : n + 1 + m] = ord("0") + (tables[:, part // 8].T >> (part % 8)[:, None] & 1)
        rows[:, -1] = ord("\n")
        yield rows.tobytes()
    yield b".e\n"


def _read(path: Path) -> onnx.ModelProto:
    circuit = read_pla(read_bytes(path, "a PLA file"), str(path))
    return model_of_file(circuit, path, FORMAT.name)


def _write(model: Any, path: Path, part: str = "all") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, _pieces(circuit))


FORMAT = Format(
    name="pla",
    title="PLA of espresso, sums of products",
    suffixes=(".pla",),
    read=_read,
    write=_write,
    write_options=(PART,),
    reads="the sums of products as one LogicNetwork",
    writes="the ones of circuits of up to 16 inputs, a product for each input",
)
