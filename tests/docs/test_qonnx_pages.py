"""The examples of the pages on qonnx's formats, run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
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


def test_the_examples_of_qonnx_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("qonnx")
    from tests.converters.qonnx_cases import Qonnx, sparse

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    m = Qonnx(20, batch="batch")
    y = m.sign(m.norm("x", rng, 20))
    for inputs, outputs in ((20, 30), (30, 10)):
        signs = rng.choice([-1.0, 1.0], (inputs, outputs))
        y = m.sign(m.op("MatMul", y, signs * sparse(rng, inputs, outputs, 5)))
    onnx.save(m.model(y), "signs.onnx")
    run_page("qonnx.md", capsys)
    assert "LogicDense" in [node.op_type for node in onnx.load("model.onnx").graph.node]
