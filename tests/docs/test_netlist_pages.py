"""The examples of the pages on gate-level formats, run as they stand there."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lgnx.cli import app

FORMATS = Path(__file__).parents[2] / "docs" / "formats"
GOLDEN = Path(__file__).parents[1] / "golden" / "v1"


PAGES = ["aiger", "bench", "blif", "dot", "pla", "truth-tables", "verilog-netlist", "yosys-json"]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if page == "verilog-netlist" and importlib.util.find_spec("pyosys") is None:
        pytest.skip("pyosys is not installed")
    monkeypatch.chdir(tmp_path)
    shutil.copy(GOLDEN / "digits" / "network.onnx", "digits.onnx")
    text = (FORMATS / f"{page}.md").read_text("utf-8")
    for kind, block in re.findall(r"```(sh|python)\n(.*?)```", text, re.DOTALL):
        if kind == "python":
            exec(compile(block, page, "exec"), {})
            said = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
            assert capsys.readouterr().out.splitlines() == said
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "lgnx"
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
    assert Path("gates.dot" if page == "dot" else "gates.onnx").is_file()
