from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

import lgnx
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
