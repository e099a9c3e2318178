from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.converters.verilog.folder import stamp
from lgnx.ops.errors import ComparisonError, InputError
from lgnx.verify.cosim import compare
from lgnx.verify.reference import run_reference

STYLES = [{}, {"stages_every": 1}, {"stages_every": 2}]


def corner_batches(design):
    """Random batches of the corner sizes; all lowest, all highest, one hot."""
    x = design.samples(500)
    one_hot = np.where(np.eye(6, dtype=bool), x.max(), x.min()).astype(np.float32)
    return [x, *(x[:n] for n in (0, 1, 63, 64, 65)), one_hot]


@pytest.mark.parametrize("options", STYLES)
def test_the_rtl_gives_the_scores_of_the_numpy_reference(design, options):
    made = design(**options)
    simulation = made.simulation()
    for x in corner_batches(made):
        expected = run_reference(made.model, x)[0]
        scores = simulation.scores(x)
        assert (scores.dtype, scores.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(scores, expected)
        classes = simulation.run(x).class_index
        np.testing.assert_array_equal(classes, expected.argmax(axis=1))


@pytest.mark.parametrize("options", STYLES)
@pytest.mark.parametrize("session", ["onnxruntime", "numpy"])
def test_comparing_with_the_model_finds_no_mismatch(design, options, session):
    made = design(**options)
    model = made.path if session == "onnxruntime" else lgnx.Network.from_model(made.path)
    x = made.samples(9_000)  # more than one chunk
    told = []
    report = compare(made.simulation(), model, x, session=session, vcd=None, progress=told.append)
    assert (report.samples, report.mismatches, report.first) == (9_000, 0, None)
    assert sum(told) == 9_000
    report.raise_if_different()
    assert str(report) == "9,000 samples: 0 mismatches"


@pytest.mark.parametrize("stages_every", [None, 1])
def test_a_network_of_bits(design, make, stages_every):
    rng = np.random.default_rng(1)
    m = make(70)
    model = m.model(m.dense(m.dense("x", 70, 90, 4, rng), 90, 67, 2, rng))
    made = design(model, stages_every=stages_every)
    simulation = made.simulation()
    for x in (rng.random((200, 70)) < 0.5, np.zeros((1, 70), bool), np.eye(70, dtype=bool)):
        np.testing.assert_array_equal(simulation.scores(x), run_reference(model, x)[0])


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float64"])
def test_other_types_of_numbers(design, make, dtype):
    rng = np.random.default_rng(2)
    kind = np.dtype(dtype)
    m = make(2, 3, dtype=int(onnx_type(kind)))
    levels = np.sort(rng.integers(-5 if kind.kind != "u" else 0, 90, (2, 3, 2))).astype(kind)
    flat = m.op(
        "Reshape", m.op("Thermometer", "x", m.constant(levels), strict=0), m.constant([0, 12])
    )
    model = m.model(
        m.op("GroupSum", m.dense(flat, 12, 20, 2, rng), groups=1, dtype=TensorProto.INT32)
    )
    made = design(model, input_format="fixed<10,8>" if kind.kind == "f" else dtype)
    x = made.samples(300)
    np.testing.assert_array_equal(made.simulation().scores(x), run_reference(model, x)[0])


def onnx_type(kind):
    from onnx import helper

    return helper.np_dtype_to_tensor_dtype(kind)


@pytest.mark.parametrize(
    "options",
    [
        {"handshake": "none", "tree_every": 1},
        {"handshake": "axi-stream", "reset": "sync", "language": "systemverilog"},
        {"handshake": "axi-stream", "reset": "async-low", "tree_every": 1, "trigger": "1 >= 3"},
        {"outputs": "trigger", "trigger": "0 > 2"},
        {"outputs": "class,trigger", "trigger": "2 > 2", "tree_every": 1, "reset": "async"},
    ],
)
def test_every_interface_gives_the_models_outputs(design, options):
    made = design(stages_every=2, **options)
    report = compare(made.simulation(), made.path, made.samples(700), vcd=None)
    assert (report.samples, report.mismatches) == (700, 0)


def test_features_of_several_formats_are_packed_one_after_the_other(design, tmp_path):
    spec = tmp_path / "inputs.yaml"
    spec.write_text("default: ufixed<8,1>\nfeatures: {1: 'ufixed<9,2>', 4: 'fixed<9,1>'}\n")
    made = design(input_format=spec, stages_every=1)
    assert made.simulation().rtl.input.width == 4 * 8 + 2 * 9
    report = compare(made.simulation(), made.path, made.samples(700), vcd=None)
    assert report.mismatches == 0


def test_a_stream_loses_nothing_under_any_stalls(design):
    made = design(stages_every=1, handshake="axi-stream", reset="sync")
    x = made.samples(500)
    expected = run_reference(made.model, x)[0]
    for stalls in (0, 1, 50, 90):
        found = made.simulation().run(x, stalls=stalls, seed=stalls)
        scores = made.simulation().rtl.scores.scores(found.scores)
        np.testing.assert_array_equal(scores, expected)
    with pytest.raises(InputError, match="stalls is 96; allowed: 0 to 95"):
        made.simulation().run(x, stalls=96)
    with pytest.raises(InputError, match="only a design with the handshake axi-stream can stall"):
        design().simulation().run(x, stalls=1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("full <= ~free &", "full <= 1'b0 &"),  # forgets what came while it could not leave
        ("valid <= ~free | full | s_valid", "valid <= 1'b1"),  # results out of nothing
        ("enable = out_ready | ~out_valid", "enable = out_ready & out_valid"),  # never starts
    ],
)
def test_a_broken_handshake_is_caught(design, tmp_path, old, new):
    made = design(stages_every=1, handshake="axi-stream")
    folder = made.copy(tmp_path / "rtl")
    for path in folder.glob("*.v"):
        path.write_text(path.read_text().replace(old, new))
    stamp(folder)
    with pytest.raises(ComparisonError, match="the sidecar states a latency of"):
        made.simulation(folder).run(made.samples(500), stalls=50)


def test_constant_and_passed_outputs(design, make):
    m = make(3)
    tables = np.array([[0x0], [0xF], [0xA], [0x5], [0xC], [0x3]], np.uint8)
    model = m.model(
        m.op("LogicDense", "x", m.constant(np.array([[0, 2]] * 6, np.int32)), m.constant(tables))
    )
    x = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(bool)
    for stages_every in (None, 1):
        scores = design(model, stages_every=stages_every).simulation().scores(x)
        np.testing.assert_array_equal(scores, run_reference(model, x)[0])


def mutate(folder, stage, old, new):
    path = folder / f"lgnx_top_{stage}.v"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    stamp(folder)


@pytest.mark.parametrize("stages_every", [None, 1])
def test_a_gate_that_was_changed_is_caught_with_its_waves(design, tmp_path, stages_every):
    made = design(stages_every=stages_every)
    folder = made.copy(tmp_path / "rtl")
    mutate(folder, "stage0", " & ", " | ")
    x = made.samples(2_000)
    report = compare(made.simulation(folder), made.path, x, vcd=tmp_path / "first.vcd")
    assert report.mismatches > 0
    first = report.first
    np.testing.assert_array_equal(first.input, x[first.index])
    expected = run_reference(made.model, x[: first.index + 1])[0]
    np.testing.assert_array_equal(first.expected.scores, expected[-1])
    wrong = made.simulation(folder).scores(x[: first.index + 1])
    np.testing.assert_array_equal(wrong[:-1], expected[:-1])
    np.testing.assert_array_equal(first.actual.scores, wrong[-1])
    waves = (tmp_path / "first.vcd").read_text()
    assert "$enddefinitions" in waves
    assert " scores" in waves
    with pytest.raises(ComparisonError, match="samples differ; first is sample"):
        report.raise_if_different()


def test_a_wrong_class_alone_is_caught(design, tmp_path):
    made = design()
    folder = made.copy(tmp_path / "rtl")
    path = folder / "lgnx_top_argmax.v"
    path.write_text(path.read_text().replace(" > best", " >= best"))  # ties go to the last
    stamp(folder)
    report = compare(made.simulation(folder), made.path, made.samples(2_000), vcd=None)
    assert report.mismatches > 0
    np.testing.assert_array_equal(report.first.expected.scores, report.first.actual.scores)
    assert report.first.expected.class_index < report.first.actual.class_index


def test_a_result_at_the_wrong_time_is_caught(design, tmp_path):
    made = design(stages_every=1)
    folder = made.copy(tmp_path / "rtl")
    path = folder / "lgnx.json"
    latency = made.simulation().rtl.latency
    path.write_text(path.read_text().replace(f'"latency": {latency}', f'"latency": {latency + 1}'))
    stamp(folder)
    with pytest.raises(ComparisonError, match="out_valid is"):
        made.simulation(folder).run(made.samples(10))


def test_samples_that_do_not_fit_are_named(design):
    made = design()
    x = made.samples(20)
    x[13, 2] = 0.3
    with pytest.raises(InputError, match=r"sample 13, feature 2: the value 0\.3.* ufixed<8,1>"):
        compare(made.simulation(), made.path, x, vcd=None)
    with pytest.raises(InputError, match="the RTL takes 6 features per sample"):
        made.simulation().run(np.zeros((3, 5), np.float32))
    with pytest.raises(InputError, match="input has dtype"):
        made.simulation().run(np.full((3, 6), "a"))


def test_a_model_with_other_outputs_is_refused(design, make):
    m = make(6)
    other = m.model(m.dense("x", 6, 4, 2, np.random.default_rng(0)))
    made = design()
    with pytest.raises(InputError, match=r"the model's input 'x' is tensor\(bool\); the RTL is"):
        compare(made.simulation(), other, made.samples(5), vcd=None)
