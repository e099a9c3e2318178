"""Every layer and option of torchlogix, in each version that has been released since 0.1.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.converters import torchlogix_cases as cases

LAYERS, MODELS = list(cases.layers()), list(cases.models())

NO_DEPTH = (
    "torchlogix {} does not pad its depth by 1, as later versions do; exported as it computes"
)
DRAWN = (
    "in torchlogix {}, its connections are drawn anew for every batch, also in evaluation; "
    "exported with the likeliest ones"
)
THRESHOLDS = (
    "in torchlogix {}, its thresholds in evaluation differ from those it was trained with; "
    "exported as it evaluates"
)


@pytest.mark.parametrize("case", LAYERS, ids=[name for name, *_ in LAYERS])
def test_layers_compute_as_their_operators(case: tuple[Any, ...]) -> None:
    name, *rest = case
    # Its transposed convolutions take windows of equal sides only.
    expected = "cannot run" if name == "transposed window" else "same"
    assert cases.check_layer(*rest) == expected


@pytest.mark.parametrize("case", MODELS, ids=[name for name, *_ in MODELS])
def test_models_compute_as_their_files(case: tuple[Any, ...]) -> None:
    assert cases.check_model(*case[1:]) == "same"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.1.1", "0.2.1"], scope="module")
def test_older_versions_compute_as_their_operators(version: str, installed: Path) -> None:
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{root}"}
    done = subprocess.run(
        [sys.executable, cases.__file__], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    trained = THRESHOLDS.format(version)
    expected = dict.fromkeys(results, "same")
    absent = [name for name in results if "transposed" in name]
    absent += ["model export mode"] if version == "0.1.1" else []
    expected |= dict.fromkeys(absent, "cannot be built")
    expected["conv3d padding"] = "cannot run"
    expected["conv3d unpadded depth"] += f"; {NO_DEPTH.format(version)}"
    expected["dense learnable with noise"] += f"; {DRAWN.format(version)}"
    expected["model Learnable feature"] += f"; module '0' (LearnableBinarization): {trained}"
    for name in [name for name in results if name.startswith("Learnable ")]:
        expected[name] += f"; {trained}"
    assert results == expected
    assert len(results) == len(LAYERS) + len(MODELS)
