"""`lgnx inspect`: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
