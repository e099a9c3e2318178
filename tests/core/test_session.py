from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

import lgnx
from lgnx.ops import DOMAIN, OPERATORS
from lgnx.ops.errors import ModelError
from lgnx.verify.reference import run_reference


@pytest.fixture
def model(make):
    rng = np.random.default_rng(0)
    m = make(4, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([[0.25, 0.75]], np.float32)))
    flat = m.op("Reshape", bits, m.constant([0, 8]))
    return m.model(m.op("GroupSum", m.dense(flat, 8, 12, 3, rng), groups=3))


@pytest.mark.parametrize("fuse", [True, False])
def test_scores_are_those_of_the_reference(model, corner_inputs, tmp_path, fuse):
    path = tmp_path / "m.onnx"
    lgnx.save(model, path)
    sessions = [lgnx.InferenceSession(form, fuse=fuse) for form in (path, str(path), model)]
    for x in corner_inputs(model):
        expected = run_reference(model, x)[0]
        for session in sessions:
            actual = session.run(None, {"x": x})[0]
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(actual, expected)


def test_it_is_an_onnxruntime_session(model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = lgnx.InferenceSession(model.SerializeToString(), options)
    assert isinstance(session, ort.InferenceSession)
    assert session.get_session_options().intra_op_num_threads == 1
    assert [(v.name, v.shape) for v in session.get_inputs()] == [("x", ["batch", 4])]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_do_not_change_the_result(model, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    x = np.random.default_rng(1).random((20_000, 4), np.float32)
    result = lgnx.InferenceSession(model, options).run(None, {"x": x})[0]
    np.testing.assert_array_equal(result, lgnx.InferenceSession(model).run(None, {"x": x})[0])


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((2, 4)),
        np.zeros((2, 5), np.float32),
        np.zeros(4, np.float32),
        np.zeros((2, 4, 1), np.float32),
        np.array([["a"] * 4]),
    ],
)
@pytest.mark.parametrize("fuse", [True, False])
def test_input_of_the_wrong_type_or_shape_is_an_error(model, x, fuse):
    session = lgnx.InferenceSession(model, fuse=fuse)
    with pytest.raises(Exception, match=r"x|shape|type"):
        session.run(None, {"x": x})


def test_what_cannot_be_loaded_is_named(model, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"m\.onnx: not an ONNX file"):
        lgnx.InferenceSession(path)
    model.graph.node[2].op_type = "LogicSparse"
    with pytest.raises(ModelError, match="LogicSparse"):
        lgnx.InferenceSession(model)


def test_bad_indices_end_in_an_error_with_and_without_fusing(model):
    tensor = next(t for t in model.graph.initializer if t.name == "c2")
    values = np.full((12, 3), 77, np.int32)
    tensor.raw_data = values.tobytes()
    for fuse in (True, False):
        with pytest.raises(Exception, match="indices"):
            lgnx.InferenceSession(model, fuse=fuse).run(None, {"x": np.zeros((1, 4), np.float32)})


def layers(make, dtype: int, score: int):
    """Two layers of gates of two inputs over 20 features, int32 or float32 scores."""
    rng = np.random.default_rng(3)
    m = make(20, dtype=dtype)
    bits = "x"
    if dtype == TensorProto.FLOAT:
        thermometer = m.op("Thermometer", "x", m.constant(np.full((20, 1), 0.5, np.float32)))
        bits = m.op("Reshape", thermometer, m.constant([0, 20]))
    elif dtype == TensorProto.UINT8:
        bits = m.op("Cast", "x", to=TensorProto.BOOL)
    hidden = m.dense(m.dense(bits, 20, 90, 2, rng), 90, 300, 2, rng)
    return m.model(m.op("GroupSum", hidden, groups=5, dtype=score))


@pytest.mark.parametrize("score", [TensorProto.INT32, TensorProto.FLOAT])
@pytest.mark.parametrize("dtype", [TensorProto.BOOL, TensorProto.UINT8, TensorProto.FLOAT])
def test_bound_memory_gets_what_run_returns(make, dtype, score):
    model = layers(make, dtype, score)
    session = lgnx.InferenceSession(model)
    name, result = session.get_inputs()[0].name, session.get_outputs()[0].name
    kind = helper.tensor_dtype_to_np_dtype(score)
    for batch in (0, 1, 64, 65, 1000):
        x = random_rows(dtype, batch)
        expected = session.run(None, {name: x})[0]
        np.testing.assert_array_equal(expected, run_reference(model, x)[0])

        values = session.io_binding()  # onnxruntime's own memory
        values.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(x))
        y = ort.OrtValue.ortvalue_from_shape_and_type([batch, 5], kind)
        values.bind_ortvalue_output(result, y)
        session.run_with_iobinding(values)
        np.testing.assert_array_equal(y.numpy(), expected)

        arrays = session.io_binding()  # memory of numpy arrays
        out = np.full((batch, 5), -1, kind)
        arrays.bind_cpu_input(name, x)
        arrays.bind_output(result, "cpu", 0, kind, list(out.shape), out.ctypes.data)
        for _ in range(2):
            session.run_with_iobinding(arrays)
            np.testing.assert_array_equal(out, expected)
            out.fill(-1)

        made = session.io_binding()  # an output that onnxruntime makes
        made.bind_cpu_input(name, x)
        made.bind_output(result)
        session.run_with_iobinding(made)
        np.testing.assert_array_equal(made.copy_outputs_to_cpu()[0], expected)


@pytest.mark.parametrize("score", [TensorProto.INT32, TensorProto.FLOAT])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_words_give_what_their_bits_give(make, score, threads):
    bits = layers(make, TensorProto.BOOL, score)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    plain = lgnx.InferenceSession(bits, options)
    packed = lgnx.InferenceSession(words_in(bits), options)
    assert [(v.name, v.shape) for v in packed.get_inputs()] == [
        ("words", [20, "W"]),
        ("samples", [1]),
    ]
    rng = np.random.default_rng(0)
    for batch in (0, 1, 63, 64, 65, 513, 1000, 20_001):
        x = rng.random((batch, 20)) < 0.5
        words = OPERATORS["PackBits"].reference(x)
        if batch % 64:  # what is beyond the batch does not matter
            words[:, -1] |= ~np.uint64(0) << np.uint64(batch % 64)
        got = packed.run(None, {"words": words, "samples": np.array([batch])})[0]
        np.testing.assert_array_equal(got, plain.run(None, {"x": x})[0])


@pytest.mark.parametrize("fuse", [True, False])
def test_words_that_do_not_fit_their_batch_are_an_error(make, fuse):
    model = words_in(layers(make, TensorProto.BOOL, TensorProto.INT32))
    session = lgnx.InferenceSession(model, fuse=fuse)
    words = np.zeros((20, 2), np.uint64)
    for batch in (64, 129, -1, 2**62):
        with pytest.raises(Exception, match="which does not fit 2 words of 64 samples"):
            session.run(None, {"words": words, "samples": np.array([batch])})
    assert session.run(None, {"words": words, "samples": np.array([65])})[0].shape == (65, 5)


def words_in(model):
    """The same layers with an UnpackBits in front of them."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    graph.input[0].CopyFrom(helper.make_tensor_value_info("words", TensorProto.UINT64, [20, "W"]))
    graph.input.append(helper.make_tensor_value_info("samples", TensorProto.INT64, [1]))
    node = helper.make_node("UnpackBits", ["words", "samples"], ["x"], "unpack", domain=DOMAIN)
    graph.node.insert(0, node)
    return result


@pytest.mark.parametrize("dtype", [TensorProto.BOOL, TensorProto.FLOAT])
def test_threads_may_share_a_session_and_use_several(make, dtype):
    model = layers(make, dtype, TensorProto.INT32)
    sessions = [lgnx.InferenceSession(model), lgnx.InferenceSession(model)]
    batches = [random_rows(dtype, n) for n in (1, 64, 65, 1000, 3, 5000) * 8]
    alone = [lgnx.InferenceSession(model).run(None, {"x": x})[0] for x in batches]
    for shared in (sessions[:1], sessions):
        with ThreadPoolExecutor(4) as pool:
            jobs = [
                pool.submit(shared[i % len(shared)].run, None, {"x": x})
                for i, x in enumerate(batches)
            ]
            for job, expected in zip(jobs, alone, strict=True):
                np.testing.assert_array_equal(job.result()[0], expected)


def test_sessions_may_be_made_in_threads(make):
    model = layers(make, TensorProto.BOOL, TensorProto.INT32)
    data, x = model.SerializeToString(), random_rows(TensorProto.BOOL, 65)
    expected = run_reference(model, x)[0]
    with ThreadPoolExecutor(4) as pool:
        for session in pool.map(lgnx.InferenceSession, [data] * 12):
            np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)


def random_rows(dtype: int, batch: int) -> np.ndarray:
    rng = np.random.default_rng(batch)
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    if dtype == TensorProto.FLOAT:
        return rng.random((batch, 20), np.float32)
    return rng.choice(np.array([0, 0, 1, 255]), (batch, 20)).astype(kind)


def test_a_network_level_file_is_loaded_without_what_only_passes_need(make, tmp_path):
    path = tmp_path / "m.onnx"
    lgnx.save(lgnx.lower(layers(make, TensorProto.BOOL, TensorProto.INT32)), path)
    code = "import sys, lgnx; lgnx.InferenceSession(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, path]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "lgnx.session" in loaded
    assert not {"onnx_ir", "sympy", "onnx.reference", "lgnx.passes"} & set(loaded)


class FusedError(Exception):
    pass


def test_large_convolutions_are_not_fused_unless_asked(make, monkeypatch):
    def lower(model, to):
        raise FusedError(to)

    m = make(1, 4, 4)
    model = lgnx.attach_functions(m.model(m.op("OrPool", "x", kernel_shape=[2, 2])))
    monkeypatch.setattr("lgnx.passes.lower", lower)
    monkeypatch.setattr("lgnx.session.MAX_FUSED_GATES", 27)
    with pytest.raises(FusedError, match="network"):
        lgnx.InferenceSession(model)
    monkeypatch.setattr("lgnx.session.MAX_FUSED_GATES", 26)
    x = np.eye(16, dtype=bool).reshape(16, 1, 4, 4)
    y = lgnx.InferenceSession(model).run(None, {"x": x})[0]
    np.testing.assert_array_equal(y, run_reference(model, x)[0])
    with pytest.raises(FusedError, match="network"):
        lgnx.InferenceSession(model, fuse=True)
