"""The examples on the pages of difflogic, and of the modules that models become."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import lgnx
from lgnx.cli import app
from lgnx.converters.formats import read_model
from tests.converters.conftest import difflogic  # noqa: F401

PAGES = Path(__file__).parents[2] / "docs" / "formats"


def text_of(page: str) -> str:
    return (PAGES / f"{page}.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(difflogic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """Files of the names that the pages use."""
    monkeypatch.chdir(tmp_path)
    layers = [
        difflogic.LogicLayer(64, 200, device="cpu"),
        difflogic.LogicLayer(200, 100, device="cpu"),
    ]
    net = torch.nn.Sequential(torch.nn.Flatten(), *layers, difflogic.GroupSum(10, tau=3))
    torch.save(net, "whole.pt")
    Path("net.c").write_text(difflogic.CompiledLogicNet(net).get_c_code())
    thresholds = torch.tensor([0.25, 0.5, 0.75])
    tables = torch.randint(0, 16, (40, 1), dtype=torch.uint8)
    model = torch.nn.Sequential(
        lgnx.torch.Thermometer(thresholds),
        torch.nn.Flatten(),
        lgnx.torch.LogicDense(torch.randint(0, 48, (40, 2), dtype=torch.int32), tables),
        lgnx.torch.LogicDense(torch.randint(0, 40, (40, 2), dtype=torch.int32), tables),
        lgnx.torch.GroupSum(4, tau=2.0),
    )
    lgnx.export(model, torch.rand(2, 16), "model.onnx")
    return tmp_path


@pytest.mark.parametrize(
    "page", ["difflogic", "difflogic-c", "torchlogix-module", "difflogic-module"]
)
def test_the_python_of_the_pages_prints_what_they_say(folder, page, capsys):
    code = "\n".join(re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL))
    exec(code, {})
    expected = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    if page == "torchlogix-module":
        [sentence] = re.findall(r"^This prints (.*), one a line\.$", text_of(page), re.MULTILINE)
        expected = re.findall(r"`(\w+)`", sentence)
    lines = [line for line in capsys.readouterr().out.splitlines() if "torch.int64" not in line]
    assert lines == expected


@pytest.mark.parametrize("page", ["difflogic", "difflogic-c"])
def test_the_commands_of_the_pages_run(folder, page):
    text = text_of(page)
    for spec in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
        exec(code, {})
        Path("net.yaml").write_text(spec)
    [commands] = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    for command in commands.splitlines():
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        model = read_model("model.onnx")
        shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim][1:]
        session = lgnx.InferenceSession(model.SerializeToString())
        assert session.run(None, {"x": np.zeros((3, *shape), bool)})[0].shape == (3, 10)
