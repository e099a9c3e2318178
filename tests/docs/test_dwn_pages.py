"""The examples on the pages of torch_dwn and dwn2rtl, run on networks of the size they speak of."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from lgnx.cli import app
from lgnx.converters.formats import read_model
from lgnx.verify.reference import run_reference

PAGES = Path(__file__).parents[2] / "docs" / "formats"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of the names that the pages use."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    state = {
        "0.luts": torch.rand(60, 64) - 0.5,
        "0.mapping.weights": torch.rand(48, 360),
        "1.luts": torch.rand(40, 64) - 0.5,
        "1.mapping": torch.randint(0, 60, (40, 6), dtype=torch.int32),
    }
    thresholds = torch.randn(16, 3)
    torch.save(state, "net.pt")
    torch.save(thresholds, "thermometer.pt")
    np.save("thresholds.npy", thresholds.numpy())
    [spec] = re.findall(r"```yaml\n(.*?)```", (PAGES / "torch_dwn.md").read_text(), re.DOTALL)
    Path("net.yaml").write_text(spec)
    config = {"n": 6, "num_classes": 10, "layers": [60, 40], "thermometer_bits": 3}
    saved = {"config": config, "state_dict": state, "thermometer": {"thresholds": thresholds}}
    saved["scaler"] = {"mean": [0.5] * 16, "scale": [3.0] * 16}
    torch.save(saved, "model.pt")
    return tmp_path


@pytest.mark.parametrize("page", ["torch_dwn.md", "dwn2rtl.md"])
def test_the_python_of_the_pages_prints_what_they_say(folder, page, capsys):
    [code] = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    exec(code, {})
    expected = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("page", ["torch_dwn.md", "dwn2rtl.md"])
def test_the_commands_of_the_pages_run(folder, page):
    [commands] = re.findall(r"```sh\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    for command in commands.splitlines():
        if "whole.pt" in command:  # needs torch_dwn; tested with it beside the converter
            continue
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        target = shlex.split(command)[shlex.split(command).index("-o") + 1]
        assert len(run_reference(read_model(target), np.zeros((3, 16), np.float32))[0]) == 3
