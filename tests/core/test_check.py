from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import lgnx
from lgnx.ops.errors import ModelError
from lgnx.verify.reference import reference_evaluator


@pytest.fixture
def model(make) -> onnx.ModelProto:
    """Thermometer of 4 numbers, 12 gates, three scores."""
    rng = np.random.default_rng(0)
    m = make(4, dtype=TensorProto.FLOAT)
    thresholds = m.constant(np.array([[0.25, 0.75]], np.float32))  # c0
    flat = m.op("Reshape", m.op("Thermometer", "x", thresholds), m.constant([0, 8]))
    return m.model(m.op("GroupSum", m.dense(flat, 8, 12, 2, rng), groups=3))


def replace(model, name, value):
    tensor = next(t for t in model.graph.initializer if t.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(value), name))


def test_a_good_model_has_no_problems(model):
    assert lgnx.check(model) == []
    assert lgnx.check_or_raise(model) == []


def change_opset(model):
    model.opset_import[1].version = 2


def drop_opset(model):
    del model.opset_import[1]


def unknown_operator(model):
    model.graph.node[2].op_type = "LogicSparse"


def unknown_attribute(model):
    model.graph.node[2].attribute.append(helper.make_attribute("depth", 2))


def too_many_inputs(model):
    model.graph.node[2].input.append("c0")


def missing_input(model):
    del model.graph.node[2].input[2]


def truncated_initializer(model):
    model.graph.initializer[3].raw_data = model.graph.initializer[3].raw_data[:-1]


def not_sorted(model):
    model.graph.node.insert(0, model.graph.node.pop(3))


def wrong_input_type(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (change_opset, "'model', opset_import: imports lgnx.ops version 2, this release knows"),
        (drop_opset, "'model', opset_import: does not import the domain lgnx.ops"),
        (unknown_operator, "'n_LogicDense_2', op_type: is 'LogicSparse'; lgnx.ops has: Thermo"),
        (unknown_attribute, "'n_LogicDense_2', attribute depth: is unknown; the attributes of"),
        (too_many_inputs, "'n_LogicDense_2', inputs: has 4, LogicDense takes 3"),
        (missing_input, "'n_LogicDense_2', input tables: is missing"),
        (truncated_initializer, "'n_LogicDense_2', input tables: "),
        (not_sorted, "'model', onnx checker: Nodes in a graph must be topologically sorted"),
        (wrong_input_type, "'model', onnx checker: "),
    ],
)
def test_what_is_wrong_is_named_with_its_node_and_field(model, damage, expected):
    damage(model)
    assert any(expected in str(problem) for problem in lgnx.check(model)), lgnx.check(model)
    with pytest.raises(ModelError):
        lgnx.check_or_raise(model)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("c2", np.full((12, 2), 8, np.int32), "input indices: row 0 reads bit 8, x has 8 bits"),
        ("c3", np.zeros((12, 2), np.uint8), "input tables: has shape [12, 2], must be [12, 1]"),
        ("c0", np.array([[np.nan, 1]], np.float32), "input thresholds: 1 of 2 thresholds are NaN"),
        ("c0", np.array([[0, 1]], np.float64), "onnx checker"),
    ],
)
def test_constants_are_looked_into(model, name, value, expected):
    replace(model, name, value)
    assert any(expected in str(problem) for problem in lgnx.check(model)), lgnx.check(model)


def test_every_problem_is_reported_at_once(model, tmp_path):
    replace(model, "c0", np.array([[0.75, np.nan]], np.float32))
    replace(model, "c2", np.full((12, 2), 99, np.int32))
    model.graph.node[4 - 1].attribute[0].i = 5
    found = [(p.severity, p.node, p.field) for p in lgnx.check(model)]
    assert found == [
        ("error", "n_Thermometer_0", "input thresholds"),
        ("error", "n_LogicDense_2", "input indices"),
        ("error", "n_GroupSum_3", "attribute groups"),
    ]
    path = tmp_path / "bad.onnx"
    lgnx.save(model, path)
    with pytest.raises(ModelError, match=r"bad\.onnx:(.|\n)*thresholds(.|\n)*groups") as caught:
        lgnx.check_or_raise(path)
    assert len(caught.value.problems) == 3


def test_warnings_come_last_and_do_not_raise(model):
    replace(model, "c0", np.array([[0.75, 0.25]], np.float32))
    (warning,) = lgnx.check_or_raise(model)
    assert (warning.severity, warning.field) == ("warning", "input thresholds")


def test_nodes_without_a_name_are_numbered(model):
    model.graph.node[2].name = ""
    replace(model, "c2", np.full((12, 2), 8, np.int32))
    assert lgnx.check(model)[0].node == "LogicDense#2"


def nested(make) -> onnx.ModelProto:
    """A layer inside the branch of an If."""
    rng = np.random.default_rng(0)
    inner = make(4)
    y = inner.dense("x", 4, 6, 2, rng)
    then = helper.make_graph(
        inner.nodes, "then", [], [onnx.ValueInfoProto(name=y)], inner.constants
    )
    other = make(4)
    passed = other.op("Gather", "x", "places", axis=1)
    places = numpy_helper.from_array(np.array([0, 1, 2, 3, 0, 1]), "places")
    otherwise = helper.make_graph(
        other.nodes, "else", [], [onnx.ValueInfoProto(name=passed)], [places]
    )
    m = make(4)
    flag = m.op("ReduceMax", m.op("Cast", "x", to=TensorProto.INT32), keepdims=0)
    chosen = m.op("Cast", flag, to=TensorProto.BOOL)
    return m.model(m.op("If", chosen, then_branch=then, else_branch=otherwise))


def test_nodes_inside_branches_are_looked_into(make):
    model = nested(make)
    assert lgnx.check(model) == []
    session = onnxruntime.InferenceSession(
        lgnx.attach_functions(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.eye(4, dtype=bool)
    expected = reference_evaluator(model).run(None, {"x": x})[0]
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
    then = next(a.g for node in model.graph.node for a in node.attribute if a.name == "then_branch")
    then.node[0].attribute.append(helper.make_attribute("depth", 2))
    assert any("attribute depth: is unknown" in str(problem) for problem in lgnx.check(model))


def test_an_empty_network_is_named():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    (problem,) = lgnx.check(helper.make_model(graph))
    assert "has no node of the domain lgnx.ops" in str(problem)


def test_indices_from_a_constant_node_are_looked_into(model):
    tensor = next(t for t in model.graph.initializer if t.name == "c2")
    value = numpy_helper.from_array(np.full((12, 2), 8, np.int32))
    model.graph.initializer.remove(tensor)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c2"], value=value))
    assert any("reads bit 8" in str(problem) for problem in lgnx.check(model))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, not an ONNX file"),
        (b"PK\x03\x04 no model", "not an ONNX file"),
        (None, "no such file"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path, content, message):
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=f"m.onnx: .*{message}"):
        lgnx.check(path)


def test_a_truncated_file_is_refused_wherever_it_ends(model, tmp_path):
    content = model.SerializeToString()
    path = tmp_path / "m.onnx"
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        try:
            assert any(p.severity == "error" for p in lgnx.check(path))
        except ModelError:
            continue
