"""`lgnx export`: from code, and from an ONNX file to another form of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from lgnx.verify.reference import run_reference

Run = Callable[..., Any]

SOURCE = """
import torch

model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())

def make_model():
    return model

def make_pair():
    return model, torch.zeros(2, 4)

number = 3

def make_number():
    return number
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    pytest.importorskip("torch")
    name = f"source_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_static_batch_has_every_shape_recorded(
    cli: Run, layer_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "static.onnx"
    assert cli("export", layer_model, "-o", out, "--batch", "5").exit_code == 0
    graph = onnx.load(out).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    assert shapes["x"] == [5, 4]
    assert shapes["b"] == [5, 8]
    assert shapes["y"] == [5, 3]


def test_a_self_contained_file_runs_on_stock_onnxruntime(
    cli: Run, layer_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "alone.onnx"
    assert cli("export", layer_model, "-o", out, "--self-contained").exit_code == 0
    x = np.random.default_rng(0).random((65, 4), np.float32)
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    expected = run_reference(onnx.load(layer_model), x)[0]
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)


def test_another_fixed_batch_is_refused(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "static.onnx"
    assert cli("export", layer_model, "-o", out, "--batch", "5").exit_code == 0
    result = cli("export", out, "-o", tmp_path / "again.onnx", "--batch", "6")
    assert result.exit_code == 2
    assert "has the fixed batch 5, which cannot become 6" in result.stderr
    assert not (tmp_path / "again.onnx").exists()


@pytest.mark.parametrize("arguments", [["--sample-shape", "4"], ["--sample", "x.npy"]])
def test_a_module_from_code_is_exported(
    cli: Run, source: str, tmp_path: Path, arguments: list[str]
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 4), np.float32))
    for number, place in enumerate(
        (f"{source}:model", f"{source}:make_model", f"{source}.py:make_model")
    ):
        out = tmp_path / f"{number}.onnx"
        result = cli("export", place, "-o", out, *arguments)
        assert result.exit_code == 0, result.stderr
        onnx.checker.check_model(str(out))


def test_code_that_imports_torchlogix_is_exported_on_every_python(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "from torchlogix.layers import GroupSum, LogicDense\n"
        "net = torch.nn.Sequential(LogicDense(8, 20), GroupSum(5))\n"
    )
    command = ["export", "net.py:net", "-o", "net.onnx", "--sample-shape", "8"]
    code = f"import sys; from lgnx.cli import main; sys.argv[1:] = {command}; main()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    model = onnx.load(tmp_path / "net.onnx")
    assert [node.op_type for node in model.graph.node][-2:] == ["LogicDense", "GroupSum"]


def test_the_code_may_bring_its_own_sample(cli: Run, source: str, tmp_path: Path) -> None:
    result = cli("export", f"{source}:make_pair", "-o", tmp_path / "m.onnx")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "has no 'none'"),
        ("number", "is a int, not an nn.Module"),
        ("make_number", "gave a int, not an nn.Module"),
        ("make_model", "a sample input is needed"),
    ],
)
def test_what_cannot_be_exported_is_named(
    cli: Run, source: str, tmp_path: Path, name: str, message: str
) -> None:
    result = cli("export", f"{source}:{name}", "-o", tmp_path / "m.onnx")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "m.onnx").exists()


def test_a_missing_module_and_a_bad_sample_are_refused(
    cli: Run, source: str, tmp_path: Path
) -> None:
    out = tmp_path / "m.onnx"
    result = cli("export", "no_such_module:x", "-o", out)
    assert "there is no module 'no_such_module'" in result.stderr
    result = cli("export", "none.py:x", "-o", out)
    assert "none.py: no such file" in result.stderr
    result = cli("export", f"{source}:model", "-o", out, "--sample-shape", "4,a")
    assert "--sample-shape takes whole numbers" in result.stderr
    result = cli("export", f"{source}:model", "-o", out, "--sample", "none.npy")
    assert "none.npy: no such file" in result.stderr
    assert not out.exists()


def test_an_output_below_a_file_is_refused(cli: Run, layer_model: Path, plain_model: Path) -> None:
    result = cli("export", layer_model, "-o", plain_model / "m.onnx")
    assert result.exit_code == 2
    assert "cannot write there" in result.stderr
