from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from lgnx.passes.pipelines import PIPELINES, run_passes

BITWISE = PIPELINES["bitwise"]


def conv(m, x, window, kernels, rng, **attributes):
    return m.op("LogicConv", x, *m.trees(window, kernels, 2, 2, rng), depth=2, **attributes)


def flat(m, x, width):
    """Rows of bits; onnx's evaluator cannot do Flatten of no samples."""
    return m.op("Reshape", x, m.constant([0, width]))


def test_layers_hand_words_to_each_other(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(9)
    y = m.dense(m.dense(m.dense("x", 9, 20, 2, rng), 20, 20, 3, rng), 20, 8, 2, rng)
    result = apply(m.model(m.op("GroupSum", y, groups=2)), "lower-logic-dense", "lower-group-sum")
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (4, 3)
    result = apply(result, "cancel-pack-unpack", "remove-unused")
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"], ops(result)["Shape"]) == (1, 0, 1)


def test_bits_that_two_layers_read_are_packed_once(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(9)
    a, b = (m.dense("x", 9, 4, 2, rng) for _ in range(2))
    result = apply(m.model(a, b), "lower-logic-dense", "cancel-pack-unpack", "remove-unused")
    assert ops(result)["PackBits"] == 1


def test_words_that_come_as_words_are_not_unpacked(packed_model, apply, ops):
    result = apply(packed_model, *BITWISE)
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"], ops(result)["Shape"]) == (0, 0, 0)


def test_words_that_somebody_sees_are_packed_anew(make, apply, ops):
    m = make(3)
    flipped = m.op("BitwiseNot", m.op("PackBits", "x"))  # ones beyond the batch
    batch = m.op("Shape", "x", start=0, end=1)
    words = m.op("PackBits", m.op("UnpackBits", flipped, batch))
    result = apply(m.model(words), "cancel-pack-unpack")
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (2, 1)


def test_a_convolutional_network_packs_once_and_counts_once(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(2, 8, 8)
    y = conv(m, "x", 18, 6, rng, kernel_shape=[3, 3], pads=[1] * 4)
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = conv(m, y, 54, 5, rng, kernel_shape=[3, 3])
    y = m.op("LogicConvTranspose", y, *m.trees(20, 4, 3, 1, rng), kernel_shape=[2, 2])
    y = m.op("OrPool", y, kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    y = m.dense(flat(m, y, 36), 36, 20, 3, rng)
    y = m.dense(y, 20, 12, 2, rng)
    result = apply(m.model(m.op("GroupSum", y, groups=3, tau=2.0)), *BITWISE)
    counts = ops(result)
    assert (counts["PackBits"], counts["UnpackBits"], counts["BitCount"]) == (1, 0, 1)
    assert counts["Shape"] == 1
    assert not set(counts) & {"LogicConv", "LogicConvTranspose", "OrPool", "LogicDense", "GroupSum"}


def test_words_that_come_as_words_go_into_a_convolution_as_they_are(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make("words", dtype=TensorProto.UINT64, batch=36)
    m.inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, [1]))
    x = m.op("Reshape", m.op("UnpackBits", "x", "batch"), m.constant([-1, 1, 6, 6]))
    y = m.op("OrPool", conv(m, x, 9, 4, rng, kernel_shape=[3, 3]), kernel_shape=[4, 4])
    result = apply(m.model(m.op("GroupSum", flat(m, y, 4), groups=2)), *BITWISE)
    assert not set(ops(result)) & {"PackBits", "UnpackBits", "Shape"}


# The bits that are moved are 2 channels of 4 x 6.
MOVES = {
    "channels last": lambda m, x: m.op("Transpose", x, perm=[0, 3, 1, 2]),
    "channels joined": lambda m, x: m.op("Concat", x, x, axis=1),
    "rows joined": lambda m, x: m.op("Concat", x, x, x, axis=-1),
    "rows picked": lambda m, x: m.op("Gather", x, m.constant([3, -1, 0, 0]), axis=2),
    "bits picked": lambda m, x: m.op("Gather", x, m.constant([[3, 1], [0, 5]]), axis=-1),
    "a channel": lambda m, x: m.op("Gather", x, m.constant(1), axis=1),
    "a slice": lambda m, x: m.op("Slice", x, *map(m.constant, ([1, -5], [4, 6], [2, -1], [1, 2]))),
    "the whole batch": lambda m, x: m.op("Slice", x, *map(m.constant, ([0, 1], [2**63 - 1, 2]))),
    "flipped": lambda m, x: m.op("Slice", x, *map(m.constant, ([5], [-7], [3], [-2]))),
    "padded": lambda m, x: m.op("Pad", x, m.constant([0, 0, 1, 2, 0, 1, 0, 3])),
    "padded with ones": lambda m, x: m.op(
        "Pad", x, m.constant([0, 0, 0, 2, 0, 0, 1, 3]), m.constant(np.True_)
    ),
    "edges repeated": lambda m, x: m.op(
        "Pad", x, m.constant([1, 0, 2, 0]), "", m.constant([3, 1]), mode="edge"
    ),
    "tiled": lambda m, x: m.op("Tile", x, m.constant([1, 2, 1, 3])),
    "reshaped": lambda m, x: m.op("Reshape", x, m.constant([0, 6, 8])),
    "squeezed": lambda m, x: m.op(
        "Squeeze", m.op("Unsqueeze", x, m.constant([1])), m.constant([1])
    ),
    "itself": lambda m, x: m.op("Identity", x),
    "inverted": lambda m, x: m.op("Not", x),
    "xor a constant": lambda m, x: m.op("Xor", x, m.constant(np.eye(4, 6) > 0)),
    "or a constant": lambda m, x: m.op("Or", m.constant(np.array([[[True]], [[False]]])), x),
    "and one channel": lambda m, x: m.op("And", x, m.op("Gather", x, m.constant([0]), axis=1)),
}


@pytest.mark.parametrize("move", MOVES)
def test_words_move_as_their_bits_do(make, apply, ops, move):
    rng = np.random.default_rng(0)
    m = make(2, 4, 6)
    y = MOVES[move](m, conv(m, "x", 18, 2, rng, kernel_shape=[3, 3], pads=[1] * 4))
    shape = m.model(y).graph.output[0].type.tensor_type.shape
    width = int(np.prod([dim.dim_value for dim in shape.dim][1:]))
    y = m.dense(flat(m, y, width), width, 9, 2, rng)
    result = apply(m.model(y), *BITWISE)
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (1, 1)


def test_both_parts_of_a_split_stay_words(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(3, 5)
    x = conv(m, "x", 9, 4, rng, kernel_shape=[3], pads=[1, 1])
    y = m.op("Split", x, m.constant([1, 3]), axis=1)
    m.nodes[-1].output.append("second")
    a = m.dense(flat(m, y, 5), 5, 4, 2, rng)
    b = m.dense(flat(m, "second", 15), 15, 4, 2, rng)
    result = apply(m.model(m.op("Xor", a, b)), *BITWISE)
    assert (ops(result)["PackBits"], ops(result)["Split"]) == (1, 0)


def test_a_skip_connection_packs_the_bits_that_it_skips_with_once(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(3, 4, 4)
    y = conv(m, "x", 27, 3, rng, kernel_shape=[3, 3], pads=[1] * 4)
    y = m.op("Concat", m.op("Or", "x", y), "x", axis=1)
    y = m.dense(flat(m, y, 96), 96, 8, 2, rng)
    result = apply(m.model(y), *BITWISE)
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (1, 1)
    assert not set(ops(result)) & {"Or", "LogicConv"}


def test_bits_that_are_read_as_bits_are_unpacked_beside(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(1, 4, 4)
    y = conv(m, "x", 9, 3, rng, kernel_shape=[3, 3])
    z = m.dense(flat(m, y, 12), 12, 8, 2, rng)
    result = apply(m.model(y, z), *BITWISE)
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (1, 2)


@pytest.mark.parametrize("op", ["batch moved", "batch sliced", "batch of one", "samples merged"])
def test_bits_that_leave_their_sample_are_unpacked(make, apply, ops, op):
    rng = np.random.default_rng(0)
    m = make(2, 2)
    x = conv(m, "x", 4, 2, rng, kernel_shape=[2], pads=[1, 0])
    if op == "batch moved":
        x = m.op("Transpose", m.op("Transpose", x, perm=[2, 1, 0]), perm=[2, 1, 0])
    elif op == "batch sliced":
        x = m.op("Slice", x, m.constant([0]), m.constant([1]), m.constant([0]))
    elif op == "batch of one":
        x = m.op("And", x, m.op("Slice", x, m.constant([0]), m.constant([1]), m.constant([0])))
    else:
        x = m.op("Unsqueeze", m.op("Reshape", x, m.constant([-1, 2])), m.constant([2]))
    width = 2 if op == "samples merged" else 4
    y = m.dense(flat(m, x, width), width, 3, 2, rng)
    result = apply(m.model(y), *BITWISE)
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (2, 2)


@pytest.mark.parametrize("op", ["Reshape", "Transpose", "Gather", "Concat", "Slice", "Pad", "Tile"])
def test_words_whose_samples_are_moved_are_packed_anew(make, ops, op):
    m = make(3, batch=10)
    flipped = m.op("BitwiseNot", m.op("PackBits", "x"))  # ones beyond the batch
    words = m.op("PackBits", m.op("UnpackBits", flipped, m.constant([10])))
    arguments = {
        "Reshape": ([1, -1],),
        "Gather": ([0, 0],),
        "Slice": ([0], [1], [1]),
        "Pad": ([0, 0, 0, 1],),
        "Tile": ([1, 2],),
    }.get(op, ())
    attributes = {"Gather": {"axis": 1}, "Concat": {"axis": 1}, "Transpose": {"perm": [1, 0]}}
    inputs = [words, words] if op == "Concat" else [words, *map(m.constant, arguments)]
    moved = m.op(op, *inputs, **attributes.get(op, {}))
    columns = m.model(moved).graph.output[0].type.tensor_type.shape.dim[1].dim_value
    bits = m.op("UnpackBits", moved, m.constant([64 * columns]))
    assert ops(run_passes(m.model(bits), ["cancel-pack-unpack"]))["PackBits"] == 2
