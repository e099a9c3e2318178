"""Lists of truth tables, one output a line, as ABC's read_truth and kitty have them.

The digit for the highest addresses comes first; the first input is the low bit of an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.circuit import PART, Circuit, model_to_circuit
from lgnx.converters.circuit_files import model_of_file, write_pieces
from lgnx.converters.circuit_notes import from_notes, to_notes
from lgnx.converters.exhaustive_tables import tables_of
from lgnx.converters.formats import Format, Option
from lgnx.converters.percent_names import escape_ports, unescape
from lgnx.files import read_bytes
from lgnx.netlist.build import NetlistBuilder
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import MAX_INPUTS

__all__ = ["FORMAT", "read_truth_tables"]

BASE = Option(
    "base",
    str,
    "auto",
    "hex or binary; auto: as 0x or 0b before the digits, or the digits themselves, say",
    ("auto", "hex", "binary"),
)
WRITTEN_BASE = Option("base", str, "hex", "digits of the tables", ("hex", "binary"))
COMMENTS = Option(
    "comments", bool, True, "names and metadata in lines with #, which ABC does not take"
)

_FORBIDDEN = re.compile(r"[^\x21-\x7e]")
_HEX, _BINARY = re.compile("[0-9a-fA-F]+"), re.compile("[01]+")
_NAMES = (".ilb", ".ob")  # in comments, as PLA files have them
_BITS_OF = {"hex": 4, "binary": 1}


def read_truth_tables(data: bytes, where: str, base: str = "auto") -> Circuit:
    """Turn a list of truth tables into a circuit.

    Parameters
    ----------
    data
        The file.
    where
        What messages call it.
    base
        ``"hex"``, ``"binary"`` or ``"auto"``.

    Raises
    ------
    ModelError
        If it is malformed; the line is named.
    """
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise ModelError(f"{where}: is no UTF-8 text") from None
    words: list[tuple[int, str]] = []
    notes: list[str] = []
    names: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        text, _, note = line.partition("#")
        words += [(number, word) for word in text.split()]
        if "#" not in line:
            continue
        key, *rest = note.split() or [""]
        if key in _NAMES and key not in names:
            names[key] = tuple(map(unescape, rest))
        else:
            notes.append(note.removeprefix(" "))
    if not words:
        raise ModelError(f"{where}: holds no truth table")
    tables, n_inputs = _tables(words, where, base)
    metadata, name = from_notes(notes)
    builder = NetlistBuilder(n_inputs)
    fanins = np.tile(builder.inputs(), (len(tables), 1))
    literals = builder.lut(tables, fanins) if n_inputs else tables[:, 0].astype(np.uint32)
    circuit = Circuit(
        builder.finish(literals),
        names.get(".ilb") or tuple(f"x[{i}]" for i in range(n_inputs)),
        names.get(".ob") or tuple(f"y[{i}]" for i in range(len(tables))),
        name,
        metadata,
    )
    circuit.validate(where)
    return circuit


def _tables(words: list[tuple[int, str]], where: str, base: str) -> tuple[np.ndarray, int]:
    """Tables as of LogicDense, and their number of inputs."""
    rows, n_bits, first = [], 0, words[0][0]
    bare = _base_of_bare([word for _, word in words], where) if base == "auto" else base
    for line, word in words:
        digits, kind = word, bare
        if word[:2].lower() == "0x":
            digits, kind = word[2:], "hex"
        elif word[:2].lower() == "0b" and base != "hex":  # 0b is also two digits of hex
            digits, kind = word[2:], "binary"
        if not (_HEX if kind == "hex" else _BINARY).fullmatch(digits):
            raise ModelError(f"{where}: line {line}: {word[:40]!r} is no {kind} number")
        bits = len(digits) * _BITS_OF[kind]
        if bits & (bits - 1) or bits > 1 << MAX_INPUTS:
            raise ModelError(
                f"{where}: line {line}: a table of {bits} bits; must have 2^k, with k at most "
                f"{MAX_INPUTS}"
            )
        if n_bits and bits != n_bits:
            raise ModelError(
                f"{where}: line {line}: a table of {bits} bits, that of line {first} has {n_bits}"
            )
        n_bits = bits
        value = int(digits, 16 if kind == "hex" else 2)
        rows.append(value.to_bytes(max(1, bits // 8), "little"))
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1), n_bits.bit_length() - 1


def _base_of_bare(words: list[str], where: str) -> str:
    """Base of tables without 0x or 0b before them."""
    bare = [word for word in words if word[:2].lower() not in ("0x", "0b")]
    if bare and all(map(_BINARY.fullmatch, bare)):
        raise ModelError(
            f"{where}: {bare[0][:40]!r} may be hex or binary; say which with base=hex or "
            "base=binary"
        )
    return "hex"


def _lines(circuit: Circuit, base: str, comments: bool) -> Iterator[str]:
    tables, n = tables_of(circuit), circuit.netlist.n_inputs
    if comments:
        texts = escape_ports(circuit.input_names, circuit.output_names, _FORBIDDEN)
        for key, letter, names in zip(_NAMES, "xy", texts, strict=True):
            if names != [f"{letter}[{i}]" for i in range(len(names))]:
                yield f"# {key} {' '.join(names)}\n"
        for note in to_notes(circuit, FORMAT.name):
            yield f"# {note}\n"
    for row in tables:
        digits = row[::-1].tobytes().hex()
        if base == "hex" and n > 1:
            yield f"0x{digits[-max(1, (1 << n) // 4) :]}\n"
        else:
            yield f"0b{int(digits, 16):0{1 << n}b}\n"


def _read(path: Path, base: str = "auto") -> onnx.ModelProto:
    circuit = read_truth_tables(read_bytes(path, "a list of truth tables"), str(path), base)
    return model_of_file(circuit, path, FORMAT.name)


def _write(
    model: Any, path: Path, part: str = "all", base: str = "hex", comments: bool = True
) -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, _lines(circuit, base, comments), "utf-8")


FORMAT = Format(
    name="truth-tables",
    title="Truth tables, one output a line",
    suffixes=(".tt", ".truth"),
    read=_read,
    write=_write,
    read_options=(BASE,),
    write_options=(PART, WRITTEN_BASE, COMMENTS),
    reads="tables of up to 16 inputs, decomposed into one LogicNetwork",
    writes="the tables of circuits of up to 16 inputs",
)
