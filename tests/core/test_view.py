"""Views for people: graphs, cones, paths, statistics, drawings."""

from __future__ import annotations

import importlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from lgnx.netlist import Netlist, view
from lgnx.ops.errors import InputError, MissingExtraError


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_cone_computes_its_outputs_with_no_more_nodes_than_needed(nets, data):
    netlist = data.draw(nets.any())
    outputs = data.draw(st.lists(st.integers(0, netlist.n_outputs - 1), min_size=1, max_size=4))
    part = view.cone(netlist, outputs)
    part.validate()
    bits = nets.every_input(netlist.n_inputs)
    assert np.array_equal(part.simulate(bits), netlist.simulate(bits)[:, outputs])
    assert (part.fan_outs()[part.first_node :] > 0).all()


def test_cone_of_an_output_that_does_not_exist(nets):
    with pytest.raises(InputError, match="output 3 does not exist: the netlist has 3 outputs"):
        view.cone(nets.random(4, 10, 3, seed=0), 3)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_critical_path_goes_through_every_level(nets, data):
    netlist = data.draw(nets.any())
    path = view.critical_path(netlist)
    levels = view.variable_levels(netlist)
    assert levels[path].tolist() == list(range(netlist.depth + 1))
    assert path[-1] in netlist.outputs >> 1
    for source, reader in pairwise(path):
        assert source in netlist.fanins[reader - netlist.first_node] >> 1


def test_statistics(nets):
    netlist = nets.make(3, [0, 1, 0], [[2, 4], [8, 3], [8, 10]], [12, 8, 2])
    assert view.level_histogram(netlist).tolist() == [1, 1, 1]
    fan_out = view.fan_out(netlist)
    assert fan_out.mean == pytest.approx((3 + 1 + 0 + 3 + 1 + 1) / 6)
    assert fan_out.maximum == 3
    assert fan_out.histogram.tolist() == [1, 3, 0, 2]
    assert fan_out.unused_inputs == 1
    empty = nets.make(0, [], [], [0])
    assert view.level_histogram(empty).tolist() == []
    assert view.fan_out(empty).maximum == 0
    assert view.critical_path(empty) == [0]
    assert view.critical_path(nets.make(2, [], [], [])) == []


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_graph_computes_what_the_netlist_does(nets, data):
    netlist = data.draw(nets.any())
    graph = view.to_networkx(netlist)
    bits = nets.every_input(netlist.n_inputs)
    values = {0: np.zeros(len(bits), bool)}
    values |= {1 + i: column for i, column in enumerate(bits.T)}
    for node in sorted((n for n in graph if isinstance(n, int)), key=int):
        read = [values[s] ^ d["inverted"] for s, _, d in graph.in_edges(node, data=True)]
        kind = graph.nodes[node]["kind"]
        if kind in ("and", "xor"):
            values[node] = read[0] & read[1] if kind == "and" else read[0] ^ read[1]
    for i in range(netlist.n_outputs):
        ((source, _, data_of_edge),) = graph.in_edges(f"y{i}", data=True)
        result = values[source] ^ data_of_edge["inverted"]
        assert np.array_equal(result, netlist.simulate(bits)[:, i])


def test_graph_has_levels_and_labels(nets):
    netlist = nets.make(2, [1], [[2, 5]], [7])
    graph = view.to_networkx(netlist, ["a", "b"])
    assert dict(graph.nodes(data="label")) == {1: "a", 2: "b", 3: "XOR", "y0": "y0"}
    assert dict(graph.nodes(data="level")) == {1: 0, 2: 0, 3: 1, "y0": 2}
    with pytest.raises(InputError, match="1 input names for 2 inputs"):
        view.to_networkx(netlist, ["a"])


def test_graph_of_a_model():
    nodes = [
        helper.make_node("Not", ["x"], ["h"], "invert"),
        helper.make_node("And", ["h", "x"], ["y"]),
        helper.make_node("Or", ["h", "c"], ["z"], "invert"),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["N"])],
        [helper.make_tensor_value_info(name, TensorProto.BOOL, ["N"]) for name in "yz"],
        [helper.make_tensor("c", TensorProto.BOOL, [1], [True])],
    )
    result = view.model_to_networkx(helper.make_model(graph))
    assert {(a, b, d["value"]) for a, b, d in result.edges(data=True)} == {
        ("input x", "invert", "x"),
        ("input x", "#1", "x"),
        ("invert", "#1", "h"),
        ("invert", "#2", "h"),
        ("#1", "output y", "y"),
        ("#2", "output z", "z"),
    }
    assert result.nodes["#2"] == {"op": "Or", "domain": "", "label": "Or"}


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_drawing_is_written(nets, tmp_path, suffix):
    path = tmp_path / f"cone.{suffix}"
    view.draw_cone(nets.random(6, 30, 2, seed=1), 0, path)
    assert path.stat().st_size > 1000


def _texts(axes) -> list[str]:
    return sorted(text.get_text() for text in axes.texts)


def test_drawing_shows_nodes_inputs_and_output(nets):
    netlist = nets.make(3, [0, 1, 0], [[2, 5], [8, 7], [2, 4]], [11])
    axes = view.draw_cone(netlist, 0, input_names=["a", "$b_2$", "x_{3}"], output_name="result")
    assert _texts(axes) == sorted(["a", "$b_2$", "x_{3}", "AND", "XOR", "result"])


def test_drawing_of_a_large_cone_is_cut_near_the_output(nets):
    netlist = nets.random(50, 500, 1, seed=3)
    full = view.cone(netlist, 0).n_nodes
    axes = view.draw_cone(netlist, 0, max_nodes=10)
    texts = _texts(axes)
    drawn = texts.count("AND") + texts.count("XOR")
    assert full > 10
    assert 1 <= drawn <= 10
    assert "..." in texts
    assert axes.get_title() == f"{full - drawn:,} more nodes lie behind the dashed boxes"


@pytest.mark.parametrize("output", [0, 1, 4, 5])
def test_drawing_of_an_output_without_nodes(nets, output):
    axes = view.draw_cone(nets.make(2, [], [], [output]), 0)
    assert _texts(axes) == ["0" if output < 2 else "x1", "y0"]


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_boxes_of_a_drawing_do_not_overlap(nets, data):
    axes = view.draw_cone(data.draw(nets.any(max_nodes=15)), 0)
    boxes = sorted(
        (patch.get_x(), patch.get_y()) for patch in axes.patches if hasattr(patch, "get_boxstyle")
    )
    places = np.array(boxes)
    same_column = np.abs(places[:, None, 0] - places[None, :, 0]) < 0.5
    close = np.abs(places[:, None, 1] - places[None, :, 1]) < 0.5
    assert np.array_equal(same_column & close, np.eye(len(places), dtype=bool))


@pytest.mark.parametrize("draw", [view.to_networkx, lambda n: view.draw_cone(n, 0)])
def test_missing_packages_are_named_with_the_command(nets, monkeypatch, draw):
    def missing(name, *_):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    netlist: Netlist = nets.random(4, 10, 1, seed=0)
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[view\]'"):
        draw(netlist)
