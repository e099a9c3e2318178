"""`lgnx optimize --for fpga` and `lgnx rtl --lut-levels`: tables, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

import lgnx
from lgnx.netlist import Netlist
from lgnx.ops.program import decode
from lgnx.passes import lower

pytest.importorskip("jinja2")

Run = Callable[..., Any]


def said(result: Any) -> str:
    """What stderr says, on one line."""
    return " ".join(result.stderr.split())


def test_a_mapped_model_has_fewer_tables_and_the_same_scores(
    cli: Run, layer_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("aigverse")
    mapped = tmp_path / "mapped.onnx"
    options = ["--for", "fpga", "--effort", "low", "--json"]
    result = cli("optimize", layer_model, "-o", mapped, *options)
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["output"] == str(mapped)
    (report,) = facts["networks"]
    lowered = lower(str(layer_model), to="network", simplify=False)
    (words,) = (t for t in lowered.graph.initializer if "program" in t.name)
    before = Netlist.from_program(decode(numpy_helper.to_array(words)))
    assert (report["nodes_before"], report["depth_before"]) == (before.n_nodes, before.depth)
    assert 0 < report["luts_before"] < report["nodes_before"]
    assert report["luts_after"] > 0
    assert report["depth_after"] > 0
    assert report["status"] == "proved"
    x = np.random.default_rng(0).random((65, 4)).astype(np.float32)
    wanted, found = (
        lgnx.InferenceSession(str(path)).run(None, {"x": x})[0] for path in (layer_model, mapped)
    )
    assert np.array_equal(wanted, found)


def test_the_steps_are_a_table(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    mapped = tmp_path / "mapped.onnx"
    result = cli("optimize", layer_model, "-o", mapped, "--for", "fpga", "--effort", "low")
    assert result.exit_code == 0, result.stderr
    for part in ("as lowered", "rules, cuts", "counts", "proved", mapped.name):
        assert part in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--for", "asic"], "--for 'asic': must be fpga"),
        (["--for", "fpga", "-K", "7"], "inputs of a look-up table: 7, must be 4 to 6"),
        (["--for", "fpga", "-K", "3"], "inputs of a look-up table: 3, must be 4 to 6"),
        (
            ["--for", "fpga", "--effort", "all"],
            "effort 'all': must be one of low, medium, high",
        ),
        (["-K", "6"], "--lut-inputs goes with --for fpga"),
        (
            ["--for", "fpga", "--synthesis"],
            "--synthesis goes without --for fpga, which has synthesis of its own",
        ),
    ],
)
def test_bad_choices_leave_no_file(
    cli: Run, layer_model: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = cli("optimize", layer_model, "-o", tmp_path / "mapped.onnx", *options)
    assert result.exit_code == 2
    assert message in said(result)
    assert not (tmp_path / "mapped.onnx").exists()


def test_a_model_without_logic_is_refused(cli: Run, plain_model: Path, tmp_path: Path) -> None:
    result = cli("optimize", plain_model, "-o", tmp_path / "mapped.onnx", "--for", "fpga")
    assert result.exit_code == 2
    assert said(result) == "error: the model has no logic network to optimise"
    assert not (tmp_path / "mapped.onnx").exists()


def test_stages_of_one_level_of_tables(cli: Run, layer_model: Path, tmp_path: Path) -> None:
    options = ["--input-format", "ufixed<8,1>", "--lut-levels", "1", "--lut-inputs", "4", "--json"]
    result = cli("rtl", layer_model, "-o", tmp_path / "rtl", *options)
    assert result.exit_code == 0, result.stderr
    sidecar = json.loads(result.stdout)
    assert sidecar["luts"] > 0
    assert (sidecar["lut_levels"], sidecar["lut_inputs"]) == (1, 4)
    assert {stage["lut_levels"] for stage in sidecar["stages"]} == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lut-levels", "1", "-K", "7"], "inputs of a look-up table: 7, must be 4 to 6"),
        (["--lut-inputs", "6"], "--lut-inputs: only with --lut-levels"),
        (
            ["--lut-levels", "1", "--pipeline", "1"],
            "--pipeline and --lut-levels both place the registers: give one of them",
        ),
        (
            ["--lut-levels", "1", "--streaming"],
            "--lut-levels: not with --streaming, which takes --pipeline",
        ),
    ],
)
def test_bad_levels_leave_no_folder(
    cli: Run, layer_model: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    options = ["--input-format", "ufixed<8,1>", *options]
    result = cli("rtl", layer_model, "-o", tmp_path / "rtl", *options)
    assert result.exit_code == 2
    assert message in said(result)
    assert not (tmp_path / "rtl").exists()
