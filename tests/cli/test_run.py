"""`lgnx run`: the same numbers as onnxruntime, in batches, and nothing written on bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lgnx.verify.reference import run_reference

Run = Callable[..., Any]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65])
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "parquet"])
def test_results_are_those_of_the_numpy_reference(
    cli: Run, layer_model: Path, tmp_path: Path, rows: int, suffix: str
) -> None:
    x = np.random.default_rng(rows).random((rows, 4), np.float32)
    np.save(tmp_path / "x.npy", x)
    out = tmp_path / f"y.{suffix}"
    result = cli("run", layer_model, tmp_path / "x.npy", "-o", out, "--batch-size", "50")
    assert result.exit_code == 0, result.stderr
    expected = run_reference(onnx.load(layer_model), x)[0]
    from lgnx.data import open_reader

    written = np.concatenate(list(open_reader(out).batches(1000)))
    np.testing.assert_array_equal(written, expected)


def test_raw_samples_are_scaled_as_the_models_metadata_says(
    cli: Run, layer_model: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    raw, mean, scale = (
        rng.normal(50, 20, (40, 4)),
        [48.0, 50.0, 52.0, 54.0],
        [20.0, 21.0, 19.0, 9.0],
    )
    text = f"lgnx.input_scaling={json.dumps({'mean': mean, 'scale': scale})}"
    model = tmp_path / "scaled.onnx"
    assert cli("export", layer_model, "-o", model, "--metadata", text).exit_code == 0
    x = ((raw - mean) / scale).astype(np.float32)
    np.save(tmp_path / "raw.npy", raw)
    np.save(tmp_path / "x.npy", x)
    for name, options in (("raw", []), ("x", ["--scaled"])):
        out = tmp_path / "y.npy"
        result = cli("run", model, tmp_path / f"{name}.npy", "-o", out, *options)
        assert result.exit_code == 0, result.stderr
        np.testing.assert_array_equal(np.load(out), run_reference(onnx.load(layer_model), x)[0])
    assert len(np.unique(np.load(out))) > 1


def test_every_input_format_gives_the_same_result(
    cli: Run, plain_model: Path, tmp_path: Path
) -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x, other=x[:0])
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c,d", comments="")
    expected = x @ np.arange(12, dtype=np.float32).reshape(4, 3)
    for suffix in ("npy", "npz", "csv"):
        out = tmp_path / f"out_{suffix}.npy"
        assert cli("run", plain_model, tmp_path / f"x.{suffix}", "-o", out).exit_code == 0
        np.testing.assert_array_equal(np.load(out), expected)


def test_stock_onnxruntime_runs_a_plain_model_and_refuses_custom_operators(
    cli: Run, plain_model: Path, layer_model: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 4), np.float32))
    arguments = [tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--stock"]
    assert cli("run", plain_model, *arguments).exit_code == 0
    (tmp_path / "y.npy").unlink()
    result = cli("run", layer_model, *arguments)
    assert result.exit_code == 2
    assert "self-contained" in result.stderr
    assert not (tmp_path / "y.npy").exists()


def test_argmax_gives_the_lowest_of_equal_classes(
    cli: Run, plain_model: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.array([[0, 0, 0, 0], [1, 0, 0, 0]], np.float32))
    out = tmp_path / "y.npy"
    assert cli("run", plain_model, tmp_path / "x.npy", "-o", out, "--argmax").exit_code == 0
    assert np.load(out).tolist() == [0, 2]


def test_json_goes_to_stdout_alone(cli: Run, plain_model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 4), np.float32))
    result = cli("run", plain_model, tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--json")
    facts = json.loads(result.stdout)
    assert facts["rows"] == 5
    assert facts["output"] == str(tmp_path / "y.npy")


def test_a_static_batch_is_filled_up_and_cut(cli: Run, plain_model: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed.onnx"
    assert cli("export", plain_model, "-o", fixed, "--batch", "4").exit_code == 0
    np.save(tmp_path / "x.npy", np.ones((6, 4), np.float32))
    out = tmp_path / "y.npy"
    assert cli("run", fixed, tmp_path / "x.npy", "-o", out).exit_code == 0
    np.testing.assert_array_equal(np.load(out), np.tile([18.0, 22.0, 26.0], (6, 1)))


def two_outputs(path: Path) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "one"], ["up"]), helper.make_node("Neg", ["x"], ["down"])],
        "g",
        [value("x", TensorProto.FLOAT, ["batch", 2])],
        [value(name, TensorProto.FLOAT, ["batch", 2]) for name in ("up", "down")],
        [numpy_helper.from_array(np.float32(1), "one")],
    )
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), path)
    return path


def test_several_outputs_need_npz_or_a_choice(cli: Run, tmp_path: Path) -> None:
    model = two_outputs(tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.ones((1, 2), np.float32))
    result = cli("run", model, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert result.exit_code == 2
    assert "up, down" in result.stderr
    assert cli("run", model, tmp_path / "x.npy", "-o", tmp_path / "y.npz").exit_code == 0
    assert set(np.load(tmp_path / "y.npz")) == {"up", "down"}
    arguments = [tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--select"]
    assert cli("run", model, *arguments, "down").exit_code == 0
    assert np.load(tmp_path / "y.npy").tolist() == [[-1, -1]]
    assert cli("run", model, *arguments, "left").exit_code == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 5), np.float32), "samples of shape [5] given, the model wants [4]"),
        (np.zeros((2, 2, 2), np.float32), "samples of shape [2, 2] given, the model wants [4]"),
        (np.zeros(4, np.float32), "samples of shape [] given, the model wants [4]"),
        (np.full((2, 4), 0.1), "float64 values do not fit float32 exactly"),
        (np.full((2, 4), 2**24 + 1), "int64 values do not fit float32 exactly"),
        (np.zeros((2, 4), np.complex64), "only bool, integers and floats"),
    ],
)
def test_samples_of_the_wrong_shape_or_type_are_refused(
    cli: Run, plain_model: Path, tmp_path: Path, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "x.npy", array)
    before = files(tmp_path)
    result = cli("run", plain_model, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert files(tmp_path) == before


def test_a_table_with_the_wrong_columns_is_refused(
    cli: Run, plain_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n")
    result = cli("run", plain_model, tmp_path / "x.csv", "-o", tmp_path / "y.csv")
    assert result.exit_code == 2
    assert "3 columns given, the model wants 4" in result.stderr
    assert not (tmp_path / "y.csv").exists()


def test_a_bad_last_row_leaves_the_old_output_alone(
    cli: Run, plain_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text("1,2,3,4\n" * 10 + "1,2,3,oops\n")
    (tmp_path / "y.csv").write_text("old")
    before = files(tmp_path)
    result = cli(
        "run", plain_model, tmp_path / "x.csv", "-o", tmp_path / "y.csv", "--batch-size", "2"
    )
    assert result.exit_code == 2
    assert "line 11, column 4: 'oops' is no number" in result.stderr
    assert (tmp_path / "y.csv").read_text() == "old"
    assert files(tmp_path) == before


def test_an_output_that_cannot_be_written_is_refused(
    cli: Run, plain_model: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    for out in (tmp_path / "none" / "y.npy", plain_model / "y.npy"):
        result = cli("run", plain_model, tmp_path / "x.npy", "-o", out)
        assert result.exit_code == 2
        assert "does not exist" in result.stderr
    result = cli("run", plain_model, tmp_path / "x.npy", "-o", tmp_path / "y.txt")
    assert result.exit_code == 2
    assert "must end in one of" in result.stderr
