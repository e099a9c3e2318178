"""Python files that need numpy alone: read, run, and compared with onnxruntime."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import sysconfig

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import lgnx
from lgnx.converters.formats import write_model
from lgnx.converters.numpy_source import write_numpy
from lgnx.metadata import CLASS_NAMES, with_metadata
from lgnx.ops.errors import InputError, ModelError

KINDS = ("FLOAT16", "FLOAT", "DOUBLE", "INT8", "UINT8", "INT32", "UINT32", "INT64", "UINT64")


def load(path):
    """Run a file; nothing of lgnx can be imported meanwhile."""
    names = {"__name__": "network"}
    exec(compile(path.read_text(encoding="ascii"), str(path), "exec"), names)
    return names


def expected(model, x):
    return lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


def thermometer_model(make, kind, strict, alike, **scale):
    dtype = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind))
    rng = np.random.default_rng(7)
    if dtype.kind == "f":
        limits = rng.normal(0, 1, (1 if alike else 3, 1, 4)).astype(dtype)
        limits[0, 0] = [-np.inf, -0.0, np.finfo(dtype).smallest_subnormal, np.inf]
    else:
        info = np.iinfo(dtype)
        limits = rng.integers(info.min, info.max, (1 if alike else 3, 1, 4), dtype, endpoint=True)
        limits[0, 0, :2] = info.min, info.max
    m = make(3, 2, dtype=getattr(TensorProto, kind))
    bits = m.op("Thermometer", "x", m.constant(limits), strict=int(strict))
    flat = m.op("Reshape", bits, m.constant([0, 24]))
    return m.model(m.op("GroupSum", m.dense(flat, 24, 60, 3, rng), groups=3, **scale))


def same(model, path, rng):
    """Corner batches, all zeros, all ones, one hot; for numbers also limits and the type's ends."""
    network = lgnx.Network.from_model(model)
    predict = load(path)["predict"]
    dtype, shape, size = network.input_dtype, network.input_shape, network.features
    parts = [rng.integers(0, 2, (n, size)) for n in (0, 1, 63, 64, 65)]
    parts += [np.zeros((3, size)), np.ones((3, size)), np.eye(size)]
    parts = [part.astype(dtype) for part in parts]
    if network.thresholds is not None:
        ends = [np.nan, np.inf, -np.inf, -0.0]
        if dtype.kind != "f":
            ends = [np.iinfo(dtype).min, np.iinfo(dtype).max]
        values = np.concatenate([network.thresholds.ravel(), np.array(ends, dtype)])
        parts.append(rng.choice(values, (200, size)))
    for part in parts:
        x = part.reshape(-1, *shape)
        y = predict(x)
        wanted = expected(model, x)
        assert y.dtype == wanted.dtype
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("packed", ["yes", "no"])
@pytest.mark.parametrize("kind", KINDS)
def test_thermometers_of_every_type(make, tmp_path, kind, packed):
    for number, (strict, alike) in enumerate([(True, False), (False, True)]):
        model = thermometer_model(make, kind, strict, alike)
        (path,) = write_numpy(model, tmp_path / f"net{number}.py", packed=packed)
        same(model, path, np.random.default_rng(1))


@pytest.mark.parametrize(
    "scale",
    [
        {"tau": 0.7, "bias": 1.1, "beta": -0.25},
        {"tau": 1.3, "beta": 0.1, "dtype": TensorProto.DOUBLE},
        {"tau": 1e-38, "bias": 3e38},
        {"bias": 2.0**31 - 128, "beta": 99.0, "dtype": TensorProto.INT32},
        {"bias": -(2.0**63), "beta": -1.0, "dtype": TensorProto.INT64},
    ],
)
def test_scores_are_rounded_as_the_operator_says(make, tmp_path, scale):
    model = thermometer_model(make, "FLOAT", True, False, **scale)
    (path,) = write_numpy(model, tmp_path / "net.py")
    same(model, path, np.random.default_rng(2))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    n_inputs=st.integers(1, 30),
    groups=st.integers(0, 4),
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    k=st.integers(1, 4),
    packed=st.sampled_from(["auto", "yes", "no"]),
)
def test_random_networks(make, tmp_path_factory, seed, n_inputs, groups, widths, k, packed):
    rng = np.random.default_rng(seed)
    m = make(n_inputs)
    y, width = "x", n_inputs
    for wide in widths:
        y = m.dense(y, width, wide * max(groups, 1), k, rng)
        width = wide * max(groups, 1)
    model = m.model(m.op("GroupSum", y, groups=groups) if groups else y)
    (path,) = write_numpy(model, tmp_path_factory.mktemp("n") / "net.py", packed=packed)
    same(model, path, rng)


@pytest.mark.parametrize("table", [0x0, 0xF, 0xA, 0x3, 0x8])
@pytest.mark.parametrize("packed", ["yes", "no"])
def test_constants_inputs_and_single_gates(make, tmp_path, table, packed):
    m = make(3)
    tables = np.full((1, 1), table, np.uint8)
    y = m.op("LogicDense", "x", m.constant(np.array([[0, 2]], np.int32)), m.constant(tables))
    model = m.model(y)
    (path,) = write_numpy(model, tmp_path / "net.py", packed=packed)
    same(model, path, np.random.default_rng(0))


def test_a_large_network_is_packed_and_read_in_portions(make, tmp_path):
    rng = np.random.default_rng(0)
    m = make(200)
    model = m.model(
        m.op("GroupSum", m.dense(m.dense("x", 200, 9000, 2, rng), 9000, 9000, 2, rng), groups=9)
    )
    (path,) = write_numpy(model, tmp_path / "net.py")
    assert "unpack(" in path.read_text()
    names = load(path)
    assert path.stat().st_size < 8 * names["N_WIRES"]
    x = rng.integers(0, 2, (5000, 200)).astype(bool)
    assert len(x) * names["N_WIRES"] > 2**25
    np.testing.assert_array_equal(names["predict"](x), expected(model, x))


def test_it_runs_where_only_numpy_is_installed(make, tmp_path):
    model = with_metadata(
        thermometer_model(make, "FLOAT", True, False), {CLASS_NAMES: ["cat", "dög", "no\none"]}
    )
    write_model(model, tmp_path / "net.py", format="numpy")
    x = np.random.default_rng(0).normal(0, 1, (70, 3, 2)).astype(np.float32)
    np.save(tmp_path / "data.npy", x)
    (tmp_path / "only").mkdir()
    for name in os.listdir(sysconfig.get_path("purelib")):
        if name.startswith("numpy"):
            (tmp_path / "only" / name).symlink_to(f"{sysconfig.get_path('purelib')}/{name}")
    # -S leaves out all installed packages, and -I the folder and the variables.
    code = (
        f"import sys, runpy; sys.path.append({str(tmp_path / 'only')!r}); "
        "sys.argv = ['net.py', 'data.npy']; runpy.run_path('net.py', run_name='__main__'); "
        "assert not any(name.startswith(('lgnx', 'onnx')) for name in sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    classes = expected(model, x).argmax(axis=1)
    names = ["cat", "dög", "no\none"]
    assert run.stdout == "".join(f"{number} {names[number]}\n" for number in classes)
    run = subprocess.run([sys.executable, "net.py"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == "usage: python net.py data.npy\n"


def test_bits_are_printed_as_digits(make, tmp_path):
    m = make(9)
    model = m.model(m.dense("x", 9, 12, 2, np.random.default_rng(0)))
    write_numpy(model, tmp_path / "net.py")
    x = np.random.default_rng(1).integers(0, 2, (4, 9)).astype(bool)
    np.save(tmp_path / "x.npy", x)
    command = [sys.executable, "net.py", "x.npy"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    rows = expected(model, x).astype(int)
    assert run.stdout.split() == ["".join(map(str, row)) for row in rows]


def test_wrong_samples_are_refused(make, tmp_path):
    (path,) = write_numpy(thermometer_model(make, "FLOAT", True, False), tmp_path / "net.py")
    predict = load(path)["predict"]
    for x in (np.zeros((2, 3, 2)), np.zeros((2, 6), np.float32)):
        with pytest.raises(ValueError, match=r"must be float32 \(samples, \*\(3, 2\)\)"):
            predict(x)


def test_names_and_metadata_cannot_break_out(make, tmp_path):
    hostile = ['"""', "'''", "\n", "\\", "ünïcödé 🙂", "\r\x00"]
    m = make(8)
    y = m.op("GroupSum", m.dense("x", 8, 12, 2, np.random.default_rng(0)), groups=6)
    values = {CLASS_NAMES: hostile, '"""\nboom()': '\n"""\nboom()\n', "\\": "\u2028\x0cboom()"}
    (path,) = write_numpy(with_metadata(m.model(y), values), tmp_path / "net.py")
    assert load(path)["CLASSES"] == hostile
    names = {
        node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
    }
    assert "boom" not in names
    line = next(line for line in path.read_text().splitlines() if "boom" in line)
    assert json.loads("{" + line.removeprefix("# ") + "}") == {'"""\nboom()': '\n"""\nboom()\n'}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("net.txt", {}, "must be an identifier and end in .py"),
        ("my-net.py", {}, "must be an identifier and end in .py"),
        ("net.py", {"packed": "maybe"}, "packed: 'maybe', must be auto, yes or no"),
        ("none/net.py", {}, "cannot write there"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(make, tmp_path, name, options, message):
    with pytest.raises(InputError, match=message):
        write_numpy(thermometer_model(make, "FLOAT", True, False), tmp_path / name, **options)
    assert os.listdir(tmp_path) == []


def test_what_is_no_logic_network_is_refused(make, tmp_path):
    m = make(8, dtype=TensorProto.FLOAT)
    with pytest.raises(ModelError, match="LogicNetwork"):
        write_numpy(m.model(m.op("Relu", "x")), tmp_path / "net.py")
    assert os.listdir(tmp_path) == []
