"""The examples of the pages on qonnx's formats, run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from lgnx.cli import app

FORMATS = Path(__file__).parents[2] / "docs" / "formats"


def run_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run commands and Python of a page in the current folder; compare what is printed."""
    page = (FORMATS / name).read_text(encoding="utf-8")
    for kind, block in re.findall(r"```(sh|python)\n(.*?)```", page, re.DOTALL):
        if kind == "python":
            exec(compile(block, name, "exec"), {})
            said = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
            assert capsys.readouterr().out.splitlines() == said
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "lgnx"
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output


def test_the_examples_of_qonnx_lnn_run(
    classifier: onnx.ModelProto,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    onnx.save(classifier, "model.onnx")
    run_page("qonnx-lnn.md", capsys)
    assert "GroupSum" in [node.op_type for node in onnx.load("back.onnx").graph.node]
