"""The optimiser keeps what a network computes, and reports what it did."""

from __future__ import annotations

import importlib

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from lgnx.netlist import Netlist, NetlistBuilder
from lgnx.ops.errors import ComparisonError, MissingExtraError, ModelError
from lgnx.ops.library import register
from lgnx.ops.program import encode
from lgnx.ops.tables import pack_tables
from lgnx.optimize import optimize, optimize_netlist
from lgnx.optimize.aig import from_aig, to_aig


def _check(nets, netlist, result):
    after = result.netlist
    after.validate()
    assert after.n_nodes <= netlist.n_nodes
    bits = nets.every_input(netlist.n_inputs)
    assert np.array_equal(after.simulate(bits), netlist.simulate(bits))
    report = result.report
    assert (report.nodes_before, report.nodes_after) == (netlist.n_nodes, after.n_nodes)
    assert (report.depth_before, report.depth_after) == (netlist.depth, after.depth)
    assert report.verdict.status == "proved"


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_rules_keep_the_function(nets, data):
    netlist = data.draw(nets.any(max_inputs=7))
    _check(nets, netlist, optimize_netlist(netlist))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_synthesis_keeps_the_function(nets, data):
    netlist = data.draw(nets.any(max_inputs=7))
    result = optimize_netlist(netlist, synthesis=True)
    _check(nets, netlist, result)
    names = [step.name for step in result.report.steps]
    assert names == [
        "rules",
        "resubstitution",
        "cut rewriting",
        "sop refactoring",
        "balancing",
    ]


@pytest.mark.parametrize("synthesis", [False, True])
def test_larger_networks(nets, synthesis):
    netlist = nets.random(10, 600, 30, seed=4)
    _check(nets, netlist, optimize_netlist(netlist, synthesis=synthesis))


def test_synthesis_finds_what_rules_do_not():
    # (a & b) | (a & c) | (a & d) needs three nodes: a & (b | c | d).
    builder = NetlistBuilder(4)
    a, b, c, d = builder.inputs()[:, None]
    terms = [builder.and_(a, other) for other in (b, c, d)]
    netlist = builder.finish(builder.or_(builder.or_(terms[0], terms[1]), terms[2]))
    assert netlist.n_nodes == 5
    assert optimize_netlist(netlist, synthesis=True).netlist.n_nodes == 3


def test_a_step_that_does_not_help_is_dropped(nets):
    netlist = optimize_netlist(nets.random(10, 200, 10, seed=8)).netlist
    result = optimize_netlist(netlist, synthesis=True)
    best = (netlist.n_nodes, netlist.depth)
    for step in result.report.steps:
        assert step.kept == ((step.nodes, step.depth) < best)
        if step.kept:
            best = (step.nodes, step.depth)
    assert best == (result.netlist.n_nodes, result.netlist.depth)


def test_progress_names_each_step(nets):
    seen: list[str] = []
    optimize_netlist(nets.random(5, 20, 2, seed=0), progress=seen.append)
    assert seen == ["rules", "proof"]
    result = optimize_netlist(nets.random(5, 20, 2, seed=0), prove=False)
    assert result.report.verdict is None


def test_a_wrong_rewrite_is_an_error(nets, monkeypatch):
    netlist = nets.random(10, 50, 3, seed=0)

    def wrong(n_inputs, kinds, fanins, outputs):
        return kinds[:0], fanins[:0], np.zeros_like(outputs)

    monkeypatch.setattr("lgnx.ops.engine.optimize", wrong)
    with pytest.raises(ComparisonError, match="'layer' is not equivalent to the original on input"):
        optimize_netlist(netlist, name="layer")


def test_synthesis_without_aigverse_names_the_command(nets, monkeypatch):
    real = importlib.import_module

    def missing(name, *args):
        if name.startswith("aigverse"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="aigverse")
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[proof\]'"):
        optimize_netlist(nets.random(5, 20, 2, seed=0), synthesis=True)


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_and_inverter_graphs_there_and_back(nets, data):
    netlist = data.draw(nets.any())
    back = from_aig(to_aig(netlist))
    back.validate()
    bits = nets.every_input(netlist.n_inputs)
    assert np.array_equal(back.simulate(bits), nets.evaluate(netlist, bits))


def test_exclusive_ors_come_back_from_and_inverter_graphs():
    builder = NetlistBuilder(8)
    literals = builder.inputs()
    x = literals[:1]
    for i in range(1, 8):
        x = builder.xor(x, literals[i : i + 1] ^ np.uint32(i % 2))
    netlist = from_aig(to_aig(builder.finish(x)))
    assert optimize_netlist(netlist).netlist.kinds.tolist() == [1] * 7


def _layers(rng, n_inputs: int, widths: list[int]) -> onnx.ModelProto:
    nodes, initializers, value = [], [], "x"
    for i, width in enumerate(widths):
        indices = rng.integers(0, n_inputs, (width, 2)).astype(np.int32)
        tables = pack_tables(rng.random((width, 4)) < 0.5)
        for name, array in (("indices", indices), ("tables", tables)):
            initializers.append(numpy_helper.from_array(array, f"{name}{i}"))
        y = "y" if i == len(widths) - 1 else f"h{i}"
        names = [value, f"indices{i}", f"tables{i}"]
        nodes.append(helper.make_node("LogicDense", names, [y], f"layer{i}", domain="lgnx.ops"))
        value, n_inputs = y, width
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["N", 12])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["N", widths[-1]])],
        initializers,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("lgnx.ops", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    register(options)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("synthesis", [False, True])
def test_a_model_of_layers_is_lowered_and_optimised(nets, synthesis):
    model = _layers(np.random.default_rng(0), 12, [60, 50, 20])
    before = model.SerializeToString()
    result, reports = optimize(model, synthesis=synthesis)
    assert model.SerializeToString() == before
    onnx.checker.check_model(result, full_check=True)
    assert [node.op_type for node in result.graph.node] == ["LogicNetwork"]
    (report,) = reports
    assert report.nodes_after < report.nodes_before
    assert report.verdict.status == "proved"
    x = nets.every_input(12)
    assert np.array_equal(_run(model, x), _run(result, x))
    again, (second,) = optimize(result)
    assert second.nodes_before == second.nodes_after == report.nodes_after
    assert np.array_equal(_run(again, x), _run(result, x))


def test_a_model_without_logic_is_refused():
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "plain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    with pytest.raises(ModelError, match="no logic network"):
        optimize(model)


def test_a_program_from_outside_is_refused():
    program = encode(Netlist.to_program(NetlistBuilder(2).finish(np.array([2], np.uint32))))
    graph = helper.make_graph(
        [
            helper.make_node(
                "LogicNetwork", ["x", "program"], ["y"], "net", domain="lgnx.ops", n_outputs=1
            )
        ],
        "outside",
        [
            helper.make_tensor_value_info("x", TensorProto.BOOL, ["N", 2]),
            helper.make_tensor_value_info("program", TensorProto.UINT32, [len(program)]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["N", 1])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("lgnx.ops", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    refusal = "node 'net', input program: is computed, must be an initializer"
    with pytest.raises(ModelError, match=refusal):
        optimize(model)
