"""qonnx, unmodified, in processes that never import lgnx themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import lgnx
from lgnx.ops import DOMAIN, OPERATORS

pytest.importorskip("qonnx")

BATCH = 5


@pytest.fixture
def model_path(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    constants = {
        "thresholds": np.array([[0.25, 0.75]], np.float32),
        "shape": np.array([BATCH, 8]),
        "indices": rng.integers(0, 8, (12, 2), dtype=np.int32),
        "tables": rng.integers(0, 16, (12, 1), dtype=np.uint8),
    }
    nodes = [
        helper.make_node("Thermometer", ["x", "thresholds"], ["t"], "t", domain=DOMAIN),
        helper.make_node("Reshape", ["t", "shape"], ["b"], "flatten"),
        helper.make_node("LogicDense", ["b", "indices", "tables"], ["h"], "h", domain=DOMAIN),
        helper.make_node("GroupSum", ["h"], ["y"], "s", domain=DOMAIN, groups=3, tau=2.0),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [BATCH, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [BATCH, 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    path = tmp_path / "model.onnx"
    lgnx.save(onnx.shape_inference.infer_shapes(model, strict_mode=True), path)
    return path


@pytest.fixture
def sample(tmp_path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(1).random((BATCH, 4), np.float32))
    return path


def scores(model_path, sample) -> np.ndarray:
    return lgnx.InferenceSession(model_path).run(None, {"x": np.load(sample)})[0]


def run(tmp_path, *command: str) -> None:
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_execute_onnx_runs_a_layer_level_model(tmp_path, model_path, sample):
    code = """
import numpy as np, sys
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
model = ModelWrapper(sys.argv[1]).transform(InferShapes())
assert model.get_tensor_shape("h") == [5, 12], model.get_tensor_shape("h")
np.save("y.npy", execute_onnx(model, {"x": np.load(sys.argv[2])})["y"])
"""
    run(tmp_path, sys.executable, "-c", code, str(model_path), str(sample))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), scores(model_path, sample))


def test_qonnx_cleanup_and_qonnx_exec_take_it(tmp_path, model_path, sample):
    bin_folder = Path(sys.executable).parent
    run(tmp_path, str(bin_folder / "qonnx-cleanup"), str(model_path), "--out-file", "clean.onnx")
    assert {n.op_type for n in onnx.load(tmp_path / "clean.onnx").graph.node} >= {"LogicDense"}
    run(
        tmp_path,
        *(str(bin_folder / "qonnx-exec"), "clean.onnx", str(sample)),
        *("--output-prefix", "out_"),
    )
    (result,) = tmp_path.glob("out_*.npy")
    np.testing.assert_array_equal(np.load(result), scores(model_path, sample))


def test_every_operator_has_a_class_that_runs_its_example():
    from qonnx.custom_op.registry import getCustomOp

    for name, operator in OPERATORS.items():
        arrays, attributes = operator.example
        formal = [value.name for value in operator.schema.inputs]
        context = {n: a for n, a in zip(formal, arrays, strict=False) if a is not None}
        node = helper.make_node(name, list(context), ["y"], name, domain=DOMAIN, **attributes)
        custom_op = getCustomOp(node)
        custom_op.execute_node(context, None)
        expected = operator.reference(*arrays, **attributes)
        np.testing.assert_array_equal(context["y"], expected)


def test_the_class_of_a_network_takes_words():
    from qonnx.custom_op.registry import getCustomOp

    (x, program, _), attributes = OPERATORS["LogicNetwork"].example
    inputs = ["x", "program", "", "batch"]
    node = helper.make_node("LogicNetwork", inputs, ["y"], "n", domain=DOMAIN, **attributes)
    words = OPERATORS["PackBits"].reference(x)
    context = {"x": words, "program": program, "batch": np.array([len(x)])}
    custom_op = getCustomOp(node)
    custom_op.execute_node(context, None)
    expected = OPERATORS["LogicNetwork"].reference(x, program, **attributes)
    np.testing.assert_array_equal(context["y"], expected)
    assert custom_op.verify_node() == [""]


def test_importing_every_operator_without_qonnx_says_what_is_missing():
    code = (
        "import sys; sys.modules['qonnx'] = None; sys.modules['qonnx.custom_op.base'] = None\n"
        "from lgnx.ops import *\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 or "pip install 'lgnx[qonnx]'" in done.stderr
