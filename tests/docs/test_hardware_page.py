"""docs/hardware.md: its commands run, its template fits the design, its pictures are up to date."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

pytest.importorskip("jinja2")
pytest.importorskip("pyosys")

from lgnx.cli import app
from lgnx.converters.yosys_run import run_yosys
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_yosys import verilog_for_yosys

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "tests" / "golden" / "v1" / "digits" / "layer.onnx"
PAGE = (ROOT / "docs" / "hardware.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def run(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "lgnx"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model of the page, and what its first command makes of it."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(DIGITS, folder / "model.onnx")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(blocks("sh")[0].splitlines()[0])
    return folder


@pytest.mark.slow
def test_the_commands_run(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    m = make(4, dtype=onnx.TensorProto.FLOAT)
    thresholds = m.constant(np.array([[0.25, 0.5, 1.0]] * 4, np.float32))
    bits = m.op("Reshape", m.op("Thermometer", "x", thresholds), m.constant([0, 12]))
    gates = m.dense(bits, 12, 20, 2, np.random.default_rng(0))
    onnx.save(m.model(m.op("GroupSum", gates, groups=2)), "model.onnx")
    for line in blocks("sh")[0].splitlines():
        run(line)
    assert (tmp_path / "rtl" / "proof.json").is_file()


def test_the_template_fits_the_design(folder: Path, tmp_path: Path) -> None:
    rtl = read_rtl(folder / "rtl")
    (tmp_path / "board.v").write_text(blocks("verilog")[0])
    run_yosys(
        [
            verilog_for_yosys(rtl, tmp_path),
            "read_verilog board.v",
            "hierarchy -check -top trigger_board",
            # A port of another width would be cut or filled up.
            "select -assert-count 1 t:lgnx_top",
            "check -assert trigger_board",
        ],
        tmp_path,
        "docs/hardware.md",
        timeout=120,
        memory=4000,
    )
    widths = {"x": rtl.input.width, **dict(rtl.outputs)}
    assert f"input  wire [{widths['x'] - 1}:0] pixels," in PAGE
    assert f"wire [{widths['scores'] - 1}:0] scores;" in PAGE
    assert f"output wire [{widths['class_index'] - 1}:0]   digit" in PAGE


@pytest.mark.slow
def test_the_timing_diagrams_are_what_designs_do(docs_importable: Path) -> None:
    pytest.importorskip("wavedrom")
    drawing = importlib.import_module("draw_timing")
    for path, text in drawing.files().items():
        assert path.read_text("utf-8") == text, path.name


def test_the_picture_of_the_proof_is_up_to_date(docs_importable: Path) -> None:
    pytest.importorskip("svgwrite")
    drawing = importlib.import_module("draw_proof")
    assert drawing.PICTURE.read_text("utf-8") == drawing.draw().tostring() + "\n"


def test_links_and_pictures_exist() -> None:
    links = re.findall(r"!?\[[^\]]*\]\(([^)#]+)", PAGE)
    assert len(links) > 5
    for link in links:
        target = ROOT / "docs" / link
        assert target.is_file(), link
        if target.suffix == ".svg":
            ElementTree.parse(target)
