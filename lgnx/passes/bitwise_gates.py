"""Gates as bitwise operators on words: what the lowering of all logic layers has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.passes.edit import Inserter
from lgnx.passes.words import WORDS

Group = tuple[int, np.ndarray, np.ndarray]
"""Gates of one function: its two-input table, the wires of x0 and the wires of x1."""


@dataclass(frozen=True)
class Gates:
    """Two-input gates in groups.

    Attributes
    ----------
    n_inputs
        Wires 0 to n_inputs - 1 are the inputs; gates follow in order.
    groups
        The gates; a group reads earlier ones only.
    outputs
        Literals: 2 * wire + complement.
    """

    n_inputs: int
    groups: list[Group]
    outputs: np.ndarray


def simplified_gates(netlist: Netlist) -> Gates:
    """Simplify a netlist and group its gates by level and function."""
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs)
    program = Netlist(netlist.n_inputs, *parts).to_program()
    # The program counts constant false as wire 0; here it becomes a gate where it is read.
    groups = [
        (run.table, run.fanins[:, 0].astype(np.int64) - 1, run.fanins[:, 1].astype(np.int64) - 1)
        for run in program.runs
    ]
    wires = (program.outputs >> 1).astype(np.int64) - 1
    if (wires < 0).any():
        groups.append((0, np.zeros(1, np.int64), np.zeros(1, np.int64)))
        wires = np.where(wires < 0, netlist.n_inputs + program.n_gates, wires)
    return Gates(netlist.n_inputs, groups, 2 * wires + (program.outputs & 1))


def emit_gates(insert: Inserter, words: ir.Value, gates: Gates) -> ir.Value:
    """Write gates as bitwise operators along the first axis of words.

    Groups that do not read each other are a level. After each level one Concat joins what it made
    with the earlier wires that are still to be read, which one Gather picks.

    Parameters
    ----------
    words
        uint64 [n_inputs, ..., W].

    Returns
    -------
    onnx_ir.Value
        uint64 [outputs, ..., W].
    """
    levels = _levels(gates)
    last_read = np.full(gates.n_inputs + sum(len(a) for _, a, _ in gates.groups), -1)
    for number, groups in enumerate(levels):
        for _, a, b in groups:
            last_read[a] = last_read[b] = number
    wires, complements = gates.outputs >> 1, gates.outputs & 1
    last_read[wires] = len(levels)
    state, held = words, np.arange(gates.n_inputs)  # the wire of each row of the state
    row = np.zeros(len(last_read), np.int64)
    first = gates.n_inputs
    for number, groups in enumerate(levels):
        row[held] = np.arange(len(held))
        parts = [_gate(insert, code, state, row[a], row[b]) for code, a, b in groups]
        kept = held[last_read[held] > number]
        if len(kept):
            parts.insert(0, _rows(insert, state, row[kept]))
        end = first + sum(len(a) for _, a, _ in groups)
        held, first = np.concatenate([kept, np.arange(first, end)]), end
        state = parts[0]
        if len(parts) > 1:
            state = insert.op(
                "Concat", parts, {"axis": 0}, dtype=WORDS, shape=_shape(words, len(held))
            )
    row[held] = np.arange(len(held))
    result = _rows(insert, state, row[wires])
    if complements.any():
        mask = np.where(complements, ~np.uint64(0), np.uint64(0)).astype(np.uint64)
        mask = mask.reshape(-1, *[1] * (len(_shape(words, 1)) - 1))
        flips = insert.constant("complements", mask)
        shape = _shape(words, len(wires))
        result = insert.op("BitwiseXor", [result, flips], dtype=WORDS, shape=shape)
    return result


def _levels(gates: Gates) -> list[list[Group]]:
    """Split the groups, so that none reads another one of its level."""
    levels: list[list[Group]] = []
    end = start = gates.n_inputs
    for group in gates.groups:
        _, a, b = group
        if not levels or max(a.max(initial=0), b.max(initial=0)) >= start:
            levels.append([])
            start = end
        levels[-1].append(group)
        end += len(a)
    return levels


def _shape(words: ir.Value, rows: int) -> list[object]:
    assert words.shape is not None
    return [rows, *words.shape[1:]]


def _rows(insert: Inserter, words: ir.Value, rows: np.ndarray) -> ir.Value:
    assert words.shape is not None
    if words.shape[0] == len(rows) and np.array_equal(rows, np.arange(len(rows))):
        return words
    return _gather(insert, words, rows)


def _gather(insert: Inserter, words: ir.Value, rows: np.ndarray) -> ir.Value:
    index = insert.constant("wires", rows.astype(np.int32))
    shape = _shape(words, len(rows))
    return insert.op("Gather", [words, index], {"axis": 0}, dtype=WORDS, shape=shape)


def _gate(insert: Inserter, code: int, words: ir.Value, a: np.ndarray, b: np.ndarray) -> ir.Value:
    """All gates of one two-input function, by its truth table."""
    shape = _shape(words, len(a))

    def binary(op: str, x: ir.Value, y: ir.Value) -> ir.Value:
        return insert.op(op, [x, y], dtype=WORDS, shape=shape)

    def invert(x: ir.Value) -> ir.Value:
        return insert.op("BitwiseNot", [x], dtype=WORDS, shape=shape)

    if code & 1:  # the complement is 0 at address 0, which leaves eight functions
        return invert(_gate(insert, ~code & 0xF, words, a, b))
    if code == 0xA:
        return _gather(insert, words, a)
    if code == 0xC:
        return _gather(insert, words, b)
    x, y = _gather(insert, words, a), _gather(insert, words, b)
    makers: dict[int, Callable[[], ir.Value]] = {
        0x0: lambda: binary("BitwiseXor", x, x),
        0x2: lambda: binary("BitwiseAnd", x, invert(y)),
        0x4: lambda: binary("BitwiseAnd", invert(x), y),
        0x6: lambda: binary("BitwiseXor", x, y),
        0x8: lambda: binary("BitwiseAnd", x, y),
        0xE: lambda: binary("BitwiseOr", x, y),
    }
    return makers[code]()
