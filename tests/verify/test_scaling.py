"""Samples are raw, and scaled in one place: in the model's session, in the RTL, at the port."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.converters.verilog.folder import stamp
from lgnx.metadata import INPUT_SCALING, with_metadata
from lgnx.ops.errors import InputError, ModelError
from lgnx.scaling import InputScaling
from lgnx.verify.cosim import compare
from lgnx.verify.interactive import pack_sample
from lgnx.verify.rtl import read_rtl

datasets = pytest.importorskip("sklearn.datasets")
preprocessing = pytest.importorskip("sklearn.preprocessing")


@pytest.fixture(scope="module")
def raw():
    return datasets.load_breast_cancer().data


@pytest.fixture(scope="module")
def scaler(raw):
    return preprocessing.StandardScaler().fit(raw)


@pytest.fixture(scope="module")
def scaled_design(make, design, raw, scaler):
    """A network on the scaled features of breast cancer, thresholds at their quantiles."""
    rng = np.random.default_rng(0)
    values = scaler.transform(raw).astype(np.float32)
    levels = np.quantile(values, [0.2, 0.4, 0.6, 0.8], axis=0).T.astype(np.float32)
    m = make(30, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(levels))
    flat = m.op("Reshape", bits, m.constant([0, 120]))
    y = m.dense(flat, 120, 80, 4, rng)
    model = m.model(m.op("GroupSum", y, groups=2, tau=3.0))
    scaling = {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
    model = with_metadata(model, {INPUT_SCALING: json.dumps(scaling)})
    return design(model, input_format="fixed<25,6>")


def test_raw_samples_through_the_rtl_are_raw_samples_through_the_model(scaled_design, raw, scaler):
    scaling = InputScaling.of_model(scaled_design.path)
    exact = scaling.apply(raw, np.float32)
    np.testing.assert_array_equal(exact, scaler.transform(raw).astype(np.float32))
    expected = lgnx.InferenceSession(scaled_design.path).run(None, {"x": exact})[0]
    assert len(np.unique(expected)) > 4
    simulation = scaled_design.simulation()
    np.testing.assert_array_equal(simulation.scores(raw), expected)
    report = compare(simulation, scaled_design.path, raw, vcd=None)
    assert (report.samples, report.mismatches, report.rounded) == (569, 0, 0)
    port = simulation.rtl.input
    given = port.model_input(raw)
    np.testing.assert_array_equal(simulation.scores(given, scaled=True), expected)
    assert pack_sample(simulation.rtl, raw[3]) == pack_sample(simulation.rtl, given[3], scaled=True)
    with pytest.raises(InputError, match="raw samples are float64"):
        simulation.scores(raw[:, :29])


def test_scaled_samples_are_rounded_down_and_kept_within_the_format(scaled_design):
    port = read_rtl(scaled_design.rtl).input
    step, mean, scale = 2.0**-19, port.scaling.mean, port.scaling.scale
    scaled = np.array([1.0, 1 + 0.6 * step, -1.0, -1 - 0.4 * step, 1e9, -1e9])
    wanted = np.array([1.0, 1.0, -1.0, -1 - step, 32 - step, -32.0])
    x = scaled[:, None] * scale + mean
    found = port.model_input(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.repeat(wanted[:, None], 30, axis=1))
    port.codes(port.model_input(x))
    x[1, 7] = np.nan
    with pytest.raises(InputError, match="sample 1, feature 7: is not a number"):
        port.model_input(x)


def test_another_scaling_than_the_models_is_refused(scaled_design, raw, tmp_path):
    folder = scaled_design.copy(tmp_path / "rtl")
    path = folder / "lgnx.json"
    sidecar = json.loads(path.read_text())
    sidecar["input"]["scaling"] = None
    path.write_text(json.dumps(sidecar))
    with pytest.raises(ModelError, match="build_id is"):
        read_rtl(folder)
    stamp(folder)
    with pytest.raises(InputError, match=r"input\.scaling: the sidecar has none, .*model\.onnx"):
        compare(scaled_design.simulation(folder), scaled_design.path, raw[:2], vcd=None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[", "must be a JSON object with 'mean' and 'scale'"),
        ('{"std": [1]}', "must be a JSON object with 'mean' and 'scale'"),
        ('{"mean": [1, 2]}', "mean must be a list of numbers: 1, 6, or one for each place"),
        ('{"mean": 3}', "mean must be a list of numbers"),
        ('{"scale": [0]}', "scale must be finite, above 0"),
        ('{"mean": [NaN]}', "mean must be finite"),
    ],
)
def test_a_scaling_of_another_form_is_named(value, message):
    with pytest.raises(ModelError, match=rf"a\.onnx: metadata 'lgnx\.input_scaling': {message}"):
        InputScaling.of_text(value, (6,), "a.onnx")


def test_one_number_or_one_for_each_channel_will_do():
    one = InputScaling.of({"mean": [0.5], "scale": [2, 4]}, (2, 3), "x")
    x = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(
        one.apply(x, np.float64)[0], (x[0] - 0.5) / np.array([[2.0], [4.0]])
    )
