"""`lgnx project` and `lgnx rtl --project`: project files, and vectors from a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jinja2")

Run = Callable[..., Any]
FORMAT = ("--input-format", "ufixed<8,1>")


def test_rtl_comes_with_projects_and_others_are_added_later(cli: Run, layer_model, tmp_path):
    out = tmp_path / "rtl"
    projects = ("--project", "vivado", "--project", "testbench", "--option", "period=2.5")
    result = cli("rtl", layer_model, "-o", out, *FORMAT, "--pipeline", "1", *projects)
    assert result.exit_code == 0, result.stderr
    assert "-period 2.5 " in (out / "vivado" / "lgnx_top.xdc").read_text()
    assert ": 200 corners and random" in (out / "testbench" / "vectors.hex").read_text()
    samples = tmp_path / "x.npy"
    np.save(samples, np.array([[0, 0.5, 1, 1.25], [1, 1, 0, 0]], np.float32))
    given = ("--model", layer_model, "--samples", samples, "--json")
    result = cli("project", out, "testbench", "quartus", *given)
    assert result.exit_code == 0, result.stderr
    written = json.loads(result.stdout)
    assert written["quartus"]["run"] == f"quartus_sh -t {out}/quartus/build_quartus.tcl"
    assert written["testbench"]["files"] == [
        f"testbench/{name}" for name in ("Makefile", "main.cpp", "tb_lgnx_top.sv", "vectors.hex")
    ]
    rows = (out / "testbench" / "vectors.hex").read_text().splitlines()
    assert rows[0].endswith(": 2 given samples")
    # Features of 8 bits with 7 behind the point, the first one lowest.
    assert [row[-8:] for row in rows[4:6]] == ["a0804000", "00008080"]
    listed = json.loads((out / "projects.json").read_text())
    assert {name.split("/")[0] for name in listed} == {"vivado", "testbench", "quartus"}


def test_the_kinds_are_listed(cli: Run):
    listed = json.loads(cli("project", "--json").stdout)
    assert {"vivado", "quartus", "fusesoc", "edalize", "cocotb", "testbench"} == set(listed)
    assert listed["testbench"]["vectors"] == "needed"
    assert listed["vivado"]["options"]["flow"] == "non-project"
    assert "quartus" in cli("project").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--project", "vivado", "--option", "speed=1"], "option 'speed': no project that is"),
        (["--project", "ise"], "there is no project 'ise'; there are: cocotb"),
        (["--option", "period=1"], "option 'period': no project that is written takes it"),
        (["--project", "vivado", "--option", "period"], "--option period: must be NAME=VALUE"),
    ],
)
def test_a_wrong_project_is_told_before_there_is_rtl(
    cli: Run, layer_model, tmp_path, arguments, message
):
    result = cli("rtl", layer_model, "-o", tmp_path / "rtl", *FORMAT, *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "rtl").exists()


def test_vectors_need_the_model(cli: Run, layer_model, tmp_path):
    cli("rtl", layer_model, "-o", tmp_path / "rtl", *FORMAT)
    for arguments, message in [
        (["testbench", "--random", "5"], "vectors need the model: --model MODEL"),
        (["testbench"], "needs vectors, which are made with the model"),
        ([], "which project?"),
    ]:
        result = cli("project", tmp_path / "rtl", *arguments)
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
