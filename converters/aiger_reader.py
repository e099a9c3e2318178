"""Reading AIGER files, ASCII and binary.

After A. Biere, K. Heljanko, S. Wieringa: AIGER 1.9 and Beyond, 2011, and A. Biere: The AIGER
And-Inverter Graph (AIG) Format, 2007.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lgnx.converters.aiger_lines import Lines
from lgnx.converters.circuit import Circuit
from lgnx.converters.circuit_notes import from_notes
from lgnx.converters.gate_order import GateCycleError, in_order
from lgnx.converters.percent_names import unescape
from lgnx.netlist.netlist import AND_KIND, Netlist
from lgnx.netlist.xor_gates import merge_xors
from lgnx.ops.errors import ModelError
from lgnx.ops.program import MAX_INPUTS

_FIELDS = "MILOABCJF"
_STATEFUL = {
    "L": "latches",
    "B": "bad state properties",
    "C": "invariant constraints",
    "J": "justice properties",
    "F": "fairness constraints",
}
_MAX_VARIABLE = (1 << 31) - 2
_SYMBOL = re.compile(r"([iolbcjf])([0-9]{1,10}) (.*)", re.DOTALL)
_INPUTS_OF_ANY_FILE = 1 << 16
_MAX_VARINT = 5  # bytes of a number below 2^32


@dataclass(frozen=True)
class _Header:
    binary: bool
    variables: int
    inputs: int
    outputs: int
    ands: int


def read_circuit(data: bytes, where: str) -> Circuit:
    """Turn an AIGER file into a circuit; ANDs that form an exclusive or become XOR nodes.

    Raises
    ------
    ModelError
        If it is malformed or not combinational; the message names line and field, or variable.
    """
    lines = Lines(data, where)
    header = _read_header(lines)
    netlist, end = (_read_binary if header.binary else _read_ascii)(lines, header)
    inputs, outputs, metadata, name = _read_rest(lines, end, header)
    circuit = Circuit(merge_xors(netlist), inputs, outputs, name, metadata)
    circuit.validate(where)
    return circuit


def _read_header(lines: Lines) -> _Header:
    where = lines.where
    if not len(lines.ends):
        raise ModelError(f"{where}: is empty, not an AIGER file")
    text = lines.text(1)
    words = text.split()
    if not words or words[0] not in ("aag", "aig"):
        raise ModelError(f"{where}: line 1: begins with {text[:20]!r}, must with 'aag' or 'aig'")
    if not 6 <= len(words) <= 10 or not all(re.fullmatch("[0-9]{1,10}", w) for w in words[1:]):
        raise ModelError(
            f"{where}: line 1: is {text!r}, must be {words[0]!r} and the five to nine numbers "
            f"{' '.join(_FIELDS)}"
        )
    field = dict(zip(_FIELDS, map(int, words[1:]), strict=False))
    for key, things in _STATEFUL.items():
        if field.get(key):
            raise ModelError(
                f"{where}: line 1: field {key} is {field[key]} ({things}), must be 0: only "
                "combinational circuits can be read"
            )
    m, i, o, a = (field[key] for key in "MIOA")
    binary = words[0] == "aig"
    if m > _MAX_VARIABLE:
        raise ModelError(f"{where}: line 1: field M is {m}, must be at most {_MAX_VARIABLE}")
    # Binary files take no space for inputs, but their names take memory.
    most = min(MAX_INPUTS, max(_INPUTS_OF_ANY_FILE, len(lines.data)))
    if i > most:
        raise ModelError(
            f"{where}: line 1: field I is {i} inputs, must be at most {most} in a file of "
            f"{len(lines.data)} bytes"
        )
    if m < i + a or (binary and m > i + a):
        raise ModelError(
            f"{where}: line 1: field M is {m}, must be {'' if binary else 'at least '}I + L + A, "
            f"which is {i + a}"
        )
    return _Header(binary, m, i, o, a)


def _read_ascii(lines: Lines, header: _Header) -> tuple[Netlist, int]:
    """The netlist, and the place behind it."""
    where, last = lines.where, 2 * header.variables + 1
    input_line, output_line = 2, 2 + header.inputs
    and_line = output_line + header.outputs
    count = header.inputs + header.outputs + header.ands
    lines.require(input_line, count, "inputs, outputs and ANDs")
    inputs = lines.numbers(input_line, header.inputs, 1, "inputs")
    outputs = lines.numbers(output_line, header.outputs, 1, "outputs")
    ands = lines.numbers(and_line, header.ands, 3, "ANDs")

    def check(wrong: np.ndarray, line: int, literals: np.ndarray, reason: str) -> None:
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            raise ModelError(
                f"{where}: line {line + int(place[0])}: literal {literals[place]} {reason}"
            )

    for line, literals in ((input_line, inputs), (output_line, outputs), (and_line, ands)):
        check(literals > last, line, literals, f"is larger than 2M + 1, which is {last}")
    for line, literals in ((input_line, inputs), (and_line, ands[:, :1])):
        wrong = (literals & 1 == 1) | (literals == 0)
        check(wrong, line, literals, "is defined here, so it must be even and not 0")
    defined = np.concatenate([inputs[:, 0], ands[:, 0]]) >> 1
    by_variable = np.argsort(defined, kind="stable")
    in_row = defined[by_variable]
    again = np.flatnonzero(np.diff(in_row) == 0)
    if len(again):
        at = [input_line + int(by_variable[again[0] + i]) for i in (0, 1)]
        first, second = (n if n < output_line else n + header.outputs for n in at)
        raise ModelError(
            f"{where}: line {second}: variable {in_row[again[0]]} is defined a second time, "
            f"after line {first}"
        )

    def renumber(line: int, literals: np.ndarray) -> np.ndarray:
        variables = literals >> 1
        place = np.minimum(np.searchsorted(in_row, variables), len(in_row) - 1)
        found = in_row[place] == variables if len(in_row) else np.zeros(variables.shape, bool)
        check(~found & (variables > 0), line, literals, "is neither an input nor an AND")
        number = by_variable[place] + 1 if len(in_row) else variables
        return (2 * np.where(variables > 0, number, 0) + (literals & 1)).astype(np.uint32)

    new_outputs = renumber(output_line, outputs[:, 0])
    fanins = renumber(and_line, ands[:, 1:])
    kinds = np.full(header.ands, AND_KIND, np.uint8)
    try:
        netlist = in_order(header.inputs, kinds, fanins, new_outputs)
    except GateCycleError as cycle:
        path = " -> ".join(str(ands[gate, 0] >> 1) for gate in cycle.gates[:6])
        raise ModelError(
            f"{where}: line {and_line + cycle.gates[0]}: variable {ands[cycle.gates[0], 0] >> 1} "
            f"depends on itself ({path} -> ...)"
        ) from None
    return netlist, lines.start(and_line + header.ands)


def _read_binary(lines: Lines, header: _Header) -> tuple[Netlist, int]:
    """The netlist, and the place behind it."""
    where, last = lines.where, 2 * header.variables + 1
    outputs = lines.numbers(2, header.outputs, 1, "outputs")[:, 0]
    large = np.flatnonzero(outputs > last)
    if len(large):
        raise ModelError(
            f"{where}: line {2 + int(large[0])}: literal {outputs[large[0]]} is larger than "
            f"2M + 1, which is {last}"
        )
    start = lines.start(2 + header.outputs)
    deltas, end = _read_deltas(lines, start, header)
    own = 2 * np.arange(header.inputs + 1, header.variables + 1, dtype=np.int64)
    larger = own - deltas[:, 0]
    smaller = larger - deltas[:, 1]
    wrong = (deltas[:, 0] == 0) | (smaller < 0)
    if wrong.any():
        node = int(np.argmax(wrong))
        raise ModelError(
            f"{where}: AND {node} (variable {own[node] // 2}): its deltas are "
            f"{deltas[node, 0]} and {deltas[node, 1]}, so its fan-ins would not be smaller than "
            f"{own[node]} and at least 0"
        )
    netlist = Netlist(
        header.inputs,
        np.full(header.ands, AND_KIND, np.uint8),
        np.stack([larger, smaller], axis=1).astype(np.uint32),
        outputs.astype(np.uint32),
    )
    return netlist, end


def _read_deltas(lines: Lines, start: int, header: _Header) -> tuple[np.ndarray, int]:
    """The numbers of the binary part, int64 [ands, 2], and the place behind it.

    A number is written seven bits a byte, the low ones first; its last byte is below 128.
    """
    count = 2 * header.ands
    # No more than is needed is looked at: symbols and comments may follow.
    part = lines.data[start : start + _MAX_VARINT * count]
    ends = np.flatnonzero(part < 128)[:count]
    if len(ends) < count:
        raise ModelError(
            f"{lines.where}: ends within AND {len(ends) // 2} of the {header.ands} that the header "
            "tells of"
        )
    begins = np.concatenate([[0], ends[:-1] + 1])[: len(ends)]
    lengths = ends + 1 - begins
    if lengths.max(initial=0) > _MAX_VARINT:
        bad = int(np.argmax(lengths > _MAX_VARINT))
        raise ModelError(
            f"{lines.where}: AND {bad // 2}: at byte {start + begins[bad]} a number takes "
            f"{lengths[bad]} bytes, must take at most {_MAX_VARINT}"
        )
    values = np.zeros(count, np.int64)
    for place in range(int(lengths.max(initial=0))):
        inside = np.flatnonzero(lengths > place)
        values[inside] |= (part[begins[inside] + place] & 127).astype(np.int64) << 7 * place
    return values.reshape(-1, 2), start + (int(ends[-1]) + 1 if count else 0)


def _read_rest(
    lines: Lines, start: int, header: _Header
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str], str]:
    """Names of inputs and outputs, metadata, and the circuit's name."""
    where = lines.where
    line = 1 + int(np.searchsorted(lines.ends, start))
    rest = lines.data[start:].tobytes()
    symbols, comment = rest, b""
    found = re.search(rb"(?:^|\n)c(?![0-9]+ )", rest)
    if found:
        symbols, comment = rest[: found.start()], rest[found.end() :]
    names: dict[str, dict[int, str]] = {"i": {}, "o": {}}
    counts = {"i": header.inputs, "o": header.outputs}
    for number, raw in enumerate(symbols.split(b"\n"), line):
        text = _decoded(raw).removesuffix("\r")
        if not text:
            continue
        symbol = _SYMBOL.fullmatch(text)
        if not symbol:
            raise ModelError(
                f"{where}: line {number}: is {text[:60]!r}, must be a symbol such as 'i0 name', or "
                "'c' before the comment"
            )
        kind, position = symbol[1], int(symbol[2])
        if position >= counts.get(kind, 0):
            raise ModelError(
                f"{where}: line {number}: names {kind}{position}; there are "
                f"{header.inputs} inputs and {header.outputs} outputs, counted from 0"
            )
        if position in names[kind]:
            raise ModelError(f"{where}: line {number}: names {kind}{position} a second time")
        names[kind][position] = unescape(symbol[3])
    metadata, name = _read_comment(comment)
    return (
        _complete(names["i"], header.inputs, "x"),
        _complete(names["o"], header.outputs, "y"),
        metadata,
        name,
    )


def _complete(given: dict[int, str], count: int, letter: str) -> tuple[str, ...]:
    """All names: those without a symbol are called x[0], ..., and so that no two are alike."""
    if not given:
        return tuple(f"{letter}[{i}]" for i in range(count))
    taken, names = set(given.values()), []
    for i in range(count):
        name = given.get(i, f"{letter}[{i}]")
        while i not in given and name in taken:
            name += "_"
        names.append(name)
    return tuple(names)


def _decoded(text: bytes) -> str:
    """Text of a file; where it is no UTF-8, each byte is a character of Latin-1."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _read_comment(raw: bytes) -> tuple[dict[str, str], str]:
    """Metadata and name of the circuit from the comment section, without its first 'c'."""
    if not raw.startswith((b"\n", b"\r\n")):
        return from_notes([])  # data that ABC writes there
    text = _decoded(raw).replace("\r\n", "\n").removeprefix("\n")
    return from_notes(text.removesuffix("\n").split("\n"))
