"""Models and a runner for the tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from lgnx.cli import app
from lgnx.ops import DOMAIN, VERSION


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command line; the result has exit_code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


def save(nodes: list[onnx.NodeProto], path: Path, **constants: np.ndarray) -> Path:
    """Write a model from x float[batch, 4] to y float[batch, 3]."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


@pytest.fixture
def plain_model(tmp_path: Path) -> Path:
    """A model of standard operators only: y = x @ w."""
    w = np.arange(12, dtype=np.float32).reshape(4, 3)
    return save([helper.make_node("MatMul", ["x", "w"], ["y"])], tmp_path / "plain.onnx", w=w)


@pytest.fixture
def layer_model(tmp_path: Path) -> Path:
    """Thermometer of two bits, twelve gates, then six, then the sum of three groups."""
    rng = np.random.default_rng(1)
    nodes = [
        helper.make_node("Thermometer", ["x", "t"], ["b3"], "thermometer", domain=DOMAIN),
        helper.make_node("Reshape", ["b3", "shape"], ["b"], "flatten"),
        helper.make_node("LogicDense", ["b", "i1", "t1"], ["h"], "first", domain=DOMAIN),
        helper.make_node("LogicDense", ["h", "i2", "t2"], ["s"], "second", domain=DOMAIN),
        helper.make_node("GroupSum", ["s"], ["y"], "sum", domain=DOMAIN, groups=3),
    ]
    return save(
        nodes,
        tmp_path / "layer.onnx",
        t=np.array([[0.25, 0.75]], np.float32),
        shape=np.array([-1, 8]),
        i1=rng.integers(0, 8, (12, 2), dtype=np.int32),
        t1=rng.integers(1, 15, (12, 1), dtype=np.uint8),
        i2=rng.integers(0, 12, (6, 2), dtype=np.int32),
        t2=rng.integers(1, 15, (6, 1), dtype=np.uint8),
    )
