"""Versions of the opset, with a made-up second version of two operators."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, defs, helper, version_converter

import lgnx
from lgnx import ops
from lgnx.ops import DOMAIN, OPERATORS, Operator, group_sum, or_pool
from lgnx.ops._operator import attribute, schema
from lgnx.ops._windows import KERNEL_SHAPE
from lgnx.ops.errors import InputError, ModelError
from lgnx.passes import pipelines
from lgnx.verify.reference import run_reference
from lgnx.versions import convert_version, version_of

OLD = OPERATORS["GroupSum"]


def shares(x: np.ndarray, groups: int, scale: float = 1.0) -> np.ndarray:
    return group_sum.group_sum(x, groups, tau=1 / scale)


def to_scale(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """tau, bias, beta, dtype of version 1 become scale = 1 / tau."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    for name in ("bias", "beta"):
        if given.pop(name, 0.0) != 0:
            raise InputError(f"attribute {name} has no counterpart")
    del node.attribute[:]
    node.attribute.append(helper.make_attribute("groups", given["groups"]))
    node.attribute.append(helper.make_attribute("scale", 1 / given.get("tau", 1.0)))
    return [node]


def to_tau(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """A node of version 2 becomes two of version 1."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    del node.attribute[:]
    node.attribute.append(helper.make_attribute("groups", given["groups"]))
    node.attribute.append(helper.make_attribute("tau", 1 / given.get("scale", 1.0)))
    y = node.output[0]
    node.output[0] = f"{y}_before"
    return [node, helper.make_node("Identity", [f"{y}_before"], [y], f"{node.name}_identity")]


NEW = dataclasses.replace(
    OLD,
    schema=schema(
        "GroupSum",
        "",
        [("x", "tensor(bool)", "")],
        ("tensor(float)", ""),
        group_sum._infer,
        attributes=[attribute("groups", "INT", ""), attribute("scale", 1.0, "")],
        since=2,
    ),
    reference=shares,
    check=lambda node: iter(()),
    body=lambda node: (
        """
GroupSum <groups: int, scale: float = 1.0> (x) => (y) {
  last = Constant <value_ints = [-1]> ()
  groups_value = Constant <value_int: int = @groups> ()
  groups_shape = Reshape (groups_value, last)
  batch = Shape <start = 0, end = 1> (x)
  shape = Concat <axis = 0> (batch, groups_shape, last)
  numbers = Cast <to = 1> (x)
  grouped = Reshape (numbers, shape)
  count = ReduceSum <keepdims = 0> (grouped, last)
  factor = Constant <value_float: float = @scale> ()
  y = Mul (count, factor)
}"""
    ),
    from_previous=to_scale,
    to_previous=to_tau,
)


def to_or_pool(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """AND is the complement of OR of complements."""
    x, y = node.input[0], node.output[0]
    node.op_type, node.input[0], node.output[0] = "OrPool", f"{y}_not", f"{y}_or"
    return [
        helper.make_node("Not", [x], [f"{y}_not"], f"{node.name}_before"),
        node,
        helper.make_node("Not", [f"{y}_or"], [y], f"{node.name}_after"),
    ]


ADDED = dataclasses.replace(
    OPERATORS["OrPool"],
    schema=schema(
        "AndPool",
        "",
        [("x", "tensor(bool)", "")],
        ("tensor(bool)", ""),
        or_pool._infer,
        attributes=[KERNEL_SHAPE],
        since=2,
    ),
    reference=lambda x, kernel_shape: ~or_pool.or_pool(~x, kernel_shape),
    to_previous=to_or_pool,
)
ADDED_FOR_GOOD = dataclasses.replace(
    ADDED,
    schema=schema(
        "XorPool",
        "",
        [("x", "tensor(bool)", "")],
        ("tensor(bool)", ""),
        or_pool._infer,
        attributes=[KERNEL_SHAPE],
        since=2,
    ),
    to_previous=None,
)
CHANGED_FOR_GOOD = dataclasses.replace(
    OPERATORS["PackBits"],
    schema=schema(
        "PackBits",
        "",
        [("x", "tensor(bool)", "")],
        ("tensor(uint64)", ""),
        lambda context: None,
        since=2,
    ),
)


@pytest.fixture
def version_2(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made: list[Operator] = [NEW, ADDED, ADDED_FOR_GOOD, CHANGED_FOR_GOOD]
    monkeypatch.setattr(ops, "VERSION", 2)
    monkeypatch.setattr(pipelines, "VERSION", 2)
    monkeypatch.setattr(ops, "EVERY_VERSION", [*ops.EVERY_VERSION, *made])
    for operator in made:
        defs.register_schema(operator.schema)
    yield
    for operator in made:
        defs.deregister_schema(operator.name, 2, DOMAIN)


@pytest.fixture
def model(make) -> onnx.ModelProto:
    m = make(12)
    y = m.op("GroupSum", m.dense("x", 12, 12, 2, np.random.default_rng(0)), groups=3, tau=4.0)
    return m.model(y)


X = np.random.default_rng(1).random((65, 12)) < 0.5


def run_stock(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        lgnx.attach_functions(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": X})[0]


def test_onnx_itself_leaves_our_nodes_alone(model):
    converted = version_converter.convert_version(model, 21)
    assert version_of(converted) == 1
    ours = [node for node in model.graph.node if node.domain == DOMAIN]
    assert [node for node in converted.graph.node if node.domain == DOMAIN] == ours


def test_a_model_of_the_newest_version_stays_as_it_is(model):
    converted = convert_version(model)
    assert converted == model
    assert converted is not model


def test_a_model_goes_up_and_down_with_the_same_scores(model, version_2):
    expected = run_reference(model, X)[0]
    up = convert_version(model, 2)
    assert version_of(up) == 2
    assert version_of(model) == 1
    node = next(node for node in up.graph.node if node.op_type == "GroupSum")
    assert {a.name for a in node.attribute} == {"groups", "scale"}
    assert lgnx.check(up) == []
    np.testing.assert_array_equal(run_reference(up, X)[0], expected)
    np.testing.assert_array_equal(run_stock(up), expected)
    down = convert_version(up, 1)
    assert version_of(down) == 1
    assert "Identity" in {node.op_type for node in down.graph.node}
    assert lgnx.check(down) == []
    np.testing.assert_array_equal(run_reference(down, X)[0], expected)


def test_a_file_of_an_older_version_is_checked_and_run_as_it_is(model, version_2):
    assert lgnx.check(model) == []
    np.testing.assert_array_equal(run_stock(model), run_reference(model, X)[0])
    np.testing.assert_array_equal(
        lgnx.InferenceSession(model, fuse=False).run(None, {"x": X})[0], run_reference(model, X)[0]
    )


def test_lowering_takes_a_file_of_an_older_version_to_the_newest(model, version_2):
    lowered = lgnx.lower(model, to="network")
    assert version_of(lowered) == 2
    assert version_of(model) == 1


def test_definitions_in_the_file_follow(model, version_2):
    complete = lgnx.attach_functions(model)
    converted = convert_version(complete, 2)
    body = next(f for f in converted.functions if f.name == "GroupSum")
    assert "scale" in [a.name for a in body.attribute_proto]
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    np.testing.assert_array_equal(session.run(None, {"x": X})[0], run_reference(model, X)[0])


def test_nodes_in_the_graphs_of_nodes_are_converted(version_2):
    bits = helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])
    branches = [
        helper.make_graph(
            [helper.make_node("GroupSum", ["x"], ["z"], name, domain=DOMAIN, groups=2, tau=tau)],
            name,
            [],
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        )
        for name, tau in (("then", 2.0), ("else", 4.0))
    ]
    nodes = [
        helper.make_node("Constant", [], ["go"], "go", value=helper.make_tensor("", 9, [], [1])),
        helper.make_node(
            "If", ["go"], ["y"], "if", then_branch=branches[0], else_branch=branches[1]
        ),
    ]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    graph = helper.make_graph(nodes, "g", [bits], [y])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    converted = convert_version(model, 2)
    inner = {a.name: a.g.node[0] for a in converted.graph.node[1].attribute}
    scales = [a.f for node in inner.values() for a in node.attribute if a.name == "scale"]
    assert sorted(scales) == [0.25, 0.5]


def test_an_adapter_that_cannot_names_node_and_reason(make, version_2):
    m = make(12)
    model = m.model(m.op("GroupSum", "x", groups=3, beta=1.0))
    with pytest.raises(
        ModelError,
        match=r"model: node 'n_GroupSum_0' \(GroupSum\): cannot be converted from version 1 of "
        r"lgnx.ops to version 2: attribute beta has no counterpart",
    ):
        convert_version(model)


def pool(make, operator: str) -> onnx.ModelProto:
    m = make(3, 4)
    node = helper.make_node(operator, ["x"], ["y"], "pool", domain=DOMAIN, kernel_shape=[2])
    m.nodes.append(node)
    return relabelled(m.model("y"), 2)


def test_an_operator_that_is_new_goes_down_through_its_adapter(make, version_2):
    model = pool(make, "AndPool")
    down = convert_version(model, 1)
    assert [node.op_type for node in down.graph.node] == ["Not", "OrPool", "Not"]
    x = np.random.default_rng(0).random((5, 3, 4)) < 0.5
    np.testing.assert_array_equal(run_reference(down, x)[0], x[..., 1:] & x[..., :-1])
    np.testing.assert_array_equal(run_reference(model, x)[0], x[..., 1:] & x[..., :-1])


def test_an_operator_that_is_new_and_has_no_adapter_cannot_go_down(make, version_2):
    with pytest.raises(
        ModelError,
        match=r"node 'pool' \(XorPool\): .* to version 1: the operator came with version 2$",
    ):
        convert_version(pool(make, "XorPool"), 1)


@pytest.mark.parametrize(("version", "target"), [(1, 2), (2, 1)])
def test_a_form_without_an_adapter_names_the_node(make, version_2, version, target):
    m = make(4)
    model = m.model(m.op("PackBits", "x"))
    model.opset_import[1].version = version
    with pytest.raises(
        ModelError,
        match=rf"node 'n_PackBits_0' \(PackBits\): cannot be converted from version {version} of "
        rf"lgnx.ops to version {target}: there is no adapter",
    ):
        convert_version(model, target)


@pytest.mark.parametrize("target", [0, 2, 99])
def test_an_unknown_target_is_refused(model, target):
    with pytest.raises(InputError, match=rf"target is version {target} of lgnx.ops, must be 1 to "):
        convert_version(model, target)


LATER = r"imports lgnx.ops version 7, this release knows version 1; get one later than lgnx "


@pytest.mark.parametrize(
    "use",
    [
        convert_version,
        lgnx.attach_functions,
        lgnx.check_or_raise,
        lgnx.InferenceSession,
        lambda m: lgnx.lower(m, to="bitwise"),
        lambda m: lgnx.lower(m, to="network"),
        lambda m: run_reference(m, X),
    ],
)
@pytest.mark.parametrize("level", ["layer", "network"])
def test_every_reader_says_that_a_later_release_is_needed(model, use, level):
    model = lgnx.lower(model, to="network") if level == "network" else model
    for entry in model.opset_import:
        if entry.domain == DOMAIN:
            entry.version = 7
    with pytest.raises(ModelError, match=LATER):
        use(model)


def test_check_says_nothing_else_about_a_later_version(model):
    """What its nodes mean is not known."""
    model.opset_import[1].version = 7
    model.graph.node[1].attribute.append(helper.make_attribute("gamma", 1.0))
    (problem,) = lgnx.check(model)
    assert problem.field == "opset_import"
    assert problem.message.endswith("pip install --upgrade lgnx")


def open_with_kernels(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    ops.register(options)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def test_onnxruntime_alone_does_not_look_at_the_version_but_at_the_inputs(model):
    """Hence the rule that a newer form of an operator adds inputs and never attributes alone."""
    model.opset_import[1].version = 7
    expected = run_reference(convert_version(relabelled(model, 1)), X)[0]
    np.testing.assert_array_equal(open_with_kernels(model).run(None, {"x": X})[0], expected)
    model.graph.node[1].input.append("x")
    with pytest.raises(Exception, match="GroupSum"):
        open_with_kernels(model)


def relabelled(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    other.opset_import[1].version = version
    return other


def test_a_model_without_our_operators_has_no_version(make):
    m = make(4)
    model = m.model(m.op("Not", "x"))
    del model.opset_import[1]
    assert version_of(model) is None
    assert convert_version(model) == model
