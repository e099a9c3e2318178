"""`lgnx rtl`: a folder with a sidecar, or one line that says which format would do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")

Run = Callable[..., Any]


def test_the_folder_is_described(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    result = cli("rtl", layer_model, "-o", out, "--input-format", "ufixed<8,1>", "--pipeline", "1")
    assert result.exit_code == 0, result.stderr
    for part in ("pipelined", "ufixed<8,1>", "class_index", "lgnx_top.v"):
        assert part in result.stdout
    assert (out / "lgnx.json").is_file()


def test_the_sidecar_is_the_json_result(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    options = ["--input-format", "ufixed<8,1>", "--top", "digits", "--json"]
    result = cli("rtl", layer_model, "-o", out, *options)
    assert result.exit_code == 0, result.stderr
    sidecar = json.loads(result.stdout)
    assert sidecar == json.loads((out / "lgnx.json").read_text())
    assert sidecar["top"] == "digits"
    assert sidecar["style"] == "combinational"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say in which fixed-point format"),
        (["--input-format", "ufixed<8>"], "ufixed<8>"),
        (["--input-format", "ufixed<8,1>", "--port-format", "ufixed<2,1>"], "ufixed<"),
        (["--input-format", "ufixed<8,1>", "--top", "module"], "top module 'module'"),
        (["--input-format", "ufixed<8,1>", "--top", "a b"], "top module 'a b'"),
        (["--input-format", "none.yaml"], "none.yaml: no such file"),
        (["--input-format", "ufixed<8,1>", "--handshake", "fifo"], "a combinational design has no"),
        (
            ["--input-format", "ufixed<8,1>", "--pipeline", "1", "--handshake", "fifo"],
            "handshake is 'fifo', must be one of none, valid, axi-stream",
        ),
        (["--input-format", "ufixed<8,1>", "--outputs", "odd"], "'odd' must be one of scores"),
        (["--input-format", "ufixed<8,1>", "--trigger", "9 > 1"], "there is no group '9'"),
    ],
)
def test_bad_choices_are_refused_in_one_line(
    cli: Run, layer_model: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = cli("rtl", layer_model, "-o", tmp_path / "rtl", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"layer.onnx"}


def test_a_folder_of_someone_else_is_left_alone(
    cli: Run, layer_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rtl"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    result = cli("rtl", layer_model, "-o", out, "--input-format", "ufixed<8,1>")
    assert result.exit_code == 2
    assert (out / "mine.txt").read_text() == "keep"
    below_a_file = cli("rtl", layer_model, "-o", layer_model / "rtl", "--input-format", "uint8")
    assert below_a_file.exit_code == 2
