from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from lgnx.bench import benchmark


def test_the_table_has_every_batch_and_the_stages(cli, layer_model: Path) -> None:
    result = cli("bench", layer_model, "--seconds", "0.01", "--threads", "2", "--batch", "1",
                 "--batch", "300")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    for row in (["1", "1"], ["300", "1"], ["1", "2"], ["300", "2"]):
        assert row in rows
    for word in ("loaded in", "pack", "gates", "count", "memory"):
        assert word in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_json(cli, layer_model: Path) -> None:
    result = json.loads(
        cli("bench", layer_model, "--json", "--seconds", "0", "--batch", "64").stdout
    )
    assert {speed["batch"] for speed in result["speeds"]} == {64}
    assert all(speed["samples_per_second"] > 0 for speed in result["speeds"])
    assert set(result["stages"]) == {"pack", "gates", "count"}


def test_a_model_that_is_no_network_has_no_stages(cli, plain_model: Path) -> None:
    result = cli("bench", plain_model, "--seconds", "0", "--batch", "8", "--threads", "1")
    assert result.exit_code == 0
    assert "samples/s" in result.stdout
    assert "gates" not in result.stdout


def test_a_fixed_batch_is_the_only_one(cli, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [64, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [64, 3])],
    )
    path = tmp_path / "fixed.onnx"
    onnx.save(helper.make_model(graph, ir_version=10), path)
    result = cli("bench", path, "--seconds", "0")
    assert "not run: batch 1, 4,096, 131,072" in result.stdout
    result = cli("bench", path, "--seconds", "0", "--batch", "7")
    assert result.exit_code == 2
    assert "none of the batch sizes" in result.stderr


def test_two_inputs_are_refused(cli, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3]) for n in "ab"],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )
    path = tmp_path / "two.onnx"
    onnx.save(helper.make_model(graph, ir_version=10), path)
    result = cli("bench", path)
    assert result.exit_code == 2
    assert result.stderr.strip() == (
        f"error: {path}: has the inputs a, b; only models with one can be measured"
    )


def test_a_file_that_is_missing(cli, tmp_path: Path) -> None:
    assert cli("bench", tmp_path / "none.onnx").exit_code == 2


def test_the_same_from_python(layer_model: Path) -> None:
    result = benchmark(layer_model, batches=(1, 100), threads=1, seconds=0)
    assert [(s.batch, s.threads) for s in result.speeds] == [(1, 1), (100, 1)]
    assert all(0 < s.fastest <= s.median for s in result.speeds)
    assert result.stage_batch == 100
    assert np.isfinite(list(result.stages.values())).all()
