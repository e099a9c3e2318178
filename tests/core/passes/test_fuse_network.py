from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from lgnx.passes.pipelines import run_passes

FLOAT = TensorProto.FLOAT


def test_a_classifier_becomes_one_node(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(4, dtype=FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([[0.25, 0.75]], np.float32)))
    flat = m.op("Reshape", bits, m.constant([0, 8]))
    y = m.dense(m.dense(flat, 8, 20, 2, rng), 20, 12, 4, rng)
    result = apply(m.model(m.op("GroupSum", y, groups=3, tau=2.0)), "fuse-network", "remove-unused")
    assert ops(result) == {"LogicNetwork": 1}
    assert len(result.graph.node[0].input) == 3


def test_words_become_the_input_of_the_network(packed_model, apply, ops):
    result = apply(packed_model, "fuse-network", "remove-unused")
    assert ops(result) == {"LogicNetwork": 1}
    (node,) = result.graph.node
    assert (node.input[0], *node.input[2:]) == ("x", "", "batch")


def packed(make, constant=False):
    m = make("words", dtype=TensorProto.UINT64, batch=9)
    batch = m.constant(np.array([65])) if constant else "batch"
    if not constant:
        m.inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, [1]))
    return m, m.op("UnpackBits", "x", batch)


def test_bits_of_words_may_be_moved_and_given_out(make, apply, ops):
    rng = np.random.default_rng(0)
    m, bits = packed(make)
    turned = m.op("Gather", bits, m.constant(rng.permutation(9)), axis=1)
    square = m.op("Reshape", m.op("Xor", turned, bits), m.constant([0, 3, 3]))
    y, z = m.dense(square, 3, 5, 2, rng), m.op("Not", bits)
    result = apply(m.model(y, z), "fuse-network", "remove-unused")
    assert (ops(result)["LogicNetwork"], ops(result)["UnpackBits"]) == (1, 0)


def test_words_are_unpacked_where_something_else_reads_the_bits(make, apply, ops):
    rng = np.random.default_rng(0)
    m, bits = packed(make)
    y, count = m.dense(bits, 9, 5, 2, rng), m.op("GroupSum", bits, groups=3)
    result = apply(m.model(y, count), "fuse-network", "remove-unused")
    assert ops(result) == {"LogicNetwork": 1, "UnpackBits": 1, "GroupSum": 1}
    assert [len(n.input) for n in result.graph.node if n.op_type == "LogicNetwork"] == [4]


def test_bits_from_two_places_are_joined_as_bits(make, apply, ops):
    rng = np.random.default_rng(0)
    m, bits = packed(make)
    more = m.op("UnpackBits", m.op("BitwiseNot", "x"), "batch")
    y = m.dense(m.op("Concat", bits, more, axis=1), 18, 5, 2, rng)
    result = apply(m.model(y), "fuse-network", "remove-unused")
    assert (ops(result)["LogicNetwork"], ops(result)["UnpackBits"]) == (1, 2)
    assert [len(n.input) for n in result.graph.node if n.op_type == "LogicNetwork"] == [2]


def test_a_second_network_takes_what_the_first_gave(make, apply, ops):
    rng = np.random.default_rng(0)
    m, bits = packed(make)
    first = m.dense(bits, 9, 8, 2, rng)
    share = m.op("Softmax", m.op("Cast", first, to=FLOAT))
    late = m.op("Concat", first, m.op("Greater", share, m.constant(np.float32(0.2))), axis=1)
    result = apply(m.model(m.dense(late, 16, 4, 2, rng)), "fuse-network", "remove-unused")
    assert (ops(result)["LogicNetwork"], ops(result)["UnpackBits"]) == (2, 0)


def test_a_constant_batch_gives_the_shape(make):
    rng = np.random.default_rng(0)
    m, bits = packed(make, constant=True)
    result = run_passes(m.model(m.dense(bits, 9, 5, 2, rng)), ["fuse-network", "remove-unused"])
    onnx.checker.check_model(result, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(result, strict_mode=True)
    dims = inferred.graph.output[0].type.tensor_type.shape.dim
    assert [d.dim_value for d in dims] == [65, 5]


def test_branches_and_ordinary_logic_are_part_of_it(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(6)
    a, b = m.dense("x", 6, 8, 2, rng), m.dense("x", 6, 8, 2, rng)
    joined = m.op("Concat", m.op("Xor", a, b), m.op("Not", m.op("And", a, b)), "x", axis=1)
    chosen = m.op(
        "Where", m.op("Gather", joined, m.constant([3]), axis=1), joined, m.constant(True)
    )
    result = apply(m.model(m.dense(chosen, 22, 7, 3, rng)), "fuse-network", "remove-unused")
    assert ops(result) == {"LogicNetwork": 1}


def test_several_sources_and_sinks_are_joined_and_split(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(2, 3, dtype=FLOAT)
    flat = m.op("Reshape", "x", m.constant([0, 6]))
    low = m.op("Greater", flat, m.constant(np.float32(0.25)))
    high = m.op("Greater", flat, m.constant(np.float32(0.75)))
    y = m.dense(m.op("Concat", low, high, axis=1), 12, 10, 2, rng)
    z = m.op("Reshape", m.dense(y, 10, 6, 2, rng), m.constant([0, 2, 3]))
    names = ("recognise-thermometer", "fuse-network", "remove-unused")
    result = apply(m.model(y, z), *names)
    assert ops(result)["LogicNetwork"] == 1
    assert ops(result)["LogicDense"] == ops(result)["Thermometer"] == 0


def test_what_is_not_boolean_parts_two_networks(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(6)
    first = m.dense("x", 6, 8, 2, rng)
    share = m.op("Softmax", m.op("Cast", first, to=FLOAT))
    late = m.op("Concat", first, m.op("Greater", share, m.constant(np.float32(0.2))), axis=1)
    result = apply(m.model(m.dense(late, 16, 4, 2, rng)), "fuse-network", "remove-unused")
    assert ops(result)["LogicNetwork"] == 2


def test_an_operator_that_mixes_samples_stays_outside(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(6, batch=4)
    turned = m.op("Transpose", m.dense("x", 6, 4, 2, rng), perm=[1, 0])
    model = m.model(m.dense(turned, 4, 4, 2, rng))
    result = run_passes(model, ["fuse-network"])
    assert ops(result)["Transpose"] == 1


def test_a_model_without_logic_is_left_alone(make, apply, ops):
    m = make(6, dtype=FLOAT)
    assert ops(apply(m.model(m.op("Relu", "x")), "fuse-network")) == {"Relu": 1}


@pytest.mark.parametrize("dtype", [TensorProto.INT32, TensorProto.DOUBLE])
def test_the_type_of_the_scores_is_kept(make, apply, dtype):
    rng = np.random.default_rng(0)
    m = make(6)
    y = m.op("GroupSum", m.dense("x", 6, 8, 2, rng), groups=2, dtype=dtype, bias=1.0)
    apply(m.model(y), "fuse-network", "remove-unused")


@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 999))
def test_any_boolean_graph_keeps_its_function(make, apply, ops, data, seed):
    rng = np.random.default_rng(seed)
    m = make(4)
    values = [("x", 4)]
    for _ in range(data.draw(st.integers(1, 6))):
        kind = data.draw(st.sampled_from(["dense", "concat", "gather", "xor", "not", "reshape"]))
        x, width = data.draw(st.sampled_from(values))
        if kind == "dense":
            n, k = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
            values.append((m.dense(x, width, n, k, rng), n))
        elif kind == "concat":
            other, more = data.draw(st.sampled_from(values))
            values.append((m.op("Concat", x, other, axis=1), width + more))
        elif kind == "gather":
            n = data.draw(st.integers(1, 5))
            values.append((m.op("Gather", x, m.constant(rng.integers(0, width, n)), axis=1), n))
        elif kind == "xor":
            y = m.op("Gather", x, m.constant(rng.permutation(width)), axis=1)
            values.append((m.op("Xor", x, y), width))
        elif kind == "not":
            values.append((m.op("Not", x), width))
        else:
            column = m.op("Reshape", x, m.constant([0, width, 1]))
            values.append((m.op("Squeeze", column, m.constant([2])), width))
    outputs = list(
        dict.fromkeys(v for v, _ in (values[-1], data.draw(st.sampled_from(values[1:]))))
    )
    result = apply(m.model(*outputs), "fuse-network", "remove-unused")
    assert ops(result)["LogicDense"] == ops(result)["Xor"] == 0


def trees(m, channels, kernel, n, k, depth, rng):
    nodes = sum(k**level for level in range(depth))
    tables = rng.integers(0, 256, (n, nodes, max(1, 2**k // 8)), dtype=np.uint8)
    if k < 3:
        tables &= np.uint8(2**2**k - 1)
    indices = rng.integers(0, channels * int(np.prod(kernel)), (n, k**depth), dtype=np.int32)
    return m.constant(indices), m.constant(tables)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), d=st.integers(1, 3), seed=st.integers(0, 999))
def test_convolutions_and_pools_are_unrolled(make, apply, ops, data, d, seed):
    def each(low, high, n=d):
        return data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    rng = np.random.default_rng(seed)
    channels, kernels = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    k, depth = data.draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (4, 1), (6, 1)]))
    spatial, kernel, strides, dilations = each(3, 4), each(1, 2), each(1, 2), each(1, 2)
    a = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    m = make(channels, *spatial)
    weights = trees(m, channels, kernel, kernels, k, depth, rng)
    kind = data.draw(st.sampled_from(["LogicConv", "LogicConvTranspose", "OrPool"]))
    if kind == "LogicConv":
        y = m.op(kind, "x", *weights, depth=depth, pads=each(0, 2, 2 * d), **a)
    elif kind == "OrPool":
        pads = [data.draw(st.integers(0, n - 1)) for n in kernel * 2]
        y = m.op(kind, "x", kernel_shape=kernel, strides=strides, pads=pads)
    else:
        added = [data.draw(st.integers(0, s - 1)) for s in strides]
        y = m.op(kind, "x", *weights, depth=depth, output_padding=added, **a)
    result = apply(m.model(m.op("Not", y)), "fuse-network", "remove-unused")
    assert set(ops(result)) <= {"LogicNetwork", "Reshape"}


def test_a_convolutional_classifier_becomes_one_node(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(2, 4, 4, dtype=FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([0.25, 0.75], np.float32)))
    bits = m.op("Reshape", m.op("Transpose", bits, perm=[0, 1, 4, 2, 3]), m.constant([0, 4, 4, 4]))
    y = m.op("LogicConv", bits, *trees(m, 4, [3, 3], 6, 2, 2, rng), kernel_shape=[3, 3], depth=2)
    y = m.op("OrPool", y, kernel_shape=[2, 2])
    y = m.dense(m.op("Reshape", y, m.constant([0, 6])), 6, 8, 2, rng)
    result = apply(m.model(m.op("GroupSum", y, groups=4)), "fuse-network", "remove-unused")
    assert ops(result) == {"LogicNetwork": 1}
    assert len(result.graph.node[0].input) == 3


def test_the_batch_may_be_any_axis_between_two_layers(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(3, 4)
    turned = m.op("Transpose", m.dense("x", 4, 5, 2, rng), perm=[2, 0, 1])
    y = m.op("Transpose", m.dense(turned, 3, 4, 2, rng), perm=[1, 0, 2])
    result = apply(m.model(y), "fuse-network", "remove-unused")
    assert ops(result) == {"LogicNetwork": 1, "Reshape": 2}


def test_rows_of_samples_may_be_a_batch_of_their_own(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(3, 4)
    rows = m.dense(m.op("Reshape", "x", m.constant([-1, 4])), 4, 5, 2, rng)
    y = m.dense(m.op("Reshape", rows, m.constant([-1, 15])), 15, 4, 2, rng)
    result = apply(m.model(y, rows), "fuse-network", "remove-unused")
    assert ops(result)["LogicNetwork"] == 1
    assert ops(result)["LogicDense"] == 0
