"""The example of a random forest, from scikit-learn to C."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import onnx
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("sklearn")
pytest.importorskip("aigverse")

import lgnx

SCRIPT = Path(__file__).parents[2] / "examples" / "forest.py"


def test_onnx_and_c_classify_as_the_forest(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("forest", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = typer.Typer()
    app.command()(module.main)
    out = tmp_path / "forest"
    result = CliRunner().invoke(app, ["--trees", "5", "--out", str(out)])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("5 trees, accuracy on test data: 9")
    assert lines[1].endswith(": proved")
    assert lines[2] == "onnxruntime gives the same probabilities as scikit-learn: True"
    if shutil.which("cc"):
        assert lines[3] == "C gives the same classes as scikit-learn: True"
    sizes = [
        lgnx.Network.from_model(out / name).netlist.n_nodes
        for name in ("forest.onnx", "optimised.onnx")
    ]
    assert sizes[1] < sizes[0]
    metadata = {p.key: p.value for p in onnx.load(out / "optimised.onnx").metadata_props}
    assert metadata["lgnx.class_names"] == '["benign", "malignant"]'
    assert metadata["lgnx.feature_names"].startswith('["mean radius"')
