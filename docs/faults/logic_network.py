"""Faults of LogicNetwork nodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faults import Fault
from faults._packed import PACKED
from faults._scale import GROUPS, SCALE
from faults.thermometer import THRESHOLDS
from lgnx.ops.program import MAGIC, Program, Run, encode

GATE = Run(2, 0x2, np.array([[1, 2]], np.uint32))
PROGRAM = encode(Program(2, [GATE], np.array([6, 3], np.uint32)))
WORDS = np.zeros((2, 1), np.uint64)
BATCH = np.array([3], np.int64)
NUMBERS = np.zeros((1, 1), np.float32)
PAIR = np.array([0.25, 0.5], np.float32)


def words(*changes: tuple[int, int], append: int | None = None) -> dict[str, np.ndarray]:
    """Give the program of the example with words set by position."""
    program = PROGRAM.copy()
    for position, value in changes:
        program[position] = value
    return {"program": program if append is None else np.append(program, np.uint32(append))}


PROGRAMS = [
    Fault("the program is no initializer", {}, ["program"]),
    Fault("the program has not one axis", {"program": PROGRAM[None]}),
    Fault("the program is shorter than its header", {"program": PROGRAM[:7]}),
    Fault("magic is another", words((0, MAGIC - 1))),
    Fault("version is another", words((1, 2))),
    Fault("reserved is not 0", words((7, 1))),
    Fault("there are more or fewer words than the header says", words(append=0)),
    Fault("n_inputs is more than 2^24", words((2, 2**24 + 1))),
    Fault("there are no outputs", {"program": np.delete(words((6, 0))["program"], [14, 15])}),
    Fault("there are more than 2^31 wires", words((3, 2**31), (9, 2**31))),
    Fault("n_gates is more than the gates of the runs", words((3, 2))),
    Fault("n_gates is less than the gates of the runs", words((3, 0))),
    Fault("n_operands is more than the runs use", words((5, 3), append=0)),
    Fault("the fan-ins of a run reach beyond n_operands", words((9, 2))),
    Fault("k of a run is less than 1 or more than 6", words((8, 7))),
    Fault(
        "a run has no gates",
        {"program": np.delete(words((3, 0), (5, 0), (9, 0))["program"], [12, 13])},
    ),
    Fault("a table has bits beyond 2^k", words((10, 0x12))),
    Fault("a gate reads a wire that does not exist before its run", words((12, 3))),
    Fault("an output names a wire that does not exist", words((14, 8))),
    Fault("n_outputs is not that of the program", {"n_outputs": 3}),
    Fault("x does not give the bits that the program takes", {"x": np.zeros((4, 3), bool)}),
]

INPUTS = [
    Fault("strict is neither 0 nor 1", {"strict": 2}),
    Fault("x is floats, and there are no thresholds", {"x": np.zeros((4, 2), np.float32)}),
    Fault(
        "x is bits, and there are thresholds",
        {"x": np.zeros((4, 1), bool), "thresholds": np.array([False, True])},
    ),
    Fault("x and thresholds differ in type", {"x": NUMBERS.astype(np.float64), "thresholds": PAIR}),
    Fault(
        "there are thresholds beside batch",
        {"x": WORDS, "batch": BATCH, "thresholds": np.array([1, 2], np.uint64)},
    ),
    Fault("there is a batch, and x is not uint64", {"x": WORDS.astype(np.int64), "batch": BATCH}),
    Fault("groups is 0, and dtype is not bool", {"dtype": 1}),
]

SCORED = [replace(fault, change={"dtype": 1, **fault.change}) for fault in [*GROUPS, *SCALE]]
NUMERIC = [replace(fault, change={"x": NUMBERS, **fault.change}) for fault in THRESHOLDS]
BATCHED = [replace(fault, change={"x": WORDS, "batch": BATCH, **fault.change}) for fault in PACKED]

FAULTS = [*INPUTS, *PROGRAMS, *SCORED, *NUMERIC, *BATCHED]
