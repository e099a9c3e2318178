"""A fault in the RTL: minimised, its first net named, its waves written."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import TensorProto

from lgnx.converters.verilog.folder import stamp
from lgnx.ops.errors import InputError
from lgnx.verify.cosim import compare
from lgnx.verify.coverage import measure_coverage
from lgnx.verify.delta_debugging import Budget, smallest_subset
from lgnx.verify.minimise import minimise
from lgnx.verify.reference import run_reference
from lgnx.verify.runner import FailingRun, HandshakeError
from lgnx.verify.stalls import Stalls


def changed(design, tmp_path, file, old, new):
    """Copy a design with one change."""
    folder = design.copy(tmp_path / "rtl")
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    stamp(folder)
    return design.simulation(folder)


def test_delta_debugging_leaves_only_what_is_needed():
    needed = np.array([3, 17, 40, 41])
    tried = []

    def fails(masks):
        tried.append(len(masks))
        return masks[:, needed].all(axis=1)

    kept, minimal = smallest_subset(fails, 64, Budget())
    assert (np.flatnonzero(kept).tolist(), minimal) == (needed.tolist(), True)
    assert len(tried) < 64  # steps, each of which is one batch
    kept, minimal = smallest_subset(fails, 64, Budget(tries=5))
    assert kept[needed].all()
    assert not minimal
    kept, minimal = smallest_subset(lambda masks: np.ones(len(masks), bool), 9, Budget())
    assert not kept.any()
    assert minimal


@pytest.mark.slow
def test_a_changed_gate_is_found_with_the_fewest_features(design, tmp_path):
    made = design(stages_every=2)
    simulation = changed(made, tmp_path, "lgnx_top_stage1.v", " ^ ", " & ")
    report = compare(simulation, made.path, made.samples(1500), vcd=None)
    waves = tmp_path / "case.vcd"
    case = minimise(simulation, made.path, report.failing, waves=waves)
    assert case.minimal
    assert case.samples.shape == (1, 6)
    np.testing.assert_array_equal(
        case.expected.scores, run_reference(made.model, case.samples)[0][0]
    )
    assert not np.array_equal(case.expected.scores, case.actual.scores)
    assert "the model gives" in case.wrong[0]
    for _, feature, _ in case.features:  # none can go
        less = case.samples.copy()
        less[0, feature] = 0
        expected = run_reference(made.model, less)[0]
        np.testing.assert_array_equal(simulation.scores(less), expected)
    assert case.net.where == "logic, stage 1"
    assert case.net.net.startswith("lgnx_top.network.stage1.") or "logic1" in case.net.net
    assert case.net.expected != case.net.actual
    assert " scores" in waves.read_text()
    assert json.loads(json.dumps(case.content()))["first_net"]["net"] == case.net.net
    with pytest.raises(InputError, match="the run does not fail: model and RTL agree"):
        minimise(made.simulation(), made.path, FailingRun(case.samples, Stalls.none(), 0))


def test_a_fault_that_needs_stalls_keeps_only_these(design, tmp_path):
    made = design(stages_every=1, handshake="axi-stream")
    forgets = changed(made, tmp_path, "lgnx_top_skid.v", "full ? spare : s_data", "s_data")
    report = compare(forgets, made.path, made.samples(600), stalls=40, vcd=None)
    assert report.mismatches
    case = minimise(forgets, made.path, report.failing)
    assert 2 <= len(case.samples) <= 4
    assert 1 <= case.stalls.receiver.sum() <= 3
    assert len(case.stalls) < 40
    assert case.rows()["stalls"].count("receiver in clock")
    again = forgets.run(case.samples, stalls=case.stalls, scaled=True)
    scores = forgets.rtl.scores.scores(again.scores)
    assert not np.array_equal(scores, run_reference(made.model, case.samples)[0])


def test_a_lost_result_is_minimised_too(design, tmp_path):
    made = design(stages_every=1, handshake="axi-stream")
    loses = changed(made, tmp_path, "lgnx_top_skid.v", "full <= ~free &", "full <= 1'b0 &")
    with pytest.raises(HandshakeError, match="nothing moves any more") as caught:
        compare(loses, made.path, made.samples(400), stalls=50, vcd=None)
    case = minimise(loses, made.path, caught.value.failing)
    assert len(case.samples) < 20
    assert case.features == []
    assert case.expected is None
    assert "nothing moves any more" in case.wrong[0]
    assert case.stalls.receiver.any()


@pytest.mark.slow
def test_an_output_that_is_constant_is_dead_and_proved_so(design, make):
    m = make(4, dtype=TensorProto.FLOAT)
    levels = np.array([[0.25, 0.5], [0.25, 0.5], [0.5, 0.75], [0.5, 0.75]], np.float32)
    flat = m.op("Reshape", m.op("Thermometer", "x", m.constant(levels)), m.constant([0, 8]))
    # x0 > 0.5 without x0 > 0.25 never is: a constant that only the thermometer makes one.
    pairs = np.array([[0, 1], [2, 4], [3, 6], [5, 7]], np.int32)
    tables = np.array([[0b0100], [0b1000], [0b0110], [0b1110]], np.uint8)
    model = m.model(m.op("LogicDense", flat, m.constant(pairs), m.constant(tables)))
    made = design(model, input_format="ufixed<4,1>")
    coverage = measure_coverage(made.simulation(), [made.samples(400)], model=made.path)
    (dead,) = coverage.dead_outputs
    assert (dead.net, dead.verdict) == ("lgnx_top.y[0]", "constant")
    assert {bit.verdict for bit in coverage.never} == {"constant"}
    encoder = next(m for m in coverage.modules if m.module == "lgnx_top_encoder")
    assert (encoder.toggled, encoder.never) == (encoder.bits, 0)
    few = measure_coverage(made.simulation(), [made.samples(1)], model=made.path)
    assert few.samples == 1
    verdicts = {bit.net: bit.verdict for bit in few.dead_outputs}
    assert verdicts["lgnx_top.y[0]"] == "constant"
    assert verdicts["lgnx_top.y[1]"] == "can change"


@pytest.mark.slow
def test_fst_has_what_vcd_has(design, tmp_path):
    pywellen = pytest.importorskip("pywellen")
    made = design(stages_every=1, handshake="axi-stream")
    found = []
    for name in ("a.vcd", "a.fst"):
        made.simulation().trace(made.samples(5)[4], tmp_path / name)
        waves = pywellen.Waveform(str(tmp_path / name))
        found.append({v.full_name: [(t, str(x)) for t, x in v.tv] for v in waves.all_vars()})
    assert found[0] == found[1]
    assert "TOP.lgnx_top.core.network.logic0" in found[0]
    with pytest.raises(InputError, match=r"a\.txt: waves are written as \.vcd or \.fst"):
        made.simulation().trace(made.samples(1)[0], tmp_path / "a.txt")
