"""What `lgnx inspect` tells about a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lgnx.inspect import WindowInfo, function_name, inspect
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops.errors import ModelError
from lgnx.ops.program import Program, Run, encode


def model_of(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> onnx.ModelProto:
    """A model from x float[batch, 4] to y whose constants are given by name."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(
        graph,
        producer_name="test",
        producer_version="7",
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)],
        ir_version=10,
    )


def layer_level() -> onnx.ModelProto:
    """Thermometer, six two-input gates, two four-input gates, a sum of two groups."""
    return model_of(
        [
            helper.make_node("Thermometer", ["x", "t"], ["b3"], "thermo", domain=DOMAIN),
            helper.make_node("Reshape", ["b3", "shape"], ["b"], "flatten"),
            helper.make_node("LogicDense", ["b", "i1", "t1"], ["h"], "first", domain=DOMAIN),
            helper.make_node("LogicDense", ["h", "i2", "t2"], ["s"], "second", domain=DOMAIN),
            helper.make_node("GroupSum", ["s"], ["y"], "sum", domain=DOMAIN, groups=2),
        ],
        t=np.zeros((4, 2), np.float32),
        shape=np.array([0, -1]),
        i1=np.arange(12, dtype=np.int32).reshape(6, 2) % 8,
        t1=np.array([[8], [8], [8], [2], [6], [6]], np.uint8),
        i2=np.array([[0, 1, 2, 3], [2, 3, 4, 5]], np.int32),
        t2=np.array([[1, 2], [3, 4]], np.uint8),
    )


def test_a_layer_level_model_is_described_layer_by_layer() -> None:
    info = inspect(layer_level())
    assert info.level == "layer"
    assert (info.gates, info.depth) == (8, 2)
    assert info.functions == {"x0 & x1": 3, "x0 ^ x1": 2, "4-input table": 2, "x0 & ~x1": 1}
    assert [(p.name, p.gates, p.k) for p in info.layers if p.gates] == [
        ("first", 6, 2), ("second", 2, 4),
    ]  # fmt: skip
    assert info.layers[2].input_shape == ("batch", 8)
    assert info.layers[2].output_shape == ("batch", 6)
    assert (info.producer, info.producer_version) == ("test", "7")
    assert info.opsets == {"ai.onnx": 18, DOMAIN: VERSION}
    assert not info.self_contained
    assert [(t.name, t.dtype, t.shape) for t in info.inputs] == [("x", "float", ("batch", 4))]


def test_convolutions_and_pools_are_counted_at_all_their_positions(make) -> None:
    m = make(1, 6, 6)
    # AND and XOR, then OR, for each of 2 kernels.
    tables = np.array([[[8], [6], [14]]] * 2, np.uint8)
    indices = np.array([[0, 1, 2, 3]] * 2, np.int32)
    y = m.op(
        "LogicConv",
        "x",
        m.constant(indices),
        m.constant(tables),
        kernel_shape=[2, 2],
        strides=[2, 2],
        depth=2,
    )
    y = m.op("OrPool", y, kernel_shape=[3, 2], pads=[1, 0, 1, 0])
    trees = m.trees(4, 3, 3, 1, np.random.default_rng(0))
    y = m.op("LogicConvTranspose", y, *trees, kernel_shape=[2, 1], strides=[1, 2])
    info = inspect(m.model(m.op("OrPool", y, kernel_shape=[1, 1])))
    convolution, pool, transposed, picked = info.layers
    assert convolution.window == WindowInfo(2, 6, 2, 9, (2, 2), (2, 2), (0,) * 4, (1, 1))
    assert (convolution.gates, convolution.k, convolution.depth) == (6 * 9, 2, 2)
    assert convolution.functions == {"x0 & x1": 18, "x0 ^ x1": 18, "x0 | x1": 18}
    assert pool.window == WindowInfo(None, None, None, 6, (3, 2), (1, 1), (1, 0, 1, 0))
    assert (pool.gates, pool.k, pool.functions) == (2 * 6, 6, {"6-input OR": 12})
    assert transposed.window is not None
    assert (transposed.window.positions, transposed.window.output_padding) == (4 * 3, (0, 0))
    assert (transposed.gates, transposed.functions) == (36, {"3-input table": 36})
    assert (picked.gates, picked.depth) == (None, 0)
    assert (info.gates, info.depth) == (54 + 12 + 36, 2 + 1 + 1)


def test_gates_of_a_convolution_whose_positions_are_not_known_are_not_counted(make) -> None:
    m = make(1, 6, "width")
    trees = m.trees(4, 3, 2, 1, np.random.default_rng(0))
    info = inspect(m.model(m.op("LogicConv", "x", *trees, kernel_shape=[2, 2])))
    window = info.layers[0].window
    assert window is not None
    assert (window.tables, window.positions, info.layers[0].gates) == (3, None, None)
    assert (info.gates, info.functions) == (0, {})


def test_a_gate_program_is_counted_and_its_depth_followed_through_the_runs() -> None:
    chain = Program(
        n_inputs=4,
        runs=[
            Run(2, 0x8, np.array([[1, 2], [3, 4]], np.uint32)),
            Run(2, 0x6, np.array([[5, 6]], np.uint32)),
            Run(1, 0x1, np.array([[7]], np.uint32)),
        ],
        outputs=np.array([2 * 8, 2 * 5 + 1], np.uint32),
    )
    model = model_of(
        [helper.make_node("LogicNetwork", ["b", "p"], ["y"], "net", domain=DOMAIN, n_outputs=2)],
        p=encode(chain),
    )
    info = inspect(model)
    assert info.level == "network"
    assert (info.gates, info.depth) == (4, 3)
    assert info.functions == {"x0 & x1": 2, "x0 ^ x1": 1, "~x0": 1}


def test_the_bitwise_level_counts_the_rows_of_its_packed_words() -> None:
    nodes = [
        helper.make_node("PackBits", ["b"], ["w"], domain=DOMAIN),
        helper.make_node("Gather", ["w", "left"], ["l"], axis=0),
        helper.make_node("Gather", ["w", "right"], ["r"], axis=0),
        helper.make_node("BitwiseAnd", ["l", "r"], ["a"]),
        helper.make_node("BitwiseNot", ["a"], ["n"]),
    ]
    model = model_of(nodes, left=np.array([0, 1, 2]), right=np.array([3, 3, 3]))
    model.graph.input[0].CopyFrom(
        helper.make_tensor_value_info("b", TensorProto.BOOL, ["batch", 4])
    )
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("n", TensorProto.UINT64, [3, "words"])
    )
    info = inspect(model)
    assert info.level == "bitwise"
    assert (info.gates, info.depth) == (6, 2)
    assert info.functions == {"x0 & x1": 3, "~x0": 3}


def test_a_model_without_logic_has_none() -> None:
    info = inspect(model_of([helper.make_node("Relu", ["x"], ["y"])]))
    assert (info.level, info.gates, info.depth, info.functions) == ("none", 0, 0, {})


def test_file_size_and_path_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(layer_level(), path)
    info = inspect(path)
    assert info.path == str(path)
    assert info.file_bytes == path.stat().st_size


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x09:"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.onnx: "):
        inspect(path)


def test_functions_are_named_by_their_table() -> None:
    assert [function_name(t, 1) for t in range(4)] == ["0", "~x0", "x0", "1"]
    assert function_name(0x2, 2) == "x0 & ~x1"
    assert function_name(0x1234, 4) == "4-input table"
