"""Writing circuits as AIGER files, ASCII and binary."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from lgnx.converters.circuit import Circuit
from lgnx.converters.circuit_notes import to_notes
from lgnx.converters.percent_names import escape_ports
from lgnx.netlist.xor_gates import expand_xors

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")  # ABC and yosys end a name at a space
_ROWS = 1 << 16  # so many lines are made at a time


def pieces(circuit: Circuit, binary: bool) -> Iterator[bytes]:
    """Bytes of the AIGER file of a circuit; an XOR becomes three ANDs."""
    netlist = expand_xors(circuit.netlist)
    n_inputs, n_ands, outputs = netlist.n_inputs, netlist.n_nodes, netlist.outputs
    counts = f"{n_inputs + n_ands} {n_inputs} 0 {len(outputs)} {n_ands}"
    yield f"{'aig' if binary else 'aag'} {counts}\n".encode()
    own = 2 * np.arange(n_inputs + 1, n_inputs + 1 + n_ands, dtype=np.uint32)
    fanins = np.sort(netlist.fanins, axis=1)[:, ::-1]
    if not binary:
        yield from _lines(2 * np.arange(1, n_inputs + 1)[:, None])
    yield from _lines(outputs[:, None])
    if binary:
        deltas = np.stack([own - fanins[:, 0], fanins[:, 0] - fanins[:, 1]], axis=1).ravel()
        for start in range(0, len(deltas), _ROWS):
            yield _varints(deltas[start : start + _ROWS])
    else:
        yield from _lines(np.concatenate([own[:, None], fanins], axis=1))
    yield from _symbols(circuit)
    notes = to_notes(circuit, "aiger")
    if notes:
        yield "\n".join(["c", *notes, ""]).encode("utf-8", "backslashreplace")


def _symbols(circuit: Circuit) -> Iterator[bytes]:
    """Names of the ports, but for those that a port without a symbol has."""
    # ABC refuses an output called as an input.
    inputs, outputs = escape_ports(circuit.input_names, circuit.output_names, _FORBIDDEN)
    for letter, default, names in (("i", "x", inputs), ("o", "y", outputs)):
        for i, name in enumerate(names):
            if name != f"{default}[{i}]":
                yield f"{letter}{i} {name}\n".encode()


def _lines(numbers: np.ndarray) -> Iterator[bytes]:
    """Numbers [n, columns] as lines."""
    row = " ".join(["%d"] * numbers.shape[1]) + "\n"
    for start in range(0, len(numbers), _ROWS):
        part = numbers[start : start + _ROWS]
        yield (row * len(part) % tuple(part.ravel().tolist())).encode()


def _varints(values: np.ndarray) -> bytes:
    """Numbers below 2^32, seven bits a byte, the low ones first; all bytes but the last + 128."""
    shifts = np.arange(0, 35, 7, dtype=np.uint64)
    groups = values[:, None].astype(np.uint64) >> shifts
    more = groups >> np.uint64(7) > 0
    coded = (groups & np.uint64(127)).astype(np.uint8) | (more.astype(np.uint8) << 7)
    needed = np.ones(coded.shape, bool)
    needed[:, 1:] = more[:, :-1]
    return coded[needed].tobytes()
