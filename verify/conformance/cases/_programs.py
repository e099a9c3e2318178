"""Programs for LogicNetwork: random ones, and those that it must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from lgnx.ops.program import Program, Run, encode
from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.make import Random


def program(random: Random, n_inputs: int, n_outputs: int, ks: tuple[int, ...] = (2, 3, 1)) -> Any:
    """Words of a program with a run of five gates for each fan-in of ``ks``."""
    wires, runs = 1 + n_inputs, []
    for k in ks:
        table = int(random.words(1)[0]) & (1 << (1 << k)) - 1
        runs.append(Run(k, table, random.integers(0, wires, (5, k), np.uint32)))
        wires += 5
    return encode(Program(n_inputs, runs, random.integers(0, 2 * wires, n_outputs, np.uint32)))


def program_errors(error_of: partial[Case]) -> Iterator[Case]:
    """Give a case for every rule of the format."""
    good = encode(Program(2, [Run(2, 8, np.array([[1, 2]], np.uint32))], np.array([6], np.uint32)))
    x = np.zeros((3, 2), bool)

    def error(name: str, covers: str, code: np.ndarray) -> Case:
        return error_of(
            name,
            covers,
            "program",
            "node",
            {"x": x, "program": code},
            constants=["program"],
            n_outputs=1,
        )

    changes = {
        "magic": (0, 0, "another magic number"),
        "program_version": (1, 2, "a later version of the program"),
        "many_inputs": (2, (1 << 24) + 1, "more inputs than allowed"),
        "gate_count": (3, 2, "n_gates is not what the runs hold"),
        "low_gate_count": (3, 0, "n_gates is less than the runs hold"),
        "run_count": (4, 2, "n_runs beyond the words"),
        "operand_count": (5, 3, "n_operands is not what the runs use"),
        "low_operand_count": (5, 1, "n_operands is less than the runs use"),
        "no_outputs": (6, 0, "n_outputs is 0 in the program"),
        "reserved": (7, 1, "the reserved word is not 0"),
        "k_7": (8, 7, "a fan-in of 7"),
        "k_0": (8, 0, "a fan-in of 0"),
        "empty_run": (9, 0, "a run without gates"),
        "many_wires": (9, 2**31, "more wires than 2^31"),
        "table_bits": (10, 0x18, "bits beyond the 2^k of a table"),
        "table_high_bits": (11, 1, "high bits beyond the 2^k of a table"),
        "later_wire": (12, 3, "a gate that reads itself"),
        "far_wire": (13, 2**32 - 1, "a gate that reads a wire that does not exist"),
        "output_literal": (14, 8, "an output literal that does not exist"),
    }
    for name, (place, value, covers) in changes.items():
        code = good.copy()
        code[place] = value
        yield error(name, covers, code)
    yield error("truncated_program", "a word too few", good[:-1])
    yield error("long_program", "a word too many", np.append(good, np.uint32(0)))
    yield error("short_header", "less than a header", good[:5])
    yield error("empty_program", "no words", good[:0])
    yield error("matrix", "a program of rank 2", good[None])
    yield error("signed_program", "an int32 program", good.astype(np.int32))
