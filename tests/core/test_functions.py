from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import lgnx
from lgnx.ops.errors import ModelError
from lgnx.verify.reference import reference_evaluator, run_reference


def classifier(make):
    rng = np.random.default_rng(0)
    m = make(4, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([[0.25, 0.75]], np.float32)))
    flat = m.op("Reshape", bits, m.constant([0, 8]))
    return m.model(m.op("GroupSum", m.dense(flat, 8, 12, 3, rng), groups=3))


@pytest.mark.parametrize("level", ["layer", "bitwise", "network"])
def test_a_self_contained_model_runs_everywhere(make, corner_inputs, level):
    model = classifier(make)
    made = model if level == "layer" else lgnx.lower(model, to=level)
    complete = lgnx.attach_functions(made)
    session = ort.InferenceSession(complete.SerializeToString(), providers=["CPUExecutionProvider"])
    evaluator = ReferenceEvaluator(complete)
    for x in corner_inputs(model):
        expected = run_reference(model, x)[0]
        for actual in (session.run(None, {"x": x})[0], evaluator.run(None, {"x": x})[0]):
            assert actual.dtype == expected.dtype
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("level", ["layer", "bitwise", "network"])
def test_a_self_contained_model_of_words_runs_everywhere(packed_model, packed_feeds, level):
    made = packed_model if level == "layer" else lgnx.lower(packed_model, to=level)
    complete = lgnx.attach_functions(made)
    assert lgnx.check(complete) == []
    session = ort.InferenceSession(complete.SerializeToString(), providers=["CPUExecutionProvider"])
    evaluator, reference = ReferenceEvaluator(complete), reference_evaluator(packed_model)
    for feeds in packed_feeds(packed_model):
        (expected,) = reference.run(None, feeds)
        for actual in (session.run(None, feeds)[0], evaluator.run(None, feeds)[0]):
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(actual, expected)


def test_words_and_bits_cannot_share_a_definition(make):
    rng = np.random.default_rng(0)
    m = make(1, dtype=TensorProto.UINT64, batch=6)
    m.inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, [1]))
    bits = m.dense(m.op("UnpackBits", "x", "batch"), 6, 8, 2, rng)
    total = m.op("ReduceSum", m.op("Cast", bits, to=TensorProto.FLOAT), m.constant([1]))
    root = m.op("Sqrt", total)  # no logic, so two networks are left
    late = m.dense(m.op("Greater", root, m.constant(np.float32(3))), 1, 4, 2, rng)
    networks = lgnx.lower(m.model(late), to="network")
    for node in networks.graph.node:  # without thresholds, bits come from the comparison
        if node.op_type == "LogicNetwork" and len(node.input) == 3:
            node.input.pop()
    with pytest.raises(ModelError, match="in having thresholds, packed words or groups"):
        lgnx.attach_functions(networks)


def test_the_argument_is_not_changed_and_again_is_no_change(make):
    model = classifier(make)
    before = model.SerializeToString()
    complete = lgnx.attach_functions(model)
    assert model.SerializeToString() == before
    assert sorted(f.name for f in complete.functions) == ["GroupSum", "LogicDense", "Thermometer"]
    assert lgnx.attach_functions(complete) == complete
    assert lgnx.check(complete) == []


def test_two_networks_of_different_forms_cannot_share_a_definition(make):
    rng = np.random.default_rng(0)
    m = make(6)
    bits = m.dense("x", 6, 8, 2, rng)
    y = m.op("GroupSum", m.dense("x", 6, 8, 2, rng), groups=2)
    total = m.op("ReduceSum", m.op("Cast", bits, to=TensorProto.FLOAT), m.constant([1]))
    late = m.dense(m.op("Greater", total, m.constant(np.float32(3))), 1, 4, 2, rng)
    networks = lgnx.lower(m.model(y, late), to="network")
    forms = {len(node.attribute) for node in networks.graph.node if node.op_type == "LogicNetwork"}
    if len(forms) > 1:
        with pytest.raises(ModelError, match="so one definition cannot serve both"):
            lgnx.attach_functions(networks)


def test_an_unknown_operator_and_an_old_opset_are_refused(make):
    model = classifier(make)
    model.opset_import[0].version = 17
    with pytest.raises(ModelError, match="imports ONNX opset 17, definitions need 18 or later"):
        lgnx.attach_functions(model)
    model.graph.node[2].op_type = "LogicSparse"
    with pytest.raises(ModelError, match=r"node 'n_LogicDense_2': lgnx.ops has no operator"):
        lgnx.attach_functions(model)
