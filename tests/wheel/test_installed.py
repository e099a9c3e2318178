"""What an installed wheel must do with the core requirements alone, outside the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import lgnx
import lgnx.ops


def a_and_not_b() -> onnx.ModelProto:
    """One gate: y = x0 and not x1 (table bit 1, so 0x2)."""
    node = helper.make_node(
        "LogicDense", ["x", "indices", "tables"], ["y"], name="gate", domain="lgnx.ops"
    )
    graph = helper.make_graph(
        [node],
        "a_and_not_b",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["batch", 1])],
        [
            helper.make_tensor("indices", TensorProto.INT32, [1, 2], [0, 1]),
            helper.make_tensor("tables", TensorProto.UINT8, [1, 1], [0x2]),
        ],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("lgnx.ops", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


X = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=bool)
Y = np.array([[0], [1], [0], [0]], dtype=bool)


def test_the_package_comes_from_the_wheel() -> None:
    assert Path(lgnx.__file__).is_relative_to(sys.prefix)
    assert Path(lgnx.ops.library_path()).is_file()


def test_plain_onnxruntime_with_the_registered_library() -> None:
    options = onnxruntime.SessionOptions()
    lgnx.ops.register(options)
    session = onnxruntime.InferenceSession(a_and_not_b().SerializeToString(), options)
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], Y)


def test_session_fuses_and_agrees() -> None:
    session = lgnx.InferenceSession(a_and_not_b().SerializeToString())
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], Y)


def test_stock_onnxruntime_runs_the_bodies() -> None:
    model = lgnx.attach_functions(a_and_not_b())
    session = onnxruntime.InferenceSession(model.SerializeToString())
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], Y)


def test_checking_and_lowering_need_no_extra() -> None:
    assert lgnx.check(a_and_not_b()) == []
    for level in ("bitwise", "network"):
        lgnx.lower(a_and_not_b(), to=level)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, lgnx, lgnx.ops, lgnx.cli; lgnx.check; lgnx.InferenceSession;"
        "heavy = {'torch', 'qonnx', 'networkx', 'matplotlib', 'jinja2', 'aigverse'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_extra_names_the_pip_command() -> None:
    with pytest.raises(ImportError, match=r"pip install 'lgnx\[torch\]'"):
        lgnx.export(None, None)
