"""The LogicNetwork program: a gate network as one vector of uint32 words.

docs/network-program.md specifies it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lgnx.ops.errors import LgnxError

MAGIC = 0x584E474C  # "LGNX" in little-endian bytes
VERSION = 1
HEADER_WORDS = 8
RUN_WORDS = 4
MAX_FANIN = 6
MAX_WIRES = 1 << 31
MAX_INPUTS = 1 << 24


class ProgramError(LgnxError, ValueError):
    """A program is not valid; ``field`` names the part at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"program, {field}: {message}")
        self.field = field


@dataclass(frozen=True)
class Run:
    """Gates of one function that are evaluated together.

    Attributes
    ----------
    k
        Inputs of each gate, 1 to 6.
    table
        The function: bit j is the output at address j, 2^k bits.
    fanins
        uint32 [count, k], wires; column 0 is input x_0.
    """

    k: int
    table: int
    fanins: np.ndarray

    @property
    def count(self) -> int:
        """Number of gates."""
        return len(self.fanins)


@dataclass(frozen=True)
class Program:
    """A gate network.

    Wire 0 is constant false, wires 1 to n_inputs are the inputs, then come the gates in the order
    of the runs. A gate reads only wires that exist before its run starts.

    Attributes
    ----------
    n_inputs
        Number of input bits.
    runs
        The gates.
    outputs
        uint32 [n_outputs], literals: 2 * wire + complement.
    """

    n_inputs: int
    runs: list[Run] = field(default_factory=list)
    outputs: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))

    @property
    def n_gates(self) -> int:
        """Number of gates in all runs."""
        return sum(run.count for run in self.runs)

    @property
    def n_outputs(self) -> int:
        """Number of output bits."""
        return len(self.outputs)


def validate(program: Program) -> None:
    """Check every rule of the format.

    Raises
    ------
    ProgramError
        Naming the field, what was given and what is allowed.
    """
    if not 0 <= program.n_inputs <= MAX_INPUTS:
        raise ProgramError("n_inputs", f"is {program.n_inputs}, must be 0 to {MAX_INPUTS}")
    if program.n_outputs < 1:
        raise ProgramError("n_outputs", "is 0, must be at least 1")
    wires = 1 + program.n_inputs
    if wires + program.n_gates > MAX_WIRES:
        raise ProgramError("n_gates", f"{wires + program.n_gates} wires, at most {MAX_WIRES}")
    for number, run in enumerate(program.runs):
        where = f"run {number}"
        if not 1 <= run.k <= MAX_FANIN:
            raise ProgramError(where, f"k is {run.k}, must be 1 to {MAX_FANIN}")
        if run.count < 1:
            raise ProgramError(where, "has no gates, must have at least 1")
        if run.table >> (1 << run.k):
            raise ProgramError(where, f"table {run.table:#x} has bits beyond its {1 << run.k}")
        if run.fanins.ndim != 2 or run.fanins.shape[1] != run.k:
            raise ProgramError(where, f"fan-ins of shape {run.fanins.shape}, must be [n, {run.k}]")
        if run.fanins.max() >= wires:
            raise ProgramError(
                where, f"reads wire {run.fanins.max()}, only {wires} exist before the run"
            )
        wires += run.count
    if program.outputs.max() >> 1 >= wires:
        raise ProgramError(
            "outputs", f"literal {program.outputs.max()} is out of range: {wires} wires exist"
        )


def encode(program: Program) -> np.ndarray:
    """Write a program as uint32 words, shape [8 + 4 * n_runs + n_operands + n_outputs].

    Raises
    ------
    ProgramError
        If the program is not valid.
    """
    validate(program)
    operands = [np.asarray(run.fanins, np.uint32).ravel() for run in program.runs]
    n_operands = sum(len(part) for part in operands)
    header = [
        MAGIC,
        VERSION,
        program.n_inputs,
        program.n_gates,
        len(program.runs),
        n_operands,
        program.n_outputs,
        0,
    ]
    runs = [[run.k, run.count, run.table & 0xFFFFFFFF, run.table >> 32] for run in program.runs]
    return np.concatenate(
        [
            np.array(header, np.uint32),
            np.array(runs, np.uint32).ravel(),
            *operands,
            np.asarray(program.outputs, np.uint32),
        ]
    )


def decode(words: np.ndarray) -> Program:
    """Read a program from its words.

    Parameters
    ----------
    words
        uint32, one-dimensional.

    Raises
    ------
    ProgramError
        If the words are not a valid program of version 1.
    """
    words = np.asarray(words)
    if words.dtype != np.uint32 or words.ndim != 1:
        raise ProgramError(
            "words", f"{words.dtype} of shape {list(words.shape)}, must be uint32 of rank 1"
        )
    if len(words) < HEADER_WORDS:
        raise ProgramError("header", f"{len(words)} words, must be at least {HEADER_WORDS}")
    magic, version, n_inputs, n_gates, n_runs, n_operands, n_outputs, reserved = (
        int(word) for word in words[:HEADER_WORDS]
    )
    if magic != MAGIC:
        raise ProgramError("magic", f"is {magic:#x}, must be {MAGIC:#x}")
    if version != VERSION:
        raise ProgramError("version", f"is {version}, this release reads {VERSION}")
    if reserved:
        raise ProgramError("reserved", f"is {reserved}, must be 0")
    expected = HEADER_WORDS + RUN_WORDS * n_runs + n_operands + n_outputs
    if len(words) != expected:
        raise ProgramError("words", f"{len(words)} words, the header says {expected}")
    rows = words[HEADER_WORDS : HEADER_WORDS + RUN_WORDS * n_runs].reshape(n_runs, RUN_WORDS)
    start = HEADER_WORDS + RUN_WORDS * n_runs
    end = start + n_operands
    runs = []
    for number, (k, count, low, high) in enumerate(rows.tolist()):
        if not 1 <= k <= MAX_FANIN:
            raise ProgramError(f"run {number}", f"k is {k}, must be 1 to {MAX_FANIN}")
        if start + k * count > end:
            raise ProgramError(f"run {number}", "its fan-ins reach beyond n_operands")
        fanins = words[start : start + k * count].reshape(count, k)
        runs.append(Run(k, low | high << 32, fanins))
        start += k * count
    if start != end:
        raise ProgramError(
            "n_operands", f"is {n_operands}, the runs use {n_operands - end + start}"
        )
    program = Program(n_inputs, runs, words[end:])
    if program.n_gates != n_gates:
        raise ProgramError("n_gates", f"is {n_gates}, the runs hold {program.n_gates}")
    validate(program)
    return program
