"""The examples of the pages on trees and on netron, run as they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

pytest.importorskip("sklearn")
pytest.importorskip("treelite")

from lgnx.cli import app

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "tests" / "golden" / "v1" / "digits" / "layer.onnx"
XGBOOST = ROOT / "tests" / "converters" / "trees" / "xgboost_iris.json"
TRAIN = """
import treelite
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

forest = RandomForestClassifier(5, random_state=0).fit(*load_iris(return_X_y=True))
treelite_model = treelite.sklearn.import_model(forest)
"""


@pytest.mark.parametrize("page", ["scikit-learn", "treelite", "netron"])
def test_the_examples_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(DIGITS, "model.onnx")
    shutil.copy(XGBOOST, "xgboost.json")
    Path("train.py").write_text(TRAIN)
    text = (ROOT / "docs" / "formats" / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"```(sh|python)\n(.*?)```", text, re.DOTALL)
    assert blocks
    for _, block in (found for found in blocks if found[0] == "python"):
        exec(compile(block, page, "exec"), {})
        said = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said
    for _, block in (found for found in blocks if found[0] == "sh"):
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "lgnx"
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
    if page == "netron":
        assert onnx.load("readable.onnx").functions
    for link in re.findall(r"!?\[[^\]]*\]\(([^)#]*)", text):
        if not link.startswith("http"):
            assert (ROOT / "docs" / "formats" / link).exists(), link
