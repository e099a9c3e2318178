from __future__ import annotations

from collections import Counter

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

import lgnx
from lgnx.ops.errors import InputError, ModelError
from lgnx.passes.pipelines import PASSES, PIPELINES, run_passes
from lgnx.verify.reference import run_reference


def classifier(make, seed, features, layers, strict=1, tau=3.0):
    rng = np.random.default_rng(seed)
    m = make(features, dtype=TensorProto.FLOAT)
    thresholds = m.constant(np.sort(rng.random((features, 2), np.float32)))
    x = m.op("Thermometer", "x", thresholds, strict=strict)
    x, width = m.op("Reshape", x, m.constant([0, 2 * features])), 2 * features
    for n, k in layers:
        x, width = m.dense(x, width, n, k, rng), n
    return m.model(m.op("GroupSum", x, groups=2, tau=tau, beta=-0.5))


def conv_classifier(make, seed, kernels=3):
    """Images of 2 x 6 x 6 numbers through every spatial layer, to 2 scores."""
    rng = np.random.default_rng(seed)
    m = make(2, 6, 6, dtype=TensorProto.FLOAT)
    x = m.op("Thermometer", "x", m.constant(np.sort(rng.random((2, 1, 1, 2), np.float32))))
    x = m.op("Transpose", x, perm=[0, 1, 4, 2, 3])
    x = m.op("Reshape", x, m.constant([0, 4, 6, 6]))
    trees = m.trees(36, kernels, 2, 2, rng)
    x = m.op("LogicConv", x, *trees, kernel_shape=[3, 3], pads=[1] * 4, depth=2)
    x = m.op("OrPool", x, kernel_shape=[2, 2], strides=[2, 2])
    trees = m.trees(4 * kernels, kernels, 3, 1, rng)
    x = m.op("LogicConvTranspose", x, *trees, kernel_shape=[2, 2], strides=[2, 2])
    x = m.op("Reshape", x, m.constant([0, 36 * kernels]))
    x = m.dense(m.dense(x, 36 * kernels, 9, 4, rng), 9, 8, 2, rng)
    return m.model(m.op("GroupSum", x, groups=2, tau=3.0, beta=-0.5))


def sessions_of(models):
    """The levels with the kernels, and on stock onnxruntime with the definitions."""
    for model in models:
        yield lgnx.InferenceSession(model)
        content = lgnx.attach_functions(model).SerializeToString()
        yield ort.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("seed", [4, 6, 7])
def test_every_level_of_a_convolutional_network_gives_the_same_scores(make, corner_inputs, seed):
    model = conv_classifier(make, seed)
    sessions = list(sessions_of([model, *(lgnx.lower(model, to=level) for level in PIPELINES)]))
    found = set()
    for x in corner_inputs(model):
        expected = run_reference(model, x)[0]
        found |= {tuple(scores) for scores in expected}
        for session in sessions:
            actual = session.run(None, {"x": x})[0]
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(actual, expected)
    assert len(found) > 2


def test_the_bitwise_level_of_a_convolutional_network_holds_no_layer(make):
    counts = []
    for kernels in (20, 60):
        model = lgnx.lower(conv_classifier(make, 0, kernels), to="bitwise")
        kinds = Counter(node.op_type for node in model.graph.node)
        assert (kinds["PackBits"], kinds["UnpackBits"], kinds["BitCount"]) == (1, 0, 1)
        assert {n.op_type for n in model.graph.node if n.domain} == {"PackBits", "BitCount"}
        assert lgnx.check(model) == []
        counts.append(len(model.graph.node))
    assert abs(counts[0] - counts[1]) < 10
    assert max(counts) < 220


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999),
    features=st.integers(1, 6),
    layers=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), min_size=1, max_size=3),
    strict=st.integers(0, 1),
)
def test_every_level_gives_the_same_scores(make, corner_inputs, seed, features, layers, strict):
    layers[-1] = (2 * layers[-1][0], layers[-1][1])
    model = classifier(make, seed, features, layers, strict)
    levels = [model, *(lgnx.lower(model, to=level) for level in PIPELINES)]
    sessions = [lgnx.InferenceSession(level) for level in levels]
    sessions.append(lgnx.InferenceSession(model, fuse=False))
    for level in levels:  # stock onnxruntime
        content = lgnx.attach_functions(level).SerializeToString()
        sessions.append(ort.InferenceSession(content, providers=["CPUExecutionProvider"]))
    for x in corner_inputs(model):
        expected = run_reference(model, x)[0]
        for session in sessions:
            actual = session.run(None, {"x": x})[0]
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(actual, expected)


def test_the_bitwise_level_runs_on_stock_onnxruntime_as_it_is(make):
    model = lgnx.lower(classifier(make, 0, 5, [(30, 2), (20, 2)]), to="bitwise")
    ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in model.graph.node}
    assert {"PackBits", "BitCount", "BitwiseAnd", "Gather"} <= kinds
    assert not kinds & {"LogicDense", "Thermometer", "GroupSum", "LogicNetwork", "UnpackBits"}


def test_the_network_level_is_one_node(make):
    model = lgnx.lower(classifier(make, 0, 5, [(30, 2), (20, 4)]), to="network")
    assert [node.op_type for node in model.graph.node] == ["LogicNetwork"]
    assert lgnx.check(model) == []


def test_a_self_contained_model_stays_self_contained(make):
    model = lgnx.attach_functions(classifier(make, 0, 5, [(30, 2)]))
    lowered = lgnx.lower(model, to="network")
    assert [function.name for function in lowered.functions] == ["LogicNetwork"]


def test_passes_are_told_as_they_begin(make):
    told = []
    lgnx.lower(classifier(make, 0, 5, [(4, 2)]), to="bitwise", progress=told.append)
    assert tuple(told) == PIPELINES["bitwise"]
    assert set(told) <= set(PASSES)


def test_unknown_names_are_refused(make):
    model = classifier(make, 0, 5, [(4, 2)])
    with pytest.raises(InputError, match="cannot lower to 'verilog'; there are: bitwise, network"):
        lgnx.lower(model, to="verilog")
    with pytest.raises(InputError, match="there is no pass 'magic'"):
        run_passes(model, ["magic"])


def test_an_old_opset_cannot_go_to_the_bitwise_level(make):
    model = classifier(make, 0, 5, [(4, 2)])
    model.opset_import[0].version = 17
    with pytest.raises(ModelError, match="imports ONNX opset 17"):
        lgnx.lower(model, to="bitwise")


def test_a_broken_graph_is_refused(make):
    model = classifier(make, 0, 5, [(4, 2)])
    del model.graph.initializer[:]
    with pytest.raises(ModelError, match=r"node 'model', onnx checker: .*'c0'"):
        lgnx.lower(model, to="bitwise")
