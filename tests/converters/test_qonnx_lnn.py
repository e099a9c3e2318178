"""What is read of qonnx.custom_op.lnn, against its definition in lnn_reference.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from lgnx.check import check
from lgnx.converters.qonnx_lnn import from_lnn, to_lnn
from tests.converters.lnn_reference import GENERAL, Maker, assert_same_outputs, numbers, ops

SEEDS = st.integers(0, 2**32 - 1)
TYPES = {"bool": bool, "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_lookup_table_is_read(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(SEEDS))
    kind = data.draw(st.sampled_from(sorted(TYPES)))
    bits = 1 if kind == "bool" else data.draw(st.integers(1, 3))
    k = data.draw(st.integers(1, 6 // bits))
    channels, rows = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    entry = data.draw(st.sampled_from([*TYPES, "int8", "int16", "int32"]))
    size = (rows, 2 ** (k * bits))
    info = np.iinfo(entry) if entry != "bool" else None
    top = data.draw(st.sampled_from([2, 8, None]))
    if info is None:
        table = rng.integers(0, 2, size).astype(bool)
    elif top is None:
        table = rng.integers(info.min, info.max, size, dtype=entry, endpoint=True)
    else:
        table = rng.integers(0, top, size).astype(entry)
    shape = data.draw(st.sampled_from([(), (3,), (2, 2)]))
    m = Maker(*shape, channels, dtype=TYPES[kind])
    index = data.draw(st.sampled_from([np.int32, np.int64]))
    indices = rng.integers(0, channels, (rows, k)).astype(index)
    model = m.model(m.lnn("LookupTable", "x", indices, table, input_bits=bits))
    result = from_lnn(model)
    x = numbers(rng, TYPES[kind], bits, data.draw(st.integers(0, 3)), *shape, channels)
    assert_same_outputs(model, result, x)
    assert check(result) == []


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_lookup_table_conv_is_read(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(SEEDS))
    d = data.draw(st.sampled_from([2, 2, 3]))
    channels, kernels, k = (data.draw(st.integers(1, 3)) for _ in range(3))
    kernel = [data.draw(st.integers(1, 3)) for _ in range(d)]
    sizes = [w + data.draw(st.integers(0, 2)) for w in kernel]
    depth = data.draw(st.integers(0, 3 if k < 3 else 2))
    kind = data.draw(st.sampled_from([bool, np.uint8] if depth else list(TYPES.values())))
    width = channels * int(np.prod(kernel))
    indices = rng.integers(0, width, (kernels, k ** max(depth - 1, 0), k))
    inputs = [indices]
    if depth:
        nodes = sum(k**i for i in range(depth))
        entry = data.draw(st.sampled_from([bool, np.uint8]))
        inputs.append(rng.integers(0, 2, (kernels, nodes, 2**k)).astype(entry))
    attributes: dict[str, Any] = {"kernel_shape": kernel, "tree_depth": depth}
    if data.draw(st.booleans()):
        attributes["strides"] = [data.draw(st.integers(1, 3)) for _ in range(d)]
    if data.draw(st.booleans()):
        attributes["pads"] = [data.draw(st.integers(0, 2)) for _ in range(2 * d)]
        attributes["channel_group_size"] = 1
    m = Maker(*sizes, channels, dtype=kind)
    model = m.model(m.lnn("LookupTableConv", "x", *inputs, **attributes))
    result = from_lnn(model)
    many = 1 if depth or kind is bool else 7
    x = numbers(rng, kind, many, data.draw(st.integers(0, 3)), *sizes, channels)
    assert_same_outputs(model, result, x)
    if depth:
        assert ops(result).count("LogicConv") == 1
    else:
        assert "LogicConv" not in ops(result)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans(), st.integers(1, 2), st.sampled_from([0, 1]))
def test_patches_and_a_table_are_a_convolution(
    seed: int, casts: bool, stride: int, fill: int
) -> None:
    rng = np.random.default_rng(seed)
    kind = np.float32 if casts else np.uint8
    m = Maker(5, 6, 2, dtype=kind)
    y = m.op(
        "Im2Col",
        "x",
        domain=GENERAL,
        kernel_size=[2, 3],
        stride=[stride, 1],
        pad_amount=[1, 0, 0, 2],
        pad_value=fill,
        dilations=[2, 1],
        input_shape="(1,5,6,2)",
    )
    if casts:
        y = m.op("Cast", y, to=TensorProto.UINT8)
    indices, table = rng.integers(0, 12, (4, 3)), rng.integers(0, 2, (4, 8)).astype(np.uint8)
    model = m.model(m.lnn("LookupTable", y, indices, table))
    result = from_lnn(model)
    assert_same_outputs(model, result, rng.integers(0, 2, (3, 5, 6, 2)).astype(kind))
    assert ("LogicConv" in ops(result)) == (fill == 0)
    assert ("Gather" in ops(result)) == (fill == 1)


def test_chains_of_numbers_are_layers_of_bits(rng: np.random.Generator) -> None:
    m = Maker(6, dtype=np.uint8)
    first = m.lnn(
        "LookupTable",
        "x",
        rng.integers(0, 6, (5, 3)),
        rng.integers(0, 4, (5, 64)).astype(np.uint16),
        input_bits=2,
        out_bits=2,
    )
    wide = rng.integers(0, 8, (3, 4)).astype(np.uint16)
    other = m.lnn("LookupTable", "x", rng.integers(0, 6, (3, 1)), wide, input_bits=2)
    both = m.op("Concat", first, other, axis=-1)
    last = m.lnn(
        "LookupTable",
        both,
        rng.integers(0, 8, (4, 2)),
        rng.integers(-9, 9, (4, 64)).astype(np.int8),
        input_bits=3,
    )
    scores = m.op("Mul", m.op("Cast", last, to=TensorProto.FLOAT), np.float32([0.375]))
    model = m.model(scores)
    result = from_lnn(model)
    assert_same_outputs(model, result, numbers(rng, np.uint8, 2, 70, 6))
    assert ops(result).count("LogicDense") == 3
    # Between the layers there are only bits: what the last one reads is a Concat of the others.
    readers = {node.op_type for node in result.graph.node if "LogicDense" in node.input[0]}
    assert "BitwiseAnd" not in readers
    makers = {name: node for node in result.graph.node for name in node.output}
    dense = [node for node in result.graph.node if node.op_type == "LogicDense"]
    assert makers[dense[-1].input[0]].op_type == "Concat"


def test_layers_of_several_fan_ins_stay_a_concat_of_layers(rng: np.random.Generator) -> None:
    m = Maker(9, dtype=np.uint8)
    parts = [
        m.lnn(
            "LookupTable",
            "x",
            rng.integers(0, 9, (4, k)),
            rng.integers(0, 2, (4, 2**k)).astype(np.uint8),
        )
        for k in (1, 2, 5)
    ]
    y = m.op("Concat", *parts, axis=1)
    table = rng.integers(0, 2, (7, 4)).astype(np.uint8)
    y = m.lnn("LookupTable", y, rng.integers(0, 12, (7, 2)), table)
    model = m.model(y)
    result = from_lnn(model)
    assert_same_outputs(model, result, numbers(rng, np.uint8, 1, 40, 9))
    assert ops(result) == ["Cast", *["LogicDense"] * 3, "Concat", "LogicDense", "Cast"]


def test_a_network_as_the_fork_writes_it_becomes_layers(rng: np.random.Generator) -> None:
    """Images channel first as numbers, MaxPool, and sums by Reshape, ReduceSum and Div."""
    m = Maker(2, 8, 8, dtype=np.float32)
    y = m.op("Cast", "x", to=TensorProto.UINT8)
    y = m.op("Transpose", y, perm=[0, 2, 3, 1])
    y = m.lnn(
        "LookupTableConv",
        y,
        rng.integers(0, 18, (6, 2, 2)),
        rng.integers(0, 2, (6, 3, 4)).astype(np.uint8),
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        tree_depth=2,
    )
    y = m.op("Cast", m.op("Transpose", y, perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    y = m.op("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = m.op("Transpose", m.op("Cast", y, to=TensorProto.UINT8), perm=[0, 2, 3, 1])
    y = m.lnn(
        "LookupTableConv",
        y,
        rng.integers(0, 24, (5, 1, 3)),
        rng.integers(0, 2, (5, 1, 8)).astype(np.uint8),
        kernel_shape=[2, 2],
        strides=[2, 2],
    )
    y = m.op("Reshape", m.op("Transpose", y, perm=[0, 3, 1, 2]), np.array([-1, 20]))
    table = rng.integers(0, 2, (12, 16)).astype(np.uint8)
    y = m.lnn("LookupTable", y, rng.integers(0, 20, (12, 4)), table)
    y = m.op("Cast", m.op("Reshape", y, np.array([0, 3, 4])), to=TensorProto.FLOAT)
    y = m.op("ReduceSum", y, np.array([-1]), keepdims=0)
    y = m.op("Div", m.op("Add", y, np.float32(0.25)), np.float32(1.7))
    model = m.model(y)
    result = from_lnn(model)
    layers = ["LogicConv", "OrPool", "LogicConv", "Reshape", "LogicDense", "GroupSum"]
    assert ops(result) == ["Cast", "Cast", *layers]  # to uint8, as the model has it, and to bits
    assert_same_outputs(model, result, (rng.random((9, 2, 8, 8)) < 0.5).astype(np.float32))
    attributes = {a.name: helper.get_attribute_value(a) for a in result.graph.node[-1].attribute}
    assert (attributes["groups"], attributes["bias"]) == (3, 0.25)
    assert attributes["tau"] == np.float32(1.7)


def test_older_onnx_operators_are_brought_up_to_date(rng: np.random.Generator) -> None:
    m = Maker(6)
    y = m.lnn("LookupTable", "x", rng.integers(0, 6, (8, 2)), rng.integers(0, 2, (8, 4)) > 0)
    y = m.op("Cast", y, to=TensorProto.FLOAT)
    model = m.model(m.op("ReduceSum", y, axes=[1], keepdims=0), opset=11)
    result = from_lnn(model)
    x = rng.random((5, 6)) < 0.5
    assert_same_outputs(result, from_lnn(to_lnn(result)), x)
    assert next(e.version for e in result.opset_import if not e.domain) == 18
