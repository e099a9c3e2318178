"""`lgnx export` of estimators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("sklearn")

import lgnx

Run = Callable[..., Any]

SOURCE = """
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

samples, classes = load_iris(return_X_y=True)
forest = RandomForestClassifier(5, random_state=0).fit(samples, classes)
shallow = RandomForestClassifier(5, max_depth=1).fit(samples, classes)
other = LogisticRegression(max_iter=1000).fit(samples, classes)

def make_forest():
    return forest

def make_treelite():
    import treelite
    return treelite.sklearn.import_model(forest)
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize("name", ["forest", "make_forest", "make_treelite"])
def test_an_estimator_or_a_function_that_returns_one_is_exported(
    cli: Run, source: Path, name: str
) -> None:
    if name == "make_treelite":
        pytest.importorskip("treelite")
    result = cli("export", f"train.py:{name}", "-o", "forest.onnx", "--option", "dtype=int32")
    assert result.exit_code == 0, result.output
    session = lgnx.InferenceSession("forest.onnx")
    x = np.zeros((2, 4), np.float64 if name == "make_treelite" else np.float32)
    assert session.run(None, {"x": x})[0].sum(axis=1).tolist() == [5, 5]
    node = onnx.load("forest.onnx").graph.node[0]
    assert (node.op_type, node.name) == ("LogicNetwork", "trees")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.py:shallow"], "this leaf has the probabilities"),
        (["train.py:other"], "LogisticRegression: must be a DecisionTreeClassifier"),
        (["train.py:forest", "--option", "vote=loud"], "option vote: 'loud', must be hard, soft"),
        (["train.py:forest", "--option", "loud=1"], "there is no option 'loud'"),
    ],
)
def test_what_is_refused_leaves_no_file(
    cli: Run, source: Path, arguments: list[str], message: str
) -> None:
    result = cli("export", *arguments, "-o", "forest.onnx")
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert not Path("forest.onnx").exists()
