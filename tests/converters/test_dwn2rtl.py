"""Checkpoints of dwn2rtl against dwn2rtl's own software model."""

from __future__ import annotations

import json
from typing import Any

import dwn2rtl
import numpy as np
import pytest
import torch
from dwn2rtl import extract
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from sklearn.preprocessing import StandardScaler
from torch import nn

import lgnx
from lgnx.converters.dwn2rtl import from_checkpoint
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.torch_dwn import from_modules
from lgnx.metadata import get
from lgnx.network import Network
from lgnx.ops.errors import ModelError
from lgnx.optimize.proof import prove
from lgnx.verify.reference import run_reference
from tests.converters import dwn_cases as cases
from tests.converters.independent import assert_equivalent, yosys

INTEGERS = ("uint8", "int16", "int64")


class Golden:
    """dwn2rtl's own model of a checkpoint: scores and classes, all in numpy."""

    def __init__(self, path: Any) -> None:
        self.checkpoint = dwn2rtl.load(path)
        state, config = self.checkpoint["state_dict"], self.checkpoint["config"]
        self.layers = [
            (extract.extract_tables(state, i), *extract.extract_wiring(state, i, config["n"]))
            for i in extract.layer_indices(state)
        ]
        self.classes = config["num_classes"]
        self.thresholds = self.checkpoint["thermometer"]["thresholds"].numpy()

    def of_bits(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return extract.forward(bits, self.layers, self.classes)

    def compared(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.of_bits(cases.thermometer(x, self.thresholds))

    def in_hardware(self, x: np.ndarray, input_bits: int) -> tuple[np.ndarray, np.ndarray]:
        precision = dwn2rtl.precision_for(self.thresholds, input_bits)
        x_q = extract.quantize(x, precision.frac_bits, precision.word_bits)
        limits = extract.quantize_thresholds(self.thresholds, precision.frac_bits)
        return self.of_bits(extract.encode(x_q, limits))


def agree(model: Any, x: np.ndarray, golden: tuple[np.ndarray, np.ndarray], tau: float = 1) -> None:
    """Assert that all scores and all classes are dwn2rtl's, ties included."""
    classes, counts = golden
    [scores] = run_reference(model, x)
    np.testing.assert_array_equal(scores, counts.astype(np.float32) / np.float32(tau))
    np.testing.assert_array_equal(scores.argmax(1), classes)
    engine = lgnx.InferenceSession(model).run(None, {"x": x})[0]
    np.testing.assert_array_equal(engine, scores)


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("n", [1, 2, 6])
def test_what_dwn2rtl_saves_gives_its_scores_and_classes(torch_dwn, tmp_path, n, learned):
    _, _, encoder, module = cases.scaled_network(torch_dwn, n, learned)
    path = tmp_path / "model.pt"
    dwn2rtl.save(module, encoder, path, run_name="jets", results={"final_acc": 0.763})
    golden, model = Golden(path), read_model(path)
    x = np.random.default_rng(0).normal(size=(500, 5)).astype(np.float32)
    for batch in [x, *cases.corners(x, golden.thresholds)[1:]]:
        agree(model, batch, golden.compared(batch))
    assert len(run_reference(model, x[:0])[0]) == 0
    assert model.graph.name == "jets"
    assert get(model, "lgnx.accuracy") == "0.763"
    assert get(model, "lgnx.source_format") == "dwn2rtl"
    assert get(model, "lgnx.input_scaling") is None


def test_ties_are_common_and_go_to_the_lowest_class(torch_dwn, tmp_path):
    _, _, encoder, module = cases.scaled_network(torch_dwn)
    dwn2rtl.save(module, encoder, tmp_path / "model.pt")
    golden, model = Golden(tmp_path / "model.pt"), read_model(tmp_path / "model.pt")
    x = np.random.default_rng(1).normal(size=(2000, 5)).astype(np.float32)
    classes, counts = golden.compared(x)
    tied = (counts == counts.max(1, keepdims=True)).sum(1) > 1
    assert tied.sum() > 100
    np.testing.assert_array_equal(run_reference(model, x)[0].argmax(1), classes)


def near_thresholds(raw: np.ndarray, model: Any) -> np.ndarray:
    """Raw samples, and the numbers around each threshold of the model."""
    network = Network.from_model(model)
    on = network.thresholds.T.astype(network.input_dtype)
    rows = [raw.astype(on.dtype), on]
    if on.dtype.kind != "f":
        rows += [(on.astype(np.int64) + i).astype(on.dtype) for i in range(-20, 21)]
        return np.concatenate(rows)
    for way in (-np.inf, np.inf):
        step = on
        for _ in range(20):
            step = np.nextafter(step, on.dtype.type(way))
            rows.append(step)
    return np.concatenate(rows)


@pytest.mark.parametrize("dtype", ["float32", "float64", *INTEGERS])
@pytest.mark.parametrize("scaling", ["rounded", "float32", "float64"])
def test_scalers_go_into_the_thresholds_exactly(torch_dwn, tmp_path, scaling, dtype):
    raw, scaler, encoder, module = cases.scaled_network(torch_dwn)
    path = tmp_path / "model.pt"
    if dtype in INTEGERS:
        raw = np.clip(raw, 0, 255).round()
        scaler = StandardScaler().fit(raw)
        encoder.fit(torch.tensor(scaler.transform(raw), dtype=torch.float32))
    dwn2rtl.save(module, encoder, path, scaler=scaler)
    if dtype == "uint8" and scaling != "rounded":
        # 255 is a threshold, which nothing exceeds, and rounding puts 0 above that of 0.
        with pytest.raises(ModelError, match="a bit that is always 1 and one that is always 0"):
            read_model(path, scaling=scaling, dtype=dtype)
        dtype = "int16"
    model = read_model(path, scaling=scaling, dtype=dtype)
    x = near_thresholds(raw, model)
    if scaling == "float32":
        mean, scale = scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32)
        scaled = (x.astype(np.float32) - mean) / scale
    else:
        scaled = (x.astype(np.float64) - scaler.mean_) / scaler.scale_
        if scaling == "rounded":
            scaled = scaled.astype(np.float32)
    agree(model, x, Golden(path).compared(scaled))
    factors = json.loads(get(model, "lgnx.folded_scaling"))
    assert factors == {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
    assert get(model, "lgnx.input_scaling") is None


def test_scaling_may_stay_outside(torch_dwn, tmp_path):
    raw, scaler, encoder, module = cases.scaled_network(torch_dwn)
    dwn2rtl.save(module, encoder, tmp_path / "model.pt", scaler=scaler)
    model = read_model(tmp_path / "model.pt", scaling="outside")
    x = scaler.transform(raw).astype(np.float32)
    agree(model, x, Golden(tmp_path / "model.pt").compared(x))
    assert json.loads(get(model, "lgnx.input_scaling"))["mean"] == scaler.mean_.tolist()
    assert get(model, "lgnx.folded_scaling") is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("input_bits", [0, 1, 4, 12, 40])
def test_fixed_point_is_that_of_the_hardware(torch_dwn, tmp_path, input_bits, scaled, dtype):
    raw, scaler, encoder, module = cases.scaled_network(torch_dwn)
    path = tmp_path / "model.pt"
    dwn2rtl.save(module, encoder, path, scaler=scaler if scaled else None)
    model = read_model(path, scaling="float64", input_bits=input_bits, dtype=dtype)
    x = near_thresholds(raw if scaled else scaler.transform(raw), model)
    numbers, golden = x.astype(np.float64), Golden(path)
    with np.errstate(over="ignore"):  # the largest numbers are on the rail
        if scaled:
            numbers = (numbers - scaler.mean_) / scaler.scale_
        agree(model, x, golden.in_hardware(numbers, input_bits))
        if input_bits == 1:
            assert (golden.in_hardware(numbers, 1)[1] != golden.compared(numbers)[1]).any()


def test_a_threshold_on_the_rail_is_never_exceeded_as_in_the_hardware(torch_dwn, tmp_path):
    _, _, encoder, module = cases.scaled_network(torch_dwn)
    encoder.thresholds[0, 2] = 3.99  # rounds down to the largest number of the word
    encoder.thresholds.clamp_(-3.99, 3.99)
    dwn2rtl.save(module, encoder, tmp_path / "model.pt")
    model = read_model(tmp_path / "model.pt", input_bits=2)
    x = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32) * 4
    agree(model, x, Golden(tmp_path / "model.pt").in_hardware(x, 2))
    assert Network.from_model(model).thresholds[0, 2] == np.inf


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 6),
    features=st.integers(1, 6),
    z=st.integers(1, 5),
    widths=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    k=st.integers(1, 5),
    input_bits=st.one_of(st.none(), st.integers(0, 20)),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_checkpoint(tmp_path_factory, n, features, z, widths, k, input_bits, seed):
    rng = np.random.default_rng(seed)
    state, inputs = {}, features * z
    widths[-1] *= k
    for i, width in enumerate(widths):
        luts = rng.normal(size=(width, 2**n)).astype(np.float32)
        luts[rng.random(luts.shape) < 0.1] = 0
        state[f"{i}.luts"] = torch.from_numpy(luts)
        if rng.random() < 0.5:
            weights = rng.integers(0, 3, (inputs, width * n)).astype(np.float32)  # with ties
            state[f"{i}.mapping.weights"] = torch.from_numpy(weights)
            dummy = np.arange(width * n).reshape(width, n).astype(np.int32)
            state[f"{i}._LUTLayer__dummy_mapping"] = torch.from_numpy(dummy)
        else:
            mapping = rng.integers(0, inputs, (width, n)).astype(np.int32)
            state[f"{i}.mapping"] = torch.from_numpy(mapping)
        inputs = width
    thresholds = rng.normal(size=(features, z)).astype(np.float32)  # not sorted
    config = {"n": n, "num_classes": k, "layers": widths, "thermometer_bits": z}
    scaler = {"mean": rng.normal(size=features), "scale": rng.uniform(0.1, 9, features)}
    path = tmp_path_factory.getbasetemp() / "any.pt"
    torch.save(
        {
            "config": config,
            "state_dict": state,
            "thermometer": {"thresholds": torch.from_numpy(thresholds)},
            "scaler": scaler,
        },
        path,
    )
    golden = Golden(path)
    model = read_model(path, input_bits=input_bits, scaling="float64")
    x = near_thresholds(rng.normal(size=(40, features)) * 4, model)
    x = x[np.isfinite(x).all(1)]
    scaled = (x.astype(np.float64) - scaler["mean"]) / scaler["scale"]
    expected = golden.compared(scaled)
    if input_bits is not None:
        expected = golden.in_hardware(scaled, input_bits)
    classes, counts = expected
    [scores] = run_reference(model, x)
    np.testing.assert_array_equal(scores, counts.astype(np.float32))
    np.testing.assert_array_equal(scores.argmax(1), classes)


def test_whole_modules_are_read_with_tau_order_and_scaler(torch_dwn, tmp_path):
    groups = torch_dwn.GroupSum(4, tau=0.3, randperm=40)
    raw, scaler, encoder, module = cases.scaled_network(torch_dwn, groups=groups)
    path = tmp_path / "model.pt"
    saved = {"model": module, "thermometer": encoder, "scaler": scaler, "run_name": "whole"}
    torch.save(saved, path)
    model = read_model(path)
    x = near_thresholds(raw, model)
    scaled = ((x.astype(np.float64) - scaler.mean_) / scaler.scale_).astype(np.float32)
    bits = cases.network(cases.thermometer(scaled, encoder.thresholds.numpy()), module[:2])
    expected = cases.scores(bits, 4, 0.3, groups.randperm)
    np.testing.assert_array_equal(run_reference(model, x)[0], expected)
    # dwn2rtl does not look at the order: it counts other bits.
    _, counts = Golden(path).compared(scaled)
    assert (counts != cases.scores(bits, 4, 1, groups.randperm)).any()
    groups.randperm = None
    torch.save(saved, path)
    agree(read_model(path), x, Golden(path).compared(scaled), tau=0.3)


def test_whole_and_saved_checkpoints_are_one_network_by_proof(torch_dwn, tmp_path):
    _, scaler, encoder, module = cases.scaled_network(torch_dwn, n=4)
    torch.save({"model": module, "thermometre": encoder, "scaler": scaler}, tmp_path / "a.pt")
    dwn2rtl.save(module, encoder, tmp_path / "b.pt", scaler=scaler)
    a, b = (Network.from_model(read_model(tmp_path / f"{name}.pt")) for name in "ab")
    np.testing.assert_array_equal(a.thresholds, b.thresholds)
    assert prove(a.netlist, b.netlist).status == "proved"
    live = Network.from_model(from_checkpoint(dwn2rtl.from_model(module, encoder, scaler=scaler)))
    assert prove(live.netlist, b.netlist).status == "proved"


def test_the_verilog_of_dwn2rtl_is_the_network_by_proof_of_abc(torch_dwn, tmp_path):
    encoder = torch_dwn.GaussianThermometer(3).fit(torch.randn(100, 8))
    module = nn.Sequential(
        torch_dwn.LUTLayer(24, 40, n=6, mapping="learnable"),
        torch_dwn.LUTLayer(40, 30, n=6),
        torch_dwn.GroupSum(3),
    )
    dwn2rtl.save(module, encoder, tmp_path / "model.pt")
    dwn2rtl.build(
        tmp_path / "model.pt", tmp_path / "rtl", pipeline=dwn2rtl.Pipeline(0, 0, 0, 0), n_random=1
    )
    sources = ["dwn_core", "lut_node", "popcount", "argmax", "pipe_reg"]
    yosys(
        [
            f"read_verilog -Irtl {' '.join(f'rtl/{name}.v' for name in sources)}",
            "hierarchy -top dwn_core; proc; flatten; opt -full; techmap; opt; abc -g AND,XOR",
            "opt_clean; delete -port dwn_core/clk",
            "cd dwn_core; rename class_idx class; cd ..",
            "write_blif theirs.blif",
        ],
        cwd=tmp_path,
    )
    model = from_modules(module)
    model.graph.output.pop()
    model.graph.node.append(helper.make_node("ArgMax", ["scores"], ["class"], axis=1, keepdims=0))
    model.graph.output.append(helper.make_tensor_value_info("class", 7, ["batch"]))
    write_model(model, tmp_path / "ours.blif")
    assert_equivalent(tmp_path / "ours.blif", tmp_path / "theirs.blif", by="name")


@pytest.mark.parametrize("off", ["with_mean", "with_std"])
def test_scalers_that_do_half(torch_dwn, tmp_path, off):
    raw, _, encoder, module = cases.scaled_network(torch_dwn)
    scaler = StandardScaler(**{off: False}).fit(raw)
    torch.save({"model": module, "thermometer": encoder, "scaler": scaler}, tmp_path / "m.pt")
    model = read_model(tmp_path / "m.pt", scaling="float64", dtype="float64")
    x = near_thresholds(raw, model)
    bits = cases.thermometer(scaler.transform(x), encoder.thresholds.numpy())
    expected = cases.scores(cases.network(bits, module[:2]), 4, 1 / 0.3)
    np.testing.assert_array_equal(run_reference(model, x)[0], expected)


def test_the_layout_of_any_class_is_enough(torch_dwn, tmp_path, monkeypatch):
    _, _, encoder, module = cases.scaled_network(torch_dwn)
    for layer in module:
        monkeypatch.setattr(type(layer), "__module__", type(layer).__module__)
    expected = from_checkpoint({"model": module, "thermometer": encoder})
    own = type("LUTLayer", (nn.Module,), {"__module__": "elsewhere"})
    for i in (0, 1):
        copy = own()
        vars(copy).update(vars(module[i]))
        module[i] = copy
    got = from_checkpoint({"model": module, "thermometer": encoder.thresholds})
    assert got.SerializeToString() == expected.SerializeToString()
