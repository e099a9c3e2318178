from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import lgnx
from lgnx.ops import OPERATORS
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


def words_of(x, rng):
    """The words of PackBits, with anything in the bits beyond the batch."""
    words = OPERATORS["PackBits"].reference(x)
    if len(x) % 64:
        words[:, -1] |= rng.integers(0, 2**64, len(words), np.uint64) << np.uint64(len(x) % 64)
    return words


def agree_on_words(agree, x, program, **attributes):
    """Words give, in every way, what the bits in them give to the reference."""
    words, batch = words_of(x, np.random.default_rng(len(x))), np.array([len(x)])
    y = agree("LogicNetwork", words, program, None, batch, **attributes)
    np.testing.assert_array_equal(y, OPERATORS["LogicNetwork"].reference(x, program, **attributes))


def test_words_hold_a_sample_in_each_bit(agree):
    x = np.array([[0b1010], [0b1100]], np.uint64)  # the four samples of the first test
    y = agree("LogicNetwork", x, SMALL, None, np.array([4]), n_outputs=3)
    np.testing.assert_array_equal(y, [[0, 1, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1]])


def test_words_without_a_batch_are_numbers(agree):
    x = np.array([[0b1010, 0], [0b1100, 1]], np.uint64)
    y = agree("LogicNetwork", x, SMALL, n_outputs=3)
    np.testing.assert_array_equal(y, [[1, 0, 1], [0, 0, 1]])


@pytest.mark.parametrize("groups", [0, 4])
@pytest.mark.parametrize("width", [5, 130])
@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65, 513, 1000])
def test_corner_batches_of_words(agree, batch, width, groups):
    rng = np.random.default_rng(width)
    program = random_program(rng, width, [3, 70, 1, 40], 140)
    scores = {"groups": groups, "dtype": TensorProto.FLOAT, "tau": 3.0} if groups else {}
    x = rng.random((batch, width)) < 0.5
    agree_on_words(agree, x, program, n_outputs=140, **scores)


@pytest.mark.parametrize("value", [False, True])
def test_words_of_one_value(agree, value):
    program = random_program(np.random.default_rng(3), 70, [30, 20], 10)
    agree_on_words(agree, np.full((65, 70), value), program, n_outputs=10)


def test_words_one_hot(agree):
    program = random_program(np.random.default_rng(4), 130, [60, 20], 10)
    agree_on_words(agree, np.eye(130, dtype=bool), program, n_outputs=10)


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(0, 700),
    n_inputs=st.integers(0, 80),
    sizes=st.lists(st.integers(1, 20), max_size=8),
    size=st.integers(1, 10),
    groups=st.integers(0, 3),
    seed=st.integers(0, 999),
)
def test_any_program_on_words(agree, batch, n_inputs, sizes, size, groups, seed):
    rng = np.random.default_rng(seed)
    n_outputs = size * max(groups, 1)
    program = random_program(rng, n_inputs, sizes, n_outputs)
    scores = {"groups": groups, "dtype": TensorProto.INT64} if groups else {}
    x = rng.random((batch, n_inputs)) < 0.5
    agree_on_words(agree, x, program, n_outputs=n_outputs, **scores)


def test_the_reference_refuses_words_that_do_not_fit():
    run, words = OPERATORS["LogicNetwork"].reference, np.zeros((2, 2), np.uint64)
    with pytest.raises(ValueError, match="batch is 64, which does not fit 2 words of 64 samples"):
        run(words, SMALL, None, np.array([64]), n_outputs=3)
    with pytest.raises(ValueError, match="thresholds are given together with batch"):
        run(words, SMALL, np.zeros(1, np.uint64), np.array([65]), n_outputs=3)


@pytest.mark.parametrize(("constant", "extent"), [(True, 70), (False, None)])
def test_the_batch_of_words_is_inferred_where_it_is_constant(constant, extent):
    node = helper.make_node(
        "LogicNetwork", ["x", "program", "", "batch"], ["y"], domain=lgnx.ops.DOMAIN, n_outputs=3
    )
    batch = numpy_helper.from_array(np.array([70]), "batch")
    inputs = [helper.make_tensor_value_info("x", TensorProto.UINT64, [2, 2])]
    if not constant:
        inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, [1]))
    initializers = [numpy_helper.from_array(SMALL, "program"), *([batch] if constant else [])]
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name="y")], initializers)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(lgnx.ops.DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    y = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
    first, second = y.type.tensor_type.shape.dim
    assert (first.dim_value if first.HasField("dim_value") else None) == extent
    assert (y.type.tensor_type.elem_type, second.dim_value) == (TensorProto.BOOL, 3)


X = np.zeros((3, 2), bool)
WORDS = np.zeros((2, 2), np.uint64)


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


@pytest.mark.parametrize(
    ("x", "thresholds", "batch", "expected"),
    [
        (X, None, [3], "input x: is bool, must be uint64 where batch is given"),
        (WORDS.view(np.int64), None, [65], "input x: is int64, must be uint64 where batch is"),
        (WORDS[:, 0], None, [65], "input x: has rank 1, must be 2"),
        (WORDS[:1], None, [65], "input x: gives 1 bits, the program takes 2"),
        (WORDS, None, [64], "input batch: is 64, which does not fit 2 words of 64 samples"),
        (WORDS, None, [129], "input batch: is 129, which does not fit 2 words of 64 samples"),
        (WORDS, None, [-1], "input batch: is -1, must not be negative"),
        (WORDS, None, [65, 65], "input batch: has shape [2], must be [1]"),
        (WORDS, None, 65, "input batch: has shape [], must be [1]"),
        (WORDS, [[1]], [65], "input thresholds: is given together with batch"),
    ],
)
def test_bad_words_are_named(problems, x, thresholds, batch, expected):
    limits = None if thresholds is None else np.array(thresholds, x.dtype)
    found = problems("LogicNetwork", x, SMALL, limits, np.array(batch, np.int64), n_outputs=3)
    assert f"'node', {expected}" in found


def test_a_batch_of_another_type_is_named(problems):
    found = problems("LogicNetwork", WORDS, SMALL, None, np.array([65], np.int32), n_outputs=3)
    assert "'node', input batch: is tensor(int32), must be tensor(int64)" in found


def test_good_words_have_no_problems(problems):
    assert not problems("LogicNetwork", WORDS, SMALL, None, np.array([65]), n_outputs=3)


def test_the_shape_of_a_batch_is_checked_where_it_is_no_constant(make):
    m = make(2, dtype=TensorProto.UINT64, batch=2)
    m.inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, [2]))
    y = m.op("LogicNetwork", "x", m.constant(SMALL), "", "batch", n_outputs=3)
    (problem,) = lgnx.check(m.model(y))
    assert str(problem).endswith("input batch: has shape [2], must be [1]")


@pytest.mark.parametrize(
    ("x", "thresholds", "batch", "expected"),
    [
        (X, None, [3], "must be uint64 of shape [N, W] where batch is given"),
        (WORDS.view(np.int64), None, [65], "must be uint64 of shape [N, W] where batch is given"),
        (WORDS[:, 0], None, [65], "must be uint64 of shape [N, W] where batch is given"),
        (WORDS[..., None], None, [65], "must be uint64 of shape [N, W] where batch is given"),
        (WORDS[:1], None, [65], "gives 1 bits, the program takes 2"),
        (WORDS[:0], None, [65], "gives 0 bits, the program takes 2"),
        (WORDS, None, [64], "input batch: is 64, which does not fit 2 words of 64 samples"),
        (WORDS, None, [129], "input batch: is 129, which does not fit 2 words of 64 samples"),
        (WORDS, None, [-1], "input batch: is -1, which does not fit 2 words of 64 samples"),
        (WORDS, None, [2**62], "which does not fit 2 words of 64 samples"),
        (WORDS[:, :0], None, [-1], "input batch: is -1, which does not fit 0 words of 64"),
        (WORDS, None, [65, 65], "must be int64 of shape [1]"),
        (WORDS, None, [], "must be int64 of shape [1]"),
        (WORDS, None, 65, "must be int64 of shape [1]"),
        (WORDS, [[1]], [65], "input thresholds: is given together with batch"),
    ],
)
def test_bad_words_stop_the_run_and_not_the_process(refused, x, thresholds, batch, expected):
    limits = None if thresholds is None else np.array(thresholds, x.dtype)
    inputs = (x, SMALL, limits, np.array(batch, np.int64))
    assert expected in refused("LogicNetwork", *inputs, n_outputs=3)


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
