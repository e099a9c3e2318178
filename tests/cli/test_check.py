"""`lgnx check`: every problem, as a table or as JSON, with an exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

Run = Callable[..., Any]


def damaged(source: Path, damage: Callable[[onnx.ModelProto], None]) -> Path:
    """Write a copy of a model with something changed, and give its path."""
    model = onnx.load(source)
    damage(model)
    path = source.with_name("damaged.onnx")
    onnx.save(model, path)
    return path


def replace(name: str, value: np.ndarray) -> Callable[[onnx.ModelProto], None]:
    def damage(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.name == name)
        tensor.CopyFrom(numpy_helper.from_array(value, name))

    return damage


def set_opset(model: onnx.ModelProto) -> None:
    model.opset_import[1].version = 9


def add_unknown_attribute(model: onnx.ModelProto) -> None:
    model.graph.node[2].attribute.append(onnx.helper.make_attribute("colour", 3))


def rename_operator(model: onnx.ModelProto) -> None:
    model.graph.node[2].op_type = "LogicSparse"


def set_groups(model: onnx.ModelProto) -> None:
    model.graph.node[4].attribute[0].i = 4


def test_a_good_model_is_valid(cli: Run, layer_model: Path) -> None:
    result = cli("check", layer_model)
    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("damage", "node", "text"),
    [
        (set_opset, "model", "9"),
        (add_unknown_attribute, "first", "colour"),
        (rename_operator, "first", "LogicSparse"),
        (set_groups, "sum", "4"),
        (replace("i1", np.full((12, 2), 8, np.int32)), "first", "8"),
        (replace("t1", np.zeros((12, 2), np.uint8)), "first", "2"),
        (replace("t", np.array([[np.nan, 1]], np.float32)), "thermometer", "NaN"),
    ],
)
def test_a_problem_is_named_with_its_node(
    cli: Run,
    layer_model: Path,
    damage: Callable[[onnx.ModelProto], None],
    node: str,
    text: str,
) -> None:
    result = cli("check", damaged(layer_model, damage), "--json")
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert not found["ok"]
    errors = [p for p in found["problems"] if p["severity"] == "error"]
    assert any(text.lower() in (p["field"] + p["message"]).lower() for p in errors)
    assert node in {p["node"] for p in errors}


def test_warnings_leave_the_model_valid(cli: Run, layer_model: Path) -> None:
    path = damaged(layer_model, replace("t", np.array([[0.75, 0.25]], np.float32)))
    result = cli("check", path)
    assert result.exit_code == 0
    assert "warning" in result.stdout
    assert "0 errors, 1 warnings" in " ".join(result.stdout.split())


def test_all_problems_are_shown_at_once_in_80_columns(cli: Run, layer_model: Path) -> None:
    def damage(model: onnx.ModelProto) -> None:
        set_groups(model)
        replace("i1", np.full((12, 2), -1, np.int32))(model)

    result = cli("check", damaged(layer_model, damage))
    assert result.exit_code == 2
    assert "first" in result.stdout
    assert "sum" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
