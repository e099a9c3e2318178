"""Metadata, names and doc strings of a model through every step from one ONNX model to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from typer.testing import CliRunner

import lgnx
from lgnx.cli import app
from lgnx.converters.formats import read_model, write_model
from lgnx.passes import PASSES, PIPELINES, run_passes
from lgnx.static_batch import set_batch

ENTRIES = {
    "lgnx.class_names": '["null", "eins", "zwei"]',
    "lgnx.feature_names": '["a b", "ü", "[3]", "\\"", "é\\n", ""]',
    "lgnx.input_scaling": '{"mean": [0.5], "scale": [2.0]}',
    "lgnx.training_tool": "torchlogix 0.2.2",
    "lgnx.accuracy": "0.97",
    "mine": "any text: 漢字\n\ttwo lines",
    "empty": "",
}


def describe(holder: Any, text: str) -> None:
    """Give a message of onnx metadata and a doc string."""
    holder.doc_string = f"what {text} is"
    holder.metadata_props.add(key="of", value=text)


def described(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model with metadata and doc strings wherever onnx has a place for them."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for key, value in ENTRIES.items():
        result.metadata_props.add(key=key, value=value)
    result.doc_string, result.domain, result.model_version = "what the model is", "org.example", 7
    result.producer_name, result.producer_version = "someone", "1.2"
    describe(result.graph, "the graph")
    result.graph.name = "a graph"
    for node in result.graph.node:
        describe(node, f"node {node.name}")
    graph = result.graph
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        describe(value, value.name)
    return result


def facts(model: onnx.ModelProto) -> dict[str, Any]:
    """What is said of the parts of a model, by what they are called."""

    def of(holder: Any) -> Any:
        return {entry.key: entry.value for entry in holder.metadata_props}, holder.doc_string

    graph = model.graph
    found = {"model": of(model), "graph": (graph.name, *of(graph))}
    found["producer"] = model.producer_name, model.producer_version
    found["domain"] = model.domain, model.model_version
    for kind in ("input", "output", "node", "value_info", "initializer"):
        found |= {f"{kind} {part.name}": of(part) for part in getattr(graph, kind)}
    return found


WHOLE = ("model", "graph", "producer", "domain", "input", "output")


def assert_kept(before: onnx.ModelProto, after: onnx.ModelProto, parts: bool = True) -> None:
    """Nothing of the whole, of inputs and outputs is lost, nor of any part that is still there."""
    kept, expected = facts(after), facts(before)
    for name, fact in expected.items():
        if name.split()[0] in WHOLE or (parts and name in kept):
            assert kept.get(name) == fact, name


@pytest.fixture(scope="module")
def classifier_described(classifier):
    return described(classifier)


@pytest.fixture(scope="module")
def image_network(make):
    """A convolution, pooling, a transposed convolution, a dense layer, a class."""
    rng = np.random.default_rng(0)
    m = make(4, 4, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([0.3, 0.6], np.float32)))
    images = m.op("Transpose", bits, perm=[0, 3, 1, 2])
    window = dict(kernel_shape=[3, 3], pads=[1] * 4, depth=2)
    y = m.op("LogicConv", images, *m.trees(18, 4, 2, 2, rng), **window)
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = m.op("LogicConvTranspose", y, *m.trees(16, 3, 2, 1, rng), kernel_shape=[2, 2])
    flat = m.op("Reshape", y, m.constant([0, 27]))
    scores = m.op("GroupSum", m.dense(flat, 27, 30, 2, rng), groups=3, tau=2.0)
    return described(m.model(m.op("ArgMax", scores, axis=1, keepdims=0)))


@pytest.fixture(scope="module")
def plain_network(make):
    """Thermometer and sum in standard operators, with casts between."""
    rng = np.random.default_rng(0)
    m = make(12, dtype=TensorProto.FLOAT)
    x = m.op("Cast", m.op("Greater", "x", m.constant(np.float32(0.5))), to=TensorProto.FLOAT)
    bits = m.op("Greater", x, m.constant(np.float32(0.5)))
    y = m.op("Cast", m.dense(bits, 12, 30, 2, rng), to=TensorProto.FLOAT)
    groups = m.op("Reshape", y, m.constant([0, 3, 10]))
    total = m.op("ReduceSum", groups, m.constant([2]), keepdims=0)
    return described(m.model(m.op("Div", total, m.constant(np.float32(2)))))


@pytest.fixture(params=["classifier_described", "image_network", "plain_network"])
def model(request):
    return request.getfixturevalue(request.param)


STEPS = {
    "attach functions": lgnx.attach_functions,
    "fix the batch": lambda model: set_batch(model, 4),
    "convert the version": lgnx.convert_version,
    "optimize": lambda model: lgnx.optimize(model)[0],
    "optimize without proof": lambda model: lgnx.optimize(model, prove=False)[0],
    "optimize what is lowered": lambda model: lgnx.optimize(lgnx.lower(model))[0],
    "lower to words": lambda model: lgnx.lower(model, to="bitwise"),
    "lower to a network": lgnx.lower,
    "lower twice": lambda model: lgnx.lower(lgnx.lower(model, to="bitwise")),
    "lower what has functions": lambda model: lgnx.lower(lgnx.attach_functions(model)),
    "lower a fixed batch": lambda model: lgnx.lower(set_batch(model, 4), to="bitwise"),
}
STEPS |= {f"pass {name}": lambda model, name=name: run_passes(model, [name]) for name in PASSES}


@pytest.mark.parametrize("step", STEPS)
def test_metadata_survives(model, step):
    if step == "optimize what is lowered" or "proof" in step:
        pytest.importorskip("aigverse")
    assert_kept(model, STEPS[step](model))


def test_the_check_finds_a_loss(classifier_described):
    for part in ("metadata_props", "producer_name", "doc_string", "graph"):
        poorer = onnx.ModelProto()
        poorer.CopyFrom(classifier_described)
        if part == "graph":
            poorer.graph.output[0].ClearField("doc_string")
        else:
            poorer.ClearField(part)
        with pytest.raises(AssertionError):
            assert_kept(classifier_described, poorer)


@pytest.mark.parametrize("level", PIPELINES)
def test_each_node_of_a_lowered_layer_says_what_the_layer_said(classifier_described, level):
    model = lgnx.lower(classifier_described, to="bitwise")
    layers = {node.name: node for node in classifier_described.graph.node}
    for node in model.graph.node:
        layer = next(layers[name] for name in layers if node.name.startswith(name))
        assert [e.value for e in node.metadata_props] == [f"node {layer.name}"], node.name
        assert node.doc_string == layer.doc_string


def test_a_network_of_many_layers_says_nothing_of_one(classifier_described):
    [node] = lgnx.lower(classifier_described).graph.node
    assert not node.metadata_props
    assert not node.doc_string


def test_sessions_give_the_metadata(model):
    session = lgnx.InferenceSession(model)
    assert session.get_modelmeta().custom_metadata_map == ENTRIES


COMMANDS: dict[str, list[str]] = {
    "lower": ["lower", "IN", "--to", "network", "-o", "OUT"],
    "lower to words": ["lower", "IN", "--to", "bitwise", "-o", "OUT"],
    "one pass": ["lower", "IN", "--pass", "remove-casts", "-o", "OUT"],
    "optimize": ["optimize", "IN", "-o", "OUT", "--no-prove"],
    "export again": ["export", "IN", "-o", "OUT"],
    "fix the batch": ["export", "IN", "-o", "OUT", "--batch", "3"],
    "with functions": ["export", "IN", "-o", "OUT", "--self-contained"],
    "convert": ["convert", "IN", "-o", "OUT"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_keep_metadata(classifier_described, tmp_path, command):
    names = {"IN": str(tmp_path / "in.onnx"), "OUT": str(tmp_path / "out.onnx")}
    onnx.save(classifier_described, names["IN"])
    result = CliRunner().invoke(app, [names.get(word, word) for word in COMMANDS[command]])
    assert result.exit_code == 0, result.output
    assert_kept(classifier_described, onnx.load(names["OUT"]))


def test_export_adds_entries_to_those_that_are_there(classifier_described, tmp_path):
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(classifier_described, source)
    added = ["--metadata", "lgnx.accuracy=0.5", "--metadata", "new=a=b"]
    result = CliRunner().invoke(app, ["export", str(source), "-o", str(target), *added])
    assert result.exit_code == 0, result.output
    entries = {entry.key: entry.value for entry in onnx.load(target).metadata_props}
    assert entries == {**ENTRIES, "lgnx.accuracy": "0.5", "new": "a=b"}


def test_the_operators_of_qonnx_keep_metadata(classifier_described, tmp_path):
    path = tmp_path / "lnn.onnx"
    write_model(classifier_described, path, "qonnx-lnn")
    assert_kept(classifier_described, onnx.load(path), parts=False)
    back = read_model(path)
    entries = {entry.key: entry.value for entry in back.metadata_props}
    assert entries == {**ENTRIES, "lgnx.source_format": "qonnx-lnn"}
    assert facts(back)["graph"] == facts(classifier_described)["graph"]


def test_files_keep_metadata(classifier_described, tmp_path: Path):
    path = tmp_path / "m.onnx"
    lgnx.save(classifier_described, path)
    assert lgnx.load(path).SerializeToString() == classifier_described.SerializeToString()
