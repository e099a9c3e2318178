"""The .bench format of the ISCAS benchmarks, with the LUT lines of ABC and mockturtle.

What is read and written stands in docs/formats/bench.md. Source of the format: F. Brglez,
H. Fujiwara, "A neutral netlist of 10 combinational benchmark circuits", ISCAS 1985; of its LUT
lines: ABC, src/base/io/ioReadBench.c and ioWriteBench.c.
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
from lgnx.converters.comment_metadata import metadata_of, to_comments
from lgnx.converters.formats import Format
from lgnx.converters.gate_list import FALSE, TRUE, GateList, shown
from lgnx.converters.net_names import net_names
from lgnx.converters.percent_names import escape, unescape
from lgnx.files import read_bytes
from lgnx.ops.errors import ModelError
from lgnx.ops.gates import AND, AND_NOT, NOR, XOR
from lgnx.ops.program import Program
from lgnx.ops.tables import MAX_INPUTS

__all__ = ["FORMAT", "bench_lines", "read_bench"]

_BLOCK = 1 << 15  # gates whose text is made at a time
# ABC takes any line for a declaration that begins with one of the two words.
_FORBIDDEN = re.compile(
    r"""[^\x21-\x7e]|[#(),="]|^[IO](?=NPUT|UTPUT)|^[vg](?=dd$|nd$)""", re.IGNORECASE
)
_NAME = re.compile(rb'[^\s#(),="]+')
_DECLARATION = re.compile(rb"(INPUT|OUTPUT)\s*\(([^()]*)\)", re.IGNORECASE)
_GATE = re.compile(rb"([A-Za-z0-9_]+)(?:\s+(\w+))?\s*\((.*)\)")
_COMMENT = re.compile(rb"^# ?(metadata .*)$", re.MULTILINE)
_TITLE = re.compile(rb"^# ?circuit (.*)$", re.MULTILINE)

_TREES = {
    b"AND": (GateList.add_all_of, False),
    b"NAND": (GateList.add_all_of, True),
    b"OR": (GateList.add_any_of, False),
    b"NOR": (GateList.add_any_of, True),
    b"XOR": (GateList.add_parity, False),
    b"XNOR": (GateList.add_parity, True),
    b"NXOR": (GateList.add_parity, True),
}
_PAIRS = {b"AND": 0x8, b"NAND": 0x7, b"OR": 0xE, b"NOR": 0x1, b"XOR": 0x6, b"XNOR": 0x9}
_WIRES = {b"NOT": 0b01, b"INV": 0b01, b"BUF": 0b10, b"BUFF": 0b10}
_CONSTANTS = {b"vdd": TRUE, b"gnd": FALSE}
_REFUSED = {
    b"DFF": "a register; lgnx reads combinational circuits only",
    b"DFFRSE": "a register; lgnx reads combinational circuits only",
    b"LATCH": "a register; lgnx reads combinational circuits only",
    b"MUX": "ambiguous, since tools do not agree on the order of its inputs; write it in other "
    "gates",
}
_WRITTEN = {AND: "AND", AND_NOT: "AND", NOR: "NOR", XOR: "XOR"}
_KNOWN = "AND, NAND, OR, NOR, XOR, XNOR, NOT, BUFF, LUT, vdd, gnd"


def read_bench(data: bytes, where: str = "bench") -> Circuit:
    """Turn the bytes of a .bench file into a circuit.

    Parameters
    ----------
    where
        What messages call it: the file's name.

    Raises
    ------
    ModelError
        If it is malformed or has registers; file, line and what is wrong are named.
    """
    gates = GateList(where)
    for number, line in enumerate(data.split(b"\n"), 1):
        if b"#" in line:
            line = line[: line.index(b"#")]
        line = line.strip()
        if not line:
            continue
        output, sign, gate = line.partition(b"=")
        if sign:
            _add_gate(gates, output.strip(), gate.strip(), number)
        else:
            _declare(gates, line, number)
    for constant, value in _CONSTANTS.items():
        gates.drive_constant(constant, value)
    inputs, outputs = (
        tuple(_text(gates.name(net), where) for net in nets)
        for nets in (gates.inputs, gates.outputs)
    )
    metadata = metadata_of(line.decode("ascii", "replace") for line in _COMMENT.findall(data))
    title = _TITLE.search(data)
    name = _text(title[1].strip(), where) if title else Path(where).stem
    return Circuit(gates.netlist(), inputs, outputs, name, metadata)


def _declare(gates: GateList, line: bytes, number: int) -> None:
    match = _DECLARATION.fullmatch(line)
    if match is None:
        raise gates.error(
            number, f"{shown(line)} must be INPUT(name), OUTPUT(name) or name = gate(names)"
        )
    name = _checked(gates, match[2], number)
    if match[1].upper() == b"INPUT":
        gates.add_input(name, number)
    else:
        gates.add_output(name, number)


def _add_gate(gates: GateList, output: bytes, gate: bytes, number: int) -> None:
    net = gates.net(_checked(gates, output, number), number)
    match = _GATE.fullmatch(gate)
    constant = gate.removesuffix(b"()").rstrip().lower()
    if constant in _CONSTANTS:
        gates.add_table(0b10, net, [_CONSTANTS[constant]], number)
        return
    if match is None:
        if gate.upper() in _REFUSED:
            raise gates.error(number, f"{gate.decode()} is {_REFUSED[gate.upper()]}")
        raise gates.error(
            number, f"{shown(gate)} must be a gate and its inputs, such as AND(a, b), vdd or gnd"
        )
    kind, table, names = match[1].upper(), match[2], match[3]
    if kind in _REFUSED:
        raise gates.error(number, f"{kind.decode()} is {_REFUSED[kind]}")
    literals = [2 * gates.net(_checked(gates, name, number), number) for name in names.split(b",")]
    if kind == b"LUT":
        gates.add_table(_table(gates, table, len(literals), number), net, literals, number)
    elif table is not None:
        raise gates.error(number, f"{shown(table)} stands between {shown(match[1])} and its inputs")
    elif kind in _PAIRS and len(literals) == 2:
        gates.add_table(_PAIRS[kind], net, literals, number)
    elif kind in _TREES:
        add, complement = _TREES[kind]
        add(gates, net, literals, number, complement=complement)
    elif kind not in _WIRES:
        raise gates.error(number, f"{shown(match[1])} is no gate; lgnx reads {_KNOWN}")
    elif len(literals) != 1:
        raise gates.error(number, f"{match[1].decode()} has {len(literals)} inputs, must have 1")
    else:
        gates.add_table(_WIRES[kind], net, literals, number)


def _table(gates: GateList, text: bytes | None, k: int, number: int) -> int:
    """Truth table of a LUT line."""
    if k > MAX_INPUTS:
        raise gates.error(number, f"LUT has {k} inputs, must have 1 to {MAX_INPUTS}")
    if text is None or not re.fullmatch(rb"0[xX][0-9A-Fa-f]+", text):
        given = "nothing" if text is None else shown(text)
        raise gates.error(number, f"LUT is followed by {given}, must be by a table such as 0x8")
    digits = text[2:].lstrip(b"0")
    table = int(digits or b"0", 16) if len(digits) <= max(1, (1 << k) // 4) else -1
    if table < 0 or table >> (1 << k):
        raise gates.error(
            number, f"table {shown(text)} has more bits than the {1 << k} of {k} inputs"
        )
    return table


def _checked(gates: GateList, name: bytes, number: int) -> bytes:
    name = name.strip()
    if not _NAME.fullmatch(name):
        given = f"{shown(name)} is no name" if name else "a name is missing"
        raise gates.error(number, f'{given}; names have no spaces and none of # ( ) , = "')
    return name


def _text(name: bytes, where: str) -> str:
    try:
        return unescape(name.decode())
    except UnicodeDecodeError:
        raise ModelError(f"{where}: the name {shown(name)} is no UTF-8 text") from None


def bench_lines(circuit: Circuit) -> Iterator[str]:
    """Text of the .bench file of a circuit, in pieces."""
    names, program = net_names(circuit, _FORBIDDEN), circuit.netlist.to_program()
    yield "# written by lgnx\n"
    yield f"# circuit {escape(circuit.name, _FORBIDDEN)}\n"
    yield from (f"# {line}\n" for line in to_comments(circuit.metadata))
    yield from (f"INPUT({name})\n" for name in names.variables[1 : 1 + program.n_inputs])
    yield from (f"OUTPUT({name})\n" for name in names.outputs)
    if any((run.fanins == 0).any() for run in program.runs):
        yield f"{names.variables[0]} = gnd\n"
    yield from _gates(program, names.variables)
    for literal, output in zip(program.outputs.tolist(), names.outputs, strict=True):
        if literal < 2:
            yield f"{output} = {'vdd' if literal else 'gnd'}\n"
        else:
            gate = "NOT" if literal & 1 else "BUFF"
            yield f"{output} = {gate}({names.variables[literal >> 1]})\n"


def _gates(program: Program, names: list[str]) -> Iterator[str]:
    """Text of the gates, with an inverter for each wire that x0 & ~x1 reads complemented."""
    inverted: dict[int, str] = {}
    inverter = f"{names[0]}_"
    wire = 1 + program.n_inputs
    for run in program.runs:
        second: Any = names
        if run.table == AND_NOT:
            for source in np.unique(run.fanins[:, 1]).tolist():
                if source not in inverted:
                    inverted[source] = f"{inverter}{source}"
                    yield f"{inverted[source]} = NOT({names[source]})\n"
            second = inverted
        kind = _WRITTEN[run.table]
        for start in range(0, run.count, _BLOCK):
            fanins = run.fanins[start : start + _BLOCK].tolist()
            own = names[wire + start : wire + start + len(fanins)]
            yield "".join(
                [
                    f"{name} = {kind}({names[a]}, {second[b]})\n"
                    for name, (a, b) in zip(own, fanins, strict=True)
                ]
            )
        wire += run.count


def _read(path: Path) -> onnx.ModelProto:
    circuit = read_bench(read_bytes(path), str(path))
    return model_of_file(circuit, path, FORMAT.name)


def _write(model: Any, path: Path, part: str = "all") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, bench_lines(circuit), "ascii")


FORMAT = Format(
    name="bench",
    title="ISCAS .bench, with the LUT lines of ABC and mockturtle",
    suffixes=(".bench",),
    read=_read,
    write=_write,
    write_options=(PART,),
    reads="gates of any fan-in and look-up tables, as a network of gates",
    writes="gates AND, NOR, XOR, NOT of the ISCAS benchmarks",
)
