from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from lgnx.ops.program import Program, Run, encode

# Wire 3 is x_0 and not x_1; the outputs are wire 3, not x_0, and constant 1.
SMALL = encode(
    Program(2, [Run(2, 0x2, np.array([[1, 2]], np.uint32))], np.array([6, 3, 1], np.uint32))
)


def random_program(rng, n_inputs, run_sizes, n_outputs):
    wires, runs = 1 + n_inputs, []
    for count in run_sizes:
        k = int(rng.integers(1, 7))
        table = int.from_bytes(rng.bytes(8), "little") & ((1 << (1 << k)) - 1)
        runs.append(Run(k, table, rng.integers(0, wires, (count, k)).astype(np.uint32)))
        wires += count
    outputs = rng.integers(0, 2 * wires, n_outputs).astype(np.uint32)
    return encode(Program(n_inputs, runs, outputs))


def test_a_program_is_run_as_its_format_says(agree):
    x = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    y = agree("LogicNetwork", x, SMALL, n_outputs=3)
    np.testing.assert_array_equal(y, [[0, 1, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1]])


def test_a_thermometer_goes_in_front_and_a_group_sum_behind(agree):
    x = np.array([[0.1], [0.3], [0.6], [np.nan]], np.float32)
    thresholds = np.array([[0.25, 0.5]], np.float32)
    counts = np.array([1 + 1, 2 - 1 + 1, 0 + 0 + 1, 0 + 1 + 1])  # of the truth table above
    y = agree(
        "LogicNetwork", x, SMALL, thresholds, n_outputs=3, groups=1, tau=4.0, bias=0.5, beta=-1.0,
        dtype=TensorProto.FLOAT,
    )  # fmt: skip
    np.testing.assert_array_equal(y[:, 0], ((counts + 0.5) / 4 - 1).astype(np.float32))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "int64", "uint64"])
def test_without_thresholds_what_is_not_zero_is_one(agree, dtype):
    x = np.array([[0, 2], [1, 0], [0, 0]]).astype(dtype)
    agree("LogicNetwork", x, SMALL, n_outputs=3)


@pytest.mark.parametrize("groups", [0, 4])
@pytest.mark.parametrize("width", [5, 130])
def test_corner_batches(agree, corner_bits, width, groups):
    rng = np.random.default_rng(width)
    program = random_program(rng, width, [3, 70, 1, 40], 140)
    scores = {"groups": groups, "dtype": TensorProto.INT32} if groups else {}
    for x in corner_bits(width):
        agree("LogicNetwork", x, program, n_outputs=140, **scores)


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(0, 200),
    n_inputs=st.integers(0, 12),
    sizes=st.lists(st.integers(1, 20), max_size=8),
    n_outputs=st.integers(1, 30),
    seed=st.integers(0, 999),
)
def test_any_program(agree, batch, n_inputs, sizes, n_outputs, seed):
    rng = np.random.default_rng(seed)
    program = random_program(rng, n_inputs, sizes, n_outputs)
    x = rng.random((batch, n_inputs)) < 0.5
    agree("LogicNetwork", x, program, n_outputs=n_outputs)


@settings(max_examples=20, deadline=None)
@given(
    batch=st.integers(0, 130),
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    count=st.integers(1, 3),
    strict=st.integers(0, 1),
    dtype=st.sampled_from(["float32", "float64", "int32", "int64"]),
    seed=st.integers(0, 999),
)
def test_any_shape_with_thresholds(agree, batch, shape, count, strict, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (batch, *shape)).astype(dtype)
    thresholds = rng.integers(-3, 4, (*shape, count)).astype(dtype)
    program = random_program(rng, thresholds.size, [5, 9], 6)
    agree(
        "LogicNetwork", x, program, thresholds, n_outputs=6, groups=3, strict=strict,
        dtype=TensorProto.INT64,
    )  # fmt: skip


X = np.zeros((3, 2), bool)


@pytest.mark.parametrize(
    ("x", "program", "attributes", "expected"),
    [
        (X, SMALL[:-1], {}, "input program: program, words: 16 words, the header says 17"),
        (X, np.roll(SMALL, 1), {}, "input program: program, magic: is"),
        (X, SMALL, {"n_outputs": 4}, "attribute n_outputs: is 4, the program has 3 outputs"),
        (X, SMALL, {"groups": 2, "dtype": 1}, "attribute groups: is 2, which does not divide 3"),
        (X, SMALL, {"dtype": 1}, "attribute dtype: is 1, must be 9 (bool) where groups is 0"),
        (X, SMALL, {"groups": 1, "dtype": 6, "tau": 2.0}, "attribute tau"),
        (X[:, :1], SMALL, {}, "input x: gives 1 bits, the program takes 2"),
        (X.astype(np.float32), SMALL, {}, "input x: is float32, which needs the input thresholds"),
        (X, SMALL.astype(np.int32), {}, "input program: is tensor(int32), must be tensor(uint32)"),
    ],
)
def test_bad_models_are_named(problems, x, program, attributes, expected):
    attributes = {"n_outputs": 3} | attributes
    assert expected in problems("LogicNetwork", x, program, **attributes)


@pytest.mark.parametrize(
    ("x", "program", "attributes", "word"),
    [
        (X, SMALL[:-1], {}, "words"),
        (X, SMALL[:0], {}, "header"),
        (X, np.roll(SMALL, 1), {}, "magic"),
        (X, SMALL, {"n_outputs": 4}, "n_outputs"),
        (X, SMALL, {"groups": 2, "dtype": 1, "out": "float32"}, "groups"),
        (X, SMALL, {"groups": 1, "dtype": 1, "tau": 0.0, "out": "float32"}, "tau"),
        (X[:, :1], SMALL, {}, "x"),
        (X.astype(np.float32), SMALL, {}, "thresholds"),
    ],
)
def test_bad_inputs_stop_the_run_and_not_the_process(refused, x, program, attributes, word):
    assert word in refused("LogicNetwork", x, program, **{"n_outputs": 3} | attributes)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_program_never_crashes(refused, data):
    words = SMALL.copy()
    place = data.draw(st.integers(0, len(words) - 1))
    words[place] = data.draw(st.integers(0, 2**32 - 1).filter(lambda v: v != words[place]))
    from lgnx.ops.program import ProgramError, decode

    try:
        decode(words)
    except ProgramError:
        refused("LogicNetwork", X, words, n_outputs=3)
