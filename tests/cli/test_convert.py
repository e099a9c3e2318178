"""`lgnx convert` and `lgnx formats`: from one format to another, and which there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.verify.reference import run_reference

Run = Callable[..., Any]


def test_every_format_is_listed_at_80_columns(cli: Run) -> None:
    result = cli("formats")
    assert result.exit_code == 0, result.stderr
    assert all(len(line.rstrip()) <= 80 for line in result.stdout.splitlines())
    entries = json.loads(cli("formats", "--json").stdout)
    names = [entry["name"] for entry in entries]
    assert "onnx" in names
    assert names == sorted(names)
    listed = [line.split()[0] for line in result.stdout.splitlines()[1:] if line[:1].strip()]
    assert listed == names


def test_every_format_shows_what_it_does(cli: Run) -> None:
    for entry in json.loads(cli("formats", "--json").stdout):
        result = cli("formats", entry["name"])
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith(entry["name"])
        assert entry["reads"] or entry["writes"], entry["name"]
        for option in (*entry["read_options"], *entry["write_options"]):
            assert option["name"] in result.stdout


def test_an_unknown_format_is_refused_with_the_names(cli: Run, layer_model: Path) -> None:
    for arguments in (
        ("formats", "frobnicate"),
        ("convert", layer_model, "-o", "x.onnx", "--from", "frobnicate"),
        ("convert", layer_model, "-o", "x.onnx", "--to", "frobnicate"),
    ):
        result = cli(*arguments)
        assert result.exit_code == 2
        assert "there is no format 'frobnicate'; there are: " in result.stderr


def test_an_onnx_file_is_converted_to_itself(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.onnx"
    result = cli("convert", layer_model, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert str(out) in result.stdout.replace("\n", "")
    x = np.random.default_rng(0).random((65, 4), np.float32)
    expected = run_reference(onnx.load(layer_model), x)[0]
    np.testing.assert_array_equal(run_reference(onnx.load(out), x)[0], expected)


def test_what_no_format_fits_is_refused_and_nothing_is_written(
    cli: Run, layer_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model.frob"
    result = cli("convert", layer_model, "-o", out)
    assert result.exit_code == 2
    assert "no format that can be written has this suffix" in result.stderr
    assert not out.exists()
    (tmp_path / "data.frob").write_text("x")
    result = cli("convert", tmp_path / "data.frob", "-o", tmp_path / "data.onnx")
    assert result.exit_code == 2
    assert "no format that can be read has this suffix" in result.stderr
    result = cli("convert", tmp_path / "none.onnx", "-o", tmp_path / "data.onnx")
    assert "none.onnx: no such file" in result.stderr.replace("\n", "")
    assert not (tmp_path / "data.onnx").exists()


def test_options_are_checked(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.onnx"
    for option, message in (
        ("nothing", "--option nothing: must be NAME=VALUE"),
        ("frob=1", "writing onnx: there is no option 'frob'; there are: none"),
    ):
        result = cli("convert", layer_model, "-o", out, "--option", option)
        assert result.exit_code == 2
        assert message in result.stderr
    result = cli("convert", layer_model, "-o", out, "--option", "a=1", "--option", "a=2")
    assert "--option a=2: a is given twice" in result.stderr
    assert not out.exists()


def test_export_adds_metadata(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "named.onnx"
    result = cli("export", layer_model, "-o", out, "--metadata", "lgnx.accuracy=0.97")
    assert result.exit_code == 0, result.stderr
    found = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    assert found == {"lgnx.accuracy": "0.97"}
