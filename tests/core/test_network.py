from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.ops.errors import InputError, ModelError
from lgnx.ops.program import Program, encode
from lgnx.verify.reference import run_reference

FLOAT = TensorProto.FLOAT


@pytest.mark.parametrize("strict", [0, 1])
@pytest.mark.parametrize("first", ["thermometer", "flatten"])
def test_a_network_computes_what_its_model_does(make, corner_inputs, strict, first):
    rng = np.random.default_rng(0)
    m = make(2, 3, dtype=FLOAT)
    if first == "thermometer":
        levels = m.constant(np.sort(rng.random((2, 3, 2), np.float32)))
        bits = m.op("Thermometer", "x", levels, strict=strict)
        flat = m.op("Reshape", bits, m.constant([0, 12]))
    else:
        levels = m.constant(np.sort(rng.random((6, 2), np.float32)))
        rows = m.op("Reshape", "x", m.constant([0, 6]))
        flat = m.op(
            "Reshape", m.op("Thermometer", rows, levels, strict=strict), m.constant([0, 12])
        )
    y = m.op("GroupSum", m.dense(flat, 12, 30, 3, rng), groups=3, tau=0.7, beta=0.1, bias=2.5)
    model = m.model(y)
    network = lgnx.Network.from_model(model)
    assert (network.features, network.groups, network.group_size) == (6, 3, 10)
    for x in corner_inputs(model):
        scores = network.scores(x)
        expected = run_reference(model, x)[0]
        assert scores.dtype == expected.dtype
        np.testing.assert_array_equal(scores, expected)


def test_bits_in_and_bits_out(make, corner_inputs):
    rng = np.random.default_rng(0)
    m = make(6)
    model = m.model(m.dense("x", 6, 9, 4, rng))
    network = lgnx.Network.from_model(model)
    assert (network.thresholds, network.groups) == (None, 0)
    for x in corner_inputs(model):
        np.testing.assert_array_equal(network.scores(x), run_reference(model, x)[0])


def test_bits_may_leave_in_any_shape(make):
    rng = np.random.default_rng(0)
    m = make(6)
    model = m.model(m.op("Reshape", m.dense("x", 6, 12, 2, rng), m.constant([0, 3, 4])))
    network = lgnx.Network.from_model(model)
    x = rng.random((65, 6)) < 0.5
    np.testing.assert_array_equal(network.scores(x), run_reference(model, x)[0].reshape(65, 12))


def test_rows_of_the_output_must_be_the_samples(make):
    m = make(6)
    bits = m.dense("x", 6, 12, 2, np.random.default_rng(0))
    model = m.model(m.op("Reshape", bits, m.constant([-1, 4])))
    with pytest.raises(ModelError, match="its rows are not the samples of a batch"):
        lgnx.Network.from_model(model)


def test_an_argmax_behind_the_scores_is_known(make):
    rng = np.random.default_rng(0)
    m = make(6)
    scores = m.op("GroupSum", m.dense("x", 6, 8, 2, rng), groups=2)
    network = lgnx.Network.from_model(m.model(m.op("ArgMax", scores, axis=1, keepdims=0)))
    assert network.argmax


def test_the_level_of_the_file_does_not_matter(make):
    rng = np.random.default_rng(0)
    m = make(6)
    model = m.model(m.op("GroupSum", m.dense("x", 6, 8, 2, rng), groups=2))
    x = rng.random((70, 6)) < 0.5
    for form in (model, lgnx.lower(model), lgnx.optimize(model)[0], lgnx.attach_functions(model)):
        scores = lgnx.Network.from_model(form).scores(x)
        np.testing.assert_array_equal(scores, run_reference(model, x)[0])


def softmax_behind(m, rng):
    return m.op("Softmax", m.op("GroupSum", m.dense("x", 6, 8, 2, rng), groups=2))


def two_networks(m, rng):
    bits = m.dense("x", 6, 8, 2, rng)
    share = m.op("Softmax", m.op("Cast", bits, to=FLOAT))
    return m.dense(m.op("Greater", share, m.constant(np.float32(0.2))), 8, 4, 2, rng)


def no_network(m, rng):
    return m.op("Not", "x")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (softmax_behind, r"node 'n_Softmax_2' \(Softmax\) is neither the logic network nor"),
        (two_networks, "must lower to exactly one LogicNetwork; lgnx nodes found: LogicNetwork"),
    ],
)
def test_anything_but_one_network_is_refused(make, build, message):
    m = make(6)
    model = m.model(build(m, np.random.default_rng(0)))
    with pytest.raises(ModelError, match=message):
        lgnx.Network.from_model(model)


@pytest.mark.parametrize("level", ["layer", "network"])
def test_packed_words_are_refused(packed_model, level):
    model = packed_model if level == "layer" else lgnx.lower(packed_model)
    with pytest.raises(ModelError, match=r"node 'network': takes packed words \(its input batch"):
        lgnx.Network.from_model(model)


def test_samples_of_the_wrong_shape_are_refused(make):
    m = make(2, 3)
    flat = m.op("Reshape", "x", m.constant([0, 6]))
    network = lgnx.Network.from_model(m.model(m.dense(flat, 6, 9, 4, np.random.default_rng(0))))
    with pytest.raises(InputError, match=r"input 'x': shape \[5, 6\], must be \[batch, 2, 3\]"):
        network.scores(np.zeros((5, 6), bool))


@pytest.mark.parametrize("samples", [1, 3])
def test_thresholds_may_have_the_axis_of_the_batch_but_not_differ_along_it(make, samples):
    program = encode(Program(4, [], np.arange(2, 10, dtype=np.uint32)))
    m = make(2, dtype=FLOAT)
    levels = np.arange(samples * 4, dtype=np.float32).reshape(samples, 2, 2)
    y = m.op("LogicNetwork", "x", m.constant(program), m.constant(levels), n_outputs=8)
    model = m.model(y)
    if samples > 1:
        with pytest.raises(ModelError, match=r"thresholds of shape \[3, 2, 2\] differ between"):
            lgnx.Network.from_model(model)
        return
    x = np.random.default_rng(0).random((5, 2), np.float32) * 4
    np.testing.assert_array_equal(
        lgnx.Network.from_model(model).scores(x), run_reference(model, x)[0]
    )
