"""Streaming RTL of models of torchlogix, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchlogix.layers as tl
from torch import nn

import lgnx
from lgnx.converters.torch_export import export
from lgnx.converters.verilog.streaming import beat_features, plan_stream, write_streaming
from lgnx.converters.verilog.streaming.resources import estimate, estimate_layers
from lgnx.ops.errors import InputError, ModelError
from lgnx.verify.digits import load_digits
from lgnx.verify.simulation import CoSimulation
from lgnx.verify.verilator import find_verilator
from tests.conftest import ModelMaker
from tests.converters.test_torchlogix_zoo import CANNOT_RUN, NETWORKS, build
from tests.converters.torchlogix_cases import Skips, conv, dense, transposed
from tests.converters.verilog.streaming.icarus import simulate

PIXELS = "ufixed<5,1>"


def convolutional() -> nn.Module:
    """Thermometer, convolution, pooling, convolution, dense layer, scores: of digits."""
    return nn.Sequential(
        tl.FixedBinarization(torch.tensor([0.3, 0.6]), feature_dim=1),
        conv(in_dim=8, channels=2, num_kernels=12, padding=1),
        tl.OrPooling2d(2, 2, 1),
        conv(in_dim=5, channels=12, num_kernels=20, parametrization="light"),
        nn.Flatten(),
        dense(180, 100),
        tl.GroupSum(10, tau=4.0),
    )


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    torch.manual_seed(0)
    return export(convolutional(), torch.rand(1, 1, 8, 8))


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_digits()[2].reshape(-1, 1, 8, 8)


@pytest.fixture(scope="module")
def folder(model: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rtl") / "out"
    write_streaming(
        model,
        out,
        input_format=PIXELS,
        positions_per_cycle=2,
        stages_every=2,
        reset="async-low",
        language="systemverilog",
        trigger="3 >= 2",
    )
    return out


def scores_of(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = lgnx.InferenceSession(model)
    (scores,) = session.run(None, {session.get_inputs()[0].name: x})
    return scores


def counts(results: list[int], sidecar: dict[str, Any]) -> np.ndarray:
    """Counts that results hold, int64 [batch, groups]."""
    groups, width = sidecar["scoring"]["groups"], sidecar["scoring"]["width"]
    fields = [[r >> width * g & (1 << width) - 1 for g in range(groups)] for r in results]
    return np.array(fields)


def test_a_convolutional_model_gives_its_scores_on_digits_whatever_stalls_it(
    model: onnx.ModelProto, digits: np.ndarray, folder: Path
) -> None:
    expected = scores_of(model, digits)
    simulation = CoSimulation(folder)
    assert simulation.rtl.scores is not None
    for stalls in (0, 40):
        found = simulation.run(digits, stalls=stalls)
        assert found.scores is not None
        np.testing.assert_array_equal(simulation.rtl.scores.scores(found.scores), expected)
        np.testing.assert_array_equal(found.class_index, expected.argmax(axis=1))
        np.testing.assert_array_equal(found.trigger, expected[:, 3] >= 2)


def test_verilator_finds_nothing_to_warn_of(folder: Path) -> None:
    sources = sorted(folder.glob("*.sv"))
    find_verilator().run(["--lint-only", "-Wall", "--top-module", "lgnx_top", *sources])


def test_what_is_not_a_chain_of_layers_is_collected(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = export(Skips(), torch.rand(1, 2, 6, 6))
    x = np.random.default_rng(0).integers(0, 17, (3, 2, 6, 6))
    sidecar = write_streaming(
        model, tmp_path / "rtl", input_format=PIXELS, positions_per_cycle=4, channels_per_cycle=2
    )
    assert sidecar["streaming"]["mode"] == "collect"
    results, _, error = simulate(tmp_path / "rtl", sidecar, x.reshape(3, -1), stalls=20)
    expected = scores_of(model, (x / 16).astype(np.float32))
    np.testing.assert_array_equal(
        counts(results, sidecar).astype(np.float32) / np.float32(3), expected
    )
    assert not error


def test_layers_behind_the_chain_are_the_tails(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        conv(in_dim=4, channels=2, num_kernels=3, padding=1),
        transposed(in_dim=4, channels=3),
        nn.Flatten(),
        tl.GroupSum(2),
    )
    model = export(module, torch.rand(1, 2, 4, 4).round())
    x = np.random.default_rng(0).random((3, 2, 4, 4)) < 0.5
    sidecar = write_streaming(model, tmp_path / "rtl")
    assert [layer["op"] for layer in sidecar["streaming"]["layers"]] == ["LogicConv"]
    results, _, _ = simulate(tmp_path / "rtl", sidecar, x.reshape(3, -1).astype(int))
    np.testing.assert_array_equal(counts(results, sidecar), scores_of(model, x))


def test_tlast_in_the_wrong_place_is_reported_and_changes_nothing(
    model: onnx.ModelProto, digits: np.ndarray, tmp_path: Path
) -> None:
    sidecar = write_streaming(model, tmp_path / "rtl", input_format=PIXELS)
    codes = (digits[:2] * 16).astype(int).reshape(2, -1)
    results, _, error = simulate(tmp_path / "rtl", sidecar, codes, last_every=63)
    assert error
    np.testing.assert_array_equal(counts(results, sidecar) / 4, scores_of(model, digits[:2]))


@pytest.mark.parametrize("last", [False, True])
def test_an_image_may_come_with_its_channels_last(make: type[ModelMaker], last: bool) -> None:
    maker = make(*((4, 5, 2) if last else (2, 4, 5)))
    x = maker.op("Transpose", "x", perm=[0, 3, 1, 2]) if last else "x"
    trees = maker.trees(8, 3, 2, 1, np.random.default_rng(0))
    model = maker.model(maker.op("LogicConv", x, *trees, kernel_shape=[2, 2]))
    plan = plan_stream(model, positions_per_cycle=3)
    assert plan.layers
    first = [0, 1, 2, 3, 4, 5] if last else [0, 20, 1, 21, 2, 22]
    assert beat_features(plan.stream)[:2].tolist() == [
        first,
        [6, 7, 8, 9, -1, -1] if last else [3, 23, 4, 24, -1, -1],
    ]


def test_channels_that_nothing_reads_are_left_out(make: type[ModelMaker]) -> None:
    maker = make(3, 4, 4)
    indices = np.array([[4 * 2, 4 * 2 + 3], [0, 1]], np.int32)  # of channels 2 and 0
    tables = np.array([[[8]], [[6]]], np.uint8)
    y = maker.op(
        "LogicConv", "x", maker.constant(indices), maker.constant(tables), kernel_shape=[2, 2]
    )
    rows = maker.op("Flatten", y)
    first = maker.constant(np.array([0]))
    plan = plan_stream(maker.model(maker.op("Gather", rows, first, axis=1)))
    (layer,) = plan.layers
    assert (layer.kernels.kept_in, layer.kernels.kept_out) == ((2,), (0,))


def test_pixels_that_are_encoded_differently_are_collected(make: type[ModelMaker]) -> None:
    maker = make(1, 3, 3, dtype=onnx.TensorProto.FLOAT)
    thresholds = maker.constant(np.linspace(0, 0.9, 9, dtype=np.float32).reshape(1, 3, 3, 1))
    bits = maker.op("Thermometer", "x", thresholds)
    moved = maker.op("Transpose", bits, perm=[0, 1, 4, 2, 3])
    image = maker.op("Reshape", moved, maker.constant(np.array([-1, 1, 3, 3])))
    trees = maker.trees(4, 3, 2, 1, np.random.default_rng(0))
    model = maker.model(maker.op("LogicConv", image, *trees, kernel_shape=[2, 2]))
    plan = plan_stream(model, input_format="ufixed<8,0>")
    assert plan.warnings == ("no layer is streamed: its thresholds differ between pixels",)


def test_layers_take_registers_for_the_kernel_and_not_for_the_image(
    make: type[ModelMaker],
) -> None:
    found = []
    for size in (12, 24):
        maker = make(2, size, size)
        trees = maker.trees(18, 6, 2, 3, np.random.default_rng(0))
        y = maker.op("LogicConv", "x", *trees, kernel_shape=[3, 3], pads=[1, 1, 1, 1], depth=3)
        y = maker.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
        plan = plan_stream(maker.model(maker.op("Flatten", y)))
        resources = estimate_layers(plan)
        kept = plan.tail.netlist.n_outputs  # the map, which is what the model gives
        found.append((resources.registers - kept, resources.luts, resources.memory_bits))
    (small, luts, bits), large = found
    assert large == (small, luts, 2 * bits)


def test_targets_choose_the_positions(model: onnx.ModelProto, tmp_path: Path) -> None:
    made = write_streaming(model, tmp_path / "rtl", input_format=PIXELS, target_cycles=45)
    assert made["input"]["stream"]["positions_per_beat"] == 2
    assert made["initiation_interval"] == 45
    plan = plan_stream(model, input_format=PIXELS)
    luts = estimate(plan.with_positions(4, None)).luts
    made = write_streaming(model, tmp_path / "rtl", input_format=PIXELS, target_luts=luts)
    assert made["input"]["stream"]["positions_per_beat"] == 4


def test_texts_are_the_same_each_time(model: onnx.ModelProto, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_streaming(model, tmp_path / name, input_format=PIXELS)
    files = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    assert max(map(len, b"\n".join(files.values()).splitlines())) < 2000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positions_per_cycle": 9}, "positions per cycle: 9, must be from 1 to 8"),
        ({"channels_per_cycle": 0}, "channels per cycle: 0, must be from 1 to 1"),
        ({"stages_every": 0}, "levels between registers: 0, must be at least 1"),
        ({"target_cycles": 0}, "target cycles: 0, must be at least 1"),
        (
            {"target_cycles": 1},
            "target cycles: 1, but the fastest design takes an image every 18 clocks, with 8 "
            "positions per cycle",
        ),
        (
            {"target_luts": 1},
            "target LUTs: 1, but the smallest design is estimated to need 447",
        ),
        (
            {"target_cycles": 9, "positions_per_cycle": 2},
            "positions per cycle and a target: give one of them",
        ),
        (
            {"input_format": None},
            "the model's input 'x' is float32: say in which fixed-point format its values come, "
            "for example ufixed<8,1>",
        ),
        (
            {"top": "module"},
            "top module 'module': must be letters, digits and single underscores, begin with a "
            "letter, and be no keyword of Verilog or SystemVerilog",
        ),
        (
            {"reset": "soft"},
            "reset is 'soft', must be one of none, sync, async, sync-low, async-low",
        ),
    ],
)
def test_a_wrong_choice_is_named_and_nothing_is_written(
    model: onnx.ModelProto, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as error:
        write_streaming(model, tmp_path / "rtl", **({"input_format": PIXELS} | options))
    assert str(error.value) == message
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_files_is_left_alone(model: onnx.ModelProto, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(InputError, match="holds files that lgnx did not write"):
        write_streaming(model, tmp_path, input_format=PIXELS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_is_no_logic_behind_the_chain_is_named(make: type[ModelMaker]) -> None:
    maker = make(1, 3, 3)
    trees = maker.trees(4, 2, 2, 1, np.random.default_rng(0))
    y = maker.op("Flatten", maker.op("LogicConv", "x", *trees, kernel_shape=[2, 2]))
    model = maker.model(maker.op("Sin", maker.op("Cast", y, to=onnx.TensorProto.FLOAT)))
    with pytest.raises(ModelError, match=r"is neither the logic network nor an ArgMax"):
        plan_stream(model)


# Dense networks have no layer to stream: two stand for all.
STREAMED = [name for name in NETWORKS if "Clgn" in name or name == "CNN"]
DENSE = ["DlgnMnistSmall", "DlgnJscSmall"]


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMED + DENSE)
def test_every_network_of_torchlogix_has_a_streaming_form(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    try:
        module, shape = build(NETWORKS[name])
        x = torch.rand(1, *shape).round()
        module.eval()(x)
    except (AssertionError, TypeError, ValueError) as error:
        if not re.search(CANNOT_RUN, str(error)):
            raise
        pytest.skip(f"torchlogix cannot run it: {error}")
    sidecar = write_streaming(export(module, x), tmp_path / "rtl", input_format=_format(module, x))
    layers = (tl.LogicConv2d, tl.OrPooling2d)
    streamed = len(sidecar["streaming"]["layers"])
    assert streamed == sum(isinstance(part, layers) for part in module.modules())


def _format(module: nn.Module, x: torch.Tensor) -> str | None:
    return (
        "fixed<12,4>"
        if any(isinstance(m, tl.FixedBinarization) for m in module.modules())
        else None
    )


def test_the_picture_of_the_page_is_up_to_date() -> None:
    docs = Path(__file__).parents[4] / "docs"
    subprocess.run([sys.executable, docs / "draw_streaming.py", "--check"], check=True)
