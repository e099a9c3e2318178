from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.ops.engine import NativeProgram
from lgnx.ops.errors import LgnxError
from lgnx.ops.program import MAX_INPUTS, Program, ProgramError, Run, decode, encode

WORDS = np.array([0x584E474C, 1, 2, 1, 1, 2, 2, 0, 2, 1, 2, 0, 1, 2, 6, 3], np.uint32)
GATE = Run(2, 0x2, np.array([[1, 2]], np.uint32))
PROGRAM = Program(2, [GATE], np.array([6, 3], np.uint32))


@st.composite
def programs(draw):
    n_inputs = draw(st.integers(0, 8))
    wires, runs = 1 + n_inputs, []
    for _ in range(draw(st.integers(0, 5))):
        k, count = draw(st.integers(1, 6)), draw(st.integers(1, 5))
        size = k * count
        fanins = draw(st.lists(st.integers(0, wires - 1), min_size=size, max_size=size))
        table = draw(st.integers(0, 2**2**k - 1))
        runs.append(Run(k, table, np.array(fanins, np.uint32).reshape(count, k)))
        wires += count
    outputs = draw(st.lists(st.integers(0, 2 * wires - 1), min_size=1, max_size=6))
    return Program(n_inputs, runs, np.array(outputs, np.uint32))


def test_the_words_are_those_of_the_specification():
    np.testing.assert_array_equal(encode(PROGRAM), WORDS)
    assert WORDS.astype("<u4").tobytes()[:4] == b"LGNX"


@settings(deadline=None)
@given(programs())
def test_decoding_undoes_encoding(program):
    again = decode(encode(program))
    assert (again.n_inputs, again.n_gates) == (program.n_inputs, program.n_gates)
    np.testing.assert_array_equal(again.outputs, program.outputs)
    for a, b in zip(again.runs, program.runs, strict=True):
        assert (a.k, a.table) == (b.k, b.table)
        np.testing.assert_array_equal(a.fanins, b.fanins)
    np.testing.assert_array_equal(encode(again), encode(program))


def changed(place, value):
    words = WORDS.copy()
    words[place] = value
    return words


BAD_WORDS = [
    (WORDS[:7], "header"),
    (WORDS[:-1], "words"),
    (np.append(WORDS, np.uint32(0)), "words"),
    (changed(0, 7), "magic"),
    (changed(1, 2), "version"),
    (changed(2, 2**31), "n_inputs"),
    (changed(3, 2), "n_gates"),
    (changed(4, 2**32 - 1), "words"),
    (changed(5, 3), "words"),
    (changed(6, 0), "words"),
    (changed(7, 1), "reserved"),
    (changed(8, 0), "run 0"),
    (changed(8, 7), "run 0"),
    (changed(9, 2), "run 0"),
    (changed(9, 0), "run 0|n_operands"),
    (changed(10, 0x12), "run 0"),
    (changed(11, 1), "run 0"),
    (changed(13, 3), "run 0"),
    (changed(14, 8), "outputs"),
]


@pytest.mark.parametrize(("words", "field"), BAD_WORDS)
def test_bad_words_name_their_field_in_python_and_in_the_engine(words, field):
    with pytest.raises(ProgramError, match=f"program, ({field}):"):
        decode(words)
    with pytest.raises(LgnxError, match=f"program, ({field}):"):
        NativeProgram(words)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), program=programs())
def test_python_and_the_engine_refuse_the_same_words(data, program):
    words = encode(program)
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(words) - 1))
        words[place] = data.draw(st.one_of(st.integers(0, 9), st.integers(0, 2**32 - 1)))
    outcomes = []
    for read in (decode, NativeProgram):
        try:
            read(words)
            outcomes.append("valid")
        except LgnxError:
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("words", [WORDS.astype(np.int32), WORDS.reshape(2, 8)])
def test_words_are_a_vector_of_uint32(words):
    with pytest.raises(ProgramError, match="must be uint32 of rank 1"):
        decode(words)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_inputs": -1}, "n_inputs: is -1, must be 0 to"),
        ({"n_inputs": MAX_INPUTS + 1}, "n_inputs: is 16777217, must be 0 to 16777216"),
        ({"outputs": np.zeros(0, np.uint32)}, "n_outputs: is 0, must be at least 1"),
        ({"outputs": np.array([8], np.uint32)}, "outputs: literal 8 is out of range: 4 wires"),
        ({"runs": [dataclasses.replace(GATE, k=7)]}, "run 0: k is 7, must be 1 to 6"),
        ({"runs": [dataclasses.replace(GATE, table=16)]}, "run 0: table 0x10 has bits beyond"),
        ({"runs": [dataclasses.replace(GATE, k=1, table=1)]}, r"run 0: fan-ins of shape \(1, 2\)"),
        ({"runs": [Run(2, 1, GATE.fanins[:0])]}, "run 0: has no gates"),
        ({"runs": [GATE, Run(1, 1, np.array([[4]], np.uint32))]}, "run 1: reads wire 4, only 4"),
    ],
)
def test_a_bad_program_is_not_encoded(fields, message):
    with pytest.raises(ProgramError, match=message):
        encode(dataclasses.replace(PROGRAM, **fields))
