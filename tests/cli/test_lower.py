"""`lgnx lower` and `lgnx optimize`: the same scores with fewer or other nodes."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from lgnx.verify.reference import run_reference

Run = Callable[..., Any]


def scores(path: Path, x: np.ndarray) -> np.ndarray:
    return run_reference(onnx.load(path), x)[0]


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).random((65, 4), np.float32)


def test_the_bitwise_level_runs_on_stock_onnxruntime(
    cli: Run, layer_model: Path, tmp_path: Path, x: np.ndarray
) -> None:
    out = tmp_path / "bitwise.onnx"
    result = cli("lower", layer_model, "--to", "bitwise", "-o", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["after"]["level"] == "bitwise"
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], scores(layer_model, x))


def test_the_network_level_is_one_node_with_the_same_scores(
    cli: Run, layer_model: Path, x: np.ndarray
) -> None:
    result = cli("lower", layer_model, "--to", "network")
    assert result.exit_code == 0, result.stderr
    out = layer_model.with_name("layer_network.onnx")
    assert str(out) in result.stdout
    assert [n.op_type for n in onnx.load(out).graph.node] == ["LogicNetwork"]
    np.testing.assert_array_equal(scores(out, x), scores(layer_model, x))


def test_passes_run_one_by_one(cli: Run, layer_model: Path, tmp_path: Path, x: np.ndarray) -> None:
    names = cli("lower", "--list-passes")
    assert names.exit_code == 0
    assert "lower-thermometer" in names.stdout
    out = tmp_path / "out.onnx"
    result = cli("lower", layer_model, "--pass", "lower-thermometer", "-o", out)
    assert result.exit_code == 0, result.stderr
    operators = [n.op_type for n in onnx.load(out).graph.node]
    assert "Thermometer" not in operators
    assert "LogicDense" in operators
    np.testing.assert_array_equal(scores(out, x), scores(layer_model, x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --to"),
        (["--to", "network", "--pass", "fuse-network"], "give either --to"),
        (["--pass", "nonsense"], "there is no pass 'nonsense'"),
    ],
)
def test_bad_choices_are_refused(
    cli: Run, layer_model: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = cli("lower", layer_model, "-o", tmp_path / "out.onnx", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize("options", [[], ["--no-prove"], ["--synthesis"]])
def test_optimising_keeps_the_scores_and_tells_the_verdict(
    cli: Run, layer_model: Path, tmp_path: Path, x: np.ndarray, options: list[str]
) -> None:
    if "--synthesis" in options:
        pytest.importorskip("aigverse")
    out = tmp_path / "small.onnx"
    result = cli("optimize", layer_model, "-o", out, *options)
    assert result.exit_code == 0, result.stderr
    assert ("not proved" if "--no-prove" in options else "proved") in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80 + len(str(out))
    np.testing.assert_array_equal(scores(out, x), scores(layer_model, x))


def test_the_report_is_machine_readable(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    result = cli("optimize", layer_model, "-o", tmp_path / "small.onnx", "--json")
    (network,) = json.loads(result.stdout)["networks"]
    assert network["nodes_after"] <= network["nodes_before"]
    assert network["verdict"]["status"] == "proved"


def test_a_refuted_result_exits_with_1_and_is_not_written(
    cli: Run, layer_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(netlist: Any) -> Any:
        constants = np.zeros_like(netlist.outputs)
        return type(netlist)(netlist.n_inputs, netlist.kinds[:0], netlist.fanins[:0], constants)

    monkeypatch.setattr(importlib.import_module("lgnx.optimize"), "_rules", broken)
    out = tmp_path / "small.onnx"
    result = cli("optimize", layer_model, "-o", out)
    assert result.exit_code == 1
    assert "not equivalent" in result.stderr
    assert not out.exists()


def test_a_model_without_logic_cannot_be_optimised(
    cli: Run, plain_model: Path, tmp_path: Path
) -> None:
    result = cli("optimize", plain_model, "-o", tmp_path / "small.onnx")
    assert result.exit_code == 2
    assert "no logic network" in result.stderr
