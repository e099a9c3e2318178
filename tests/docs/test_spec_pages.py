"""The pages of specs and of torchlogix's checkpoints: what stands there is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from lgnx.cli import app
from lgnx.converters.network_spec import INPUT, KINDS, NETWORK
from lgnx.converters.torchlogix import import_torchlogix
from lgnx.metadata import CLASS_NAMES, get

PAGES = Path(__file__).parents[2] / "docs" / "formats"


def block(page: str, language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request) -> Path:
    """Files of the names that a page uses."""
    import_torchlogix()
    import torchlogix.layers as tl

    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    random = {"parametrization_kwargs": {"weight_init": "random"}}
    if request.param == "torchlogix.md":
        warp = random | {"parametrization": "warp", "tree_depth": 2}
        module = torch.nn.Sequential(
            tl.LearnableBinarization(torch.tensor([0.25, 0.5]), feature_dim=1),
            tl.LogicConv2d(8, 2, 5, receptive_field_size=3, padding=1, **warp),
            tl.OrPooling2d(2, 2),
            torch.nn.Flatten(),
            tl.LogicDense(80, 200, **random),
            tl.GroupSum(10, tau=4.0),
        )
        torch.save(module, "whole.pt")
        single = tl.FixedBinarization(torch.tensor([0.5]), feature_dim=1)
        module[0], module[1] = (
            single,
            tl.LogicConv2d(8, 1, 5, receptive_field_size=3, padding=1, **warp),
        )
        torch.save(module.state_dict(), "state.pt")
    else:
        module = torch.nn.Sequential(
            tl.FixedBinarization(torch.tensor([0.25, 0.5, 0.75])),
            tl.LogicDense(48, 60, parametrization="warp", **random),
            tl.LogicDense(60, 40, **random),
            tl.GroupSum(4, tau=3.0),
        )
        torch.save(module.state_dict(), "net.pt")
    Path("net.yaml").write_text(block(request.param, "yaml"))
    return tmp_path


@pytest.mark.parametrize("folder", ["torchlogix.md"], indirect=True)
def test_the_python_of_the_page_prints_what_it_says(folder, capsys):
    code = block("torchlogix.md", "python")
    exec(code, {})
    expected = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("folder", ["torchlogix.md", "spec.md"], indirect=True)
def test_the_commands_of_the_pages_run(folder, request):
    for command in block(request.node.callspec.params["folder"], "sh").splitlines():
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        assert Path("model.onnx").stat().st_size > 0
        Path("model.onnx").unlink()


@pytest.mark.parametrize("folder", ["spec.md"], indirect=True)
def test_a_command_without_spec_prints_one_to_complete(folder):
    result = CliRunner().invoke(app, ["export", "net.pt", "-o", "model.onnx"])
    assert result.exit_code == 2
    error, _, draft = result.stderr.partition("\n\n")
    assert error.startswith("error: net.pt: is a state dict, which does not say what is computed")
    assert "\n" not in error
    Path("net.yaml").write_text(
        draft.replace("torchlogix TODO", "torchlogix 0.2.2")
        .replace("[TODO]", "[16]")
        .replace("parametrization: TODO", "parametrization: warp")
        .replace("groups: TODO, tau: TODO", "groups: 4, tau: 3")
    )
    command = ["export", "net.pt", "--spec", "net.yaml", "-o", "model.onnx"]
    assert CliRunner().invoke(app, command).exit_code == 0


@pytest.mark.parametrize("folder", ["spec.md"], indirect=True)
def test_the_spec_of_the_page_gives_its_metadata(folder):
    from lgnx.converters.formats import read_model

    model = read_model("net.pt", spec="net.yaml")
    assert get(model, CLASS_NAMES) == '["north", "east", "south", "west"]'
    assert get(model, "lgnx.accuracy") == "0.97"


def test_every_field_stands_on_the_page_of_specs():
    sections = re.split(r"^#+ (.*)\n", (PAGES / "spec.md").read_text(), flags=re.MULTILINE)
    tables = dict(zip(sections[1::2], sections[2::2], strict=True))
    for title, fields in {"Fields": NETWORK, "input": INPUT, **KINDS}.items():
        expected = [
            f"| `{name}` | {field.help}{'; needed' if field.required else ''} |"
            for name, field in fields.items()
        ]
        rows = [line for line in tables[title].splitlines() if line.startswith("| `")]
        assert rows == expected
