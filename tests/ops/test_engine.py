from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lgnx.ops import OPERATORS, engine
from lgnx.ops.errors import LgnxError
from lgnx.ops.program import Program, Run, encode

CPU = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
VARIANTS = ["portable"] + ["avx2"] * ("avx2" in CPU) + ["avx512"] * ("avx512bw" in CPU)

COMPARE = """
import sys
import numpy as np
from lgnx.ops import OPERATORS, engine
assert engine.simd() == sys.argv[1], engine.simd()
rng = np.random.default_rng(0)
words = np.load(sys.argv[2])
program = engine.NativeProgram(words)
for batch in (0, 1, 63, 64, 65, 511, 512, 513, 1100):
    x = rng.random((batch, program.n_inputs)) < 0.5
    expected = OPERATORS["LogicNetwork"].reference(x, words, n_outputs=program.n_outputs)
    assert (program.run(x) == expected).all(), batch
"""


def every_gate_program(rng) -> np.ndarray:
    """All tables of one and two inputs, random ones of three to six, each in runs of its own."""
    tables = [(k, t) for k in (1, 2) for t in range(2**2**k)]
    tables += [(k, int.from_bytes(rng.bytes(8), "little") % 2**2**k) for k in (3, 4, 5, 6) * 3]
    wires, runs = 11, []
    for k, table in tables:
        count = int(rng.integers(1, 6))
        runs.append(Run(k, table, rng.integers(0, wires, (count, k)).astype(np.uint32)))
        wires += count
    return encode(Program(10, runs, np.arange(2 * wires, dtype=np.uint32)))


@pytest.mark.parametrize("simd", VARIANTS)
def test_every_instruction_set_gives_the_reference(simd, tmp_path):
    words = tmp_path / "words.npy"
    np.save(words, every_gate_program(np.random.default_rng(1)))
    environment = os.environ | {"LGNX_SIMD": simd}
    command = [sys.executable, "-c", COMPARE, simd, str(words)]
    subprocess.run(command, env=environment, check=True)


def test_an_unknown_instruction_set_is_an_error():
    code = (
        "import numpy as np; from lgnx.ops import engine; from lgnx.ops.program import *\n"
        "program = engine.NativeProgram(encode(Program(3, [], np.array([2], np.uint32))))\n"
        "program.run(np.zeros((2, 3), bool))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"LGNX_SIMD": "mmx"},
        capture_output=True,
        text=True,
    )
    assert "LGNX_SIMD is 'mmx', which this machine or build does not have" in done.stderr


def test_every_gate_in_this_process():
    rng = np.random.default_rng(2)
    words = every_gate_program(rng)
    program = engine.NativeProgram(words)
    x = rng.random((777, 10)) < 0.5
    expected = OPERATORS["LogicNetwork"].reference(x, words, n_outputs=program.n_outputs)
    np.testing.assert_array_equal(program.run(x), expected)


def test_bits_must_fit_the_program():
    words = encode(Program(3, [], np.array([2], np.uint32)))
    with pytest.raises(LgnxError, match=r"bits of shape \(2, 4\), must be \[B, 3\]"):
        engine.NativeProgram(words).run(np.zeros((2, 4), bool))


@pytest.mark.parametrize("literal", [6, 2**32 - 1])
def test_a_netlist_with_a_literal_out_of_range_is_refused(literal):
    kinds, fanins = np.zeros(1, np.uint8), np.array([[2, literal]], np.uint32)
    with pytest.raises(LgnxError, match="literal"):
        engine.optimize(2, kinds, fanins, np.array([0], np.uint32))
    with pytest.raises(LgnxError, match="literal"):
        engine.levels(2, fanins)
    with pytest.raises(LgnxError, match="literal"):
        engine.optimize(2, kinds[:0], fanins[:0], np.array([literal], np.uint32))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
def test_a_profile_times_every_stage(dtype):
    words = encode(Program(6, [], np.arange(2, 14, dtype=np.uint32)))
    program = engine.NativeProgram(words)
    x = np.random.default_rng(0).integers(0, 2, (700, 2)).astype(dtype)
    thresholds = np.zeros((2, 3), dtype)
    for groups in (0, 3):
        if dtype != "bool":
            times = program.profile(x, thresholds, groups=groups)
            assert min(times) > 0
        assert min(program.profile(np.repeat(x, 3, axis=1), groups=groups)) > 0


def test_a_profile_refuses_what_does_not_fit():
    program = engine.NativeProgram(encode(Program(6, [], np.array([2, 4], np.uint32))))
    x = np.zeros((4, 2), np.float32)
    with pytest.raises(LgnxError, match="do not give the inputs of the program"):
        program.profile(x)
    with pytest.raises(LgnxError, match=r"thresholds of shape \(3, 3\) for x of shape \(4, 2\)"):
        program.profile(x, np.zeros((3, 3), np.float32))
    with pytest.raises(LgnxError, match="the thresholds its dtype"):
        program.profile(x, np.zeros((2, 3), np.float64))
    with pytest.raises(LgnxError, match="unsupported type"):
        program.profile(np.zeros((4, 6), np.complex64))
    with pytest.raises(LgnxError, match="groups"):
        program.profile(np.zeros((4, 6), bool), groups=5)
