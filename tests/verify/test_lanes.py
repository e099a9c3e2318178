from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import lgnx
from lgnx.cli import app
from lgnx.converters.verilog.folder import stamp
from lgnx.ops.errors import ComparisonError, InputError
from lgnx.verify.cosim import compare
from lgnx.verify.lanes import LaneSimulation, compare_lanes, lanes_pay
from lgnx.verify.reference import run_reference

SAMPLES = (0, 1, 63, 64, 65, 5_000)  # the last: more than one call of the library
SIGNED = {"input_format": "fixed<9,2>", "stages_every": 2, "tree_every": 1}


def lanes_of(made, rtl=None):
    return LaneSimulation(rtl or made.rtl, made.path, cache_dir=made.cache)


def assert_alike(made, x, lanes, simulation):
    expected = run_reference(made.model, x)[0]
    result, ordinary = lanes.run(x), simulation.run(x)
    for name in ("scores", "class_index", "trigger", "bits"):
        np.testing.assert_array_equal(getattr(result, name), getattr(ordinary, name))
    if result.bits is None:
        np.testing.assert_array_equal(lanes.rtl.scoring.scores(result.scores), expected)
    else:
        np.testing.assert_array_equal(result.bits, expected)


def test_lanes_ordinary_simulation_and_reference_agree_on_numbers(design, classifier):
    made = design(classifier, **SIGNED)
    lanes, simulation = lanes_of(made), made.simulation()
    x = made.samples(SAMPLES[-1])
    for n in SAMPLES:
        assert_alike(made, x[:n], lanes, simulation)
        told = []
        report = compare_lanes(lanes, simulation, made.path, x[:n], progress=told.append)
        assert (report.samples, report.mismatches, report.first, sum(told)) == (n, 0, None, n)


def test_lanes_of_a_network_of_bits(design, make):
    rng = np.random.default_rng(1)
    m = make(70)
    made = design(m.model(m.dense(m.dense("x", 70, 90, 4, rng), 90, 67, 2, rng)), stages_every=1)
    lanes, simulation = lanes_of(made), made.simulation()
    for x in (rng.random((130, 70)) < 0.5, np.zeros((1, 70), bool), np.eye(70, dtype=bool)):
        assert_alike(made, x, lanes, simulation)


def test_a_wrong_gate_is_found_by_lanes_as_by_the_ordinary_simulation(design, classifier, tmp_path):
    made = design(classifier, **SIGNED)
    wrong = made.copy(tmp_path / "wrong")
    stages = [m for m in made.simulation().rtl.modules if m.role == "logic"]
    file = wrong / stages[-1].file
    text, changed = re.subn(r"(y\[0\] = )(.*);", r"\1~(\2);", file.read_text())
    assert changed == 1
    file.write_text(text)
    stamp(wrong)
    lanes, simulation = lanes_of(made, wrong), made.simulation(wrong)
    x = made.samples(3_000)
    found = compare_lanes(lanes, simulation, made.path, x, checked=10)
    known = compare(simulation, made.path, x, vcd=None)
    assert found.mismatches == known.mismatches > 0
    assert found.first.index == known.first.index
    assert str(found.first) == str(known.first)
    assert found.failing is not None

    # Lanes of one folder beside the simulation of another one.
    with pytest.raises(ComparisonError, match="lanes and model differ 0 times, ordinary simulat"):
        compare_lanes(lanes_of(made), simulation, made.path, x)


def test_lanes_on_the_command_line(design, classifier, monkeypatch):
    made = design(classifier, **SIGNED)
    monkeypatch.setenv("LGNX_CACHE_DIR", str(made.cache))
    command = ["cosim", str(made.path), str(made.rtl), "--random", "2000", "--json"]
    for mode, used in (("lanes", "lanes"), ("auto", "one-lane")):
        done = CliRunner().invoke(app, [*command, "--mode", mode])
        result = json.loads(done.stdout)
        assert (result["mode"], result["equal"], result["runs"][0]["samples"]) == (used, True, 2000)
    done = CliRunner().invoke(app, [*command, "--mode", "two"])
    assert done.exit_code != 0
    assert "mode 'two': must be one of auto, one-lane, lanes" in done.output


def test_lanes_pay_for_many_samples_of_the_model_s_own_form(design, classifier, make):
    made = design(classifier, **SIGNED)
    network, rtl = lgnx.Network.from_model(made.path), made.simulation().rtl
    assert not lanes_pay(rtl, network, 10_000)
    assert lanes_pay(rtl, network, 10**9)
    m, rng = make(6), np.random.default_rng(1)
    other = m.model(m.dense("x", 6, 8, 2, rng))
    assert not lanes_pay(rtl, lgnx.Network.from_model(other), 10**9)
    with pytest.raises(InputError, match="lanes need the model from which the RTL was written"):
        LaneSimulation(made.rtl, other, cache_dir=made.cache)
