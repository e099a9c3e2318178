"""`lgnx inspect`: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

Run = Callable[..., Any]


def test_tables_show_layers_gates_functions_and_size(cli: Run, layer_model: Path) -> None:
    result = cli("inspect", layer_model)
    assert result.exit_code == 0
    text = result.stdout
    for part in ("layer", "LogicDense", "any×12", "18, depth 2", "bytes", "not recorded", "█"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_table_shows_the_windows_of_convolutions(cli: Run, tmp_path: Path, make: Any) -> None:
    m = make(2, 6, 6)
    trees = m.trees(18, 5, 2, 2, np.random.default_rng(0))
    y = m.op("LogicConv", "x", *trees, kernel_shape=[3, 3], pads=[1, 1, 1, 1], depth=2)
    y = m.op("OrPool", y, kernel_shape=[2, 3], strides=[2, 3])
    path = tmp_path / "m.onnx"
    onnx.save(m.model(y), path)
    text = cli("inspect", path).stdout
    rows = [line.split() for line in text.splitlines()]
    assert "layer window strides pads kernels tables levels positions".split() in rows
    assert ["n_LogicConv_0", "3×3", "1", "1", "5", "15", "2", "36"] in rows
    assert ["n_OrPool_1", "2×3", "2,3", "0", "-", "-", "-", "6"] in rows
    assert max(map(len, text.splitlines())) <= 80


def test_json_holds_the_same(cli: Run, layer_model: Path) -> None:
    facts = json.loads(cli("inspect", layer_model, "--json").stdout)
    assert (facts["level"], facts["gates"], facts["depth"]) == ("layer", 18, 2)
    assert sum(facts["functions"].values()) == 18
    assert [layer["op"] for layer in facts["layers"]][-1] == "GroupSum"


def test_names_from_a_file_are_not_taken_as_markup(cli: Run, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], "[red]evil[/red]")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph), path)
    assert "[red]evil[/red]" in cli("inspect", path).stdout.replace("\n", "")


def test_many_nodes_are_counted_by_operator(cli: Run, tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(40)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("x40", TensorProto.FLOAT, ["n"])],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph), path)
    text = cli("inspect", path).stdout
    assert "Relu" in text
    assert "40" in text
    assert len(text.splitlines()) < 20
