"""Layers to qonnx.custom_op.lnn and back, and files of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

from lgnx import Network
from lgnx.converters.formats import read_model, source_format, write_model
from lgnx.converters.qonnx_lnn import from_lnn, to_lnn
from lgnx.metadata import with_metadata
from lgnx.optimize.proof import prove
from lgnx.verify.reference import run_reference
from tests.converters.lnn_reference import LNN, assert_same_outputs, clgn, interface, ops, structure

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("k", range(1, 17))
def test_tables_of_every_size_go_both_ways(make, rng: np.random.Generator, k: int) -> None:
    m = make(20)
    y = m.dense("x", 20, 3, k, rng)
    model = m.model(y)
    written = to_lnn(model)
    node = written.graph.node[0]
    assert (node.op_type, node.domain, node.name) == ("LookupTable", LNN, model.graph.node[0].name)
    arrays = {t.name: numpy_helper.to_array(t) for t in written.graph.initializer}
    assert arrays[node.input[1]].dtype == np.int32
    assert arrays[node.input[2]].shape == (3, 2**k)
    again = from_lnn(written)
    assert_same_outputs(model, written, rng.random((30, 20)) < 0.5)
    assert structure(to_lnn(again)) == structure(written)
    assert_same_outputs(model, again, rng.random((30, 20)) < 0.5)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_convolution_is_written_and_read_back(make, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(SEEDS))
    d, channels = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    kernel, strides, dilations = (
        [data.draw(st.integers(1, 3)) for _ in range(d)] for _ in range(3)
    )
    if data.draw(st.booleans()):
        dilations = [1] * d
    k, depth = data.draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 2), (3, 2), (4, 1)]))
    sizes = [
        (w - 1) * s + 1 + data.draw(st.integers(0, 2))
        for w, s in zip(kernel, dilations, strict=True)
    ]
    m = make(channels, *sizes)
    trees = m.trees(channels * int(np.prod(kernel)), 3, k, depth, rng)
    if k == 1 and depth > 1:
        shape = (3, depth, 1)
        trees[1] = m.constant(rng.integers(0, 4, shape).astype(np.uint8))
    y = m.op(
        "LogicConv",
        "x",
        *trees,
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=[data.draw(st.integers(0, 3)) for _ in range(2 * d)],
        depth=depth,
    )
    model = m.model(y)
    written = to_lnn(model)
    again = from_lnn(written)
    x = rng.random((data.draw(st.integers(0, 3)), channels, *sizes)) < 0.5
    assert_same_outputs(model, written, x)
    assert_same_outputs(model, again, x)
    if d > 1 and set(dilations) == {1}:
        assert [row[2] for row in structure(again)] == [row[2] for row in structure(model)]
        a, b = Network.from_model(model).netlist, Network.from_model(again).netlist
        assert prove(a, b).status == "proved"


def test_what_both_can_say_comes_back_node_by_node(make, rng: np.random.Generator) -> None:
    model = clgn(make, rng)
    for node in model.graph.node:  # as the exporter has it
        node.name = node.output[0]
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.INT32:
            indices = onnx.numpy_helper.to_array(tensor).astype(np.uint16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(indices, tensor.name))
    written = to_lnn(model)
    onnx.checker.check_model(written)
    assert ops(written)[:4] == ["Unsqueeze", "Greater", "Transpose", "Reshape"]
    pooled = "Transpose LookupTableConv Transpose Cast MaxPool Cast"
    flat = "Transpose LookupTableConv Transpose Reshape LookupTable LookupTable"
    scores = "Reshape Cast ReduceSum Add Div Add"
    assert ops(written)[4:] == f"{pooled} {flat} {scores}".split()
    again = from_lnn(written)
    assert structure(again) == structure(model)
    assert structure(to_lnn(again)) == structure(written)


def test_outputs_are_the_same_to_the_last_bit(make, rng) -> None:
    model = clgn(make, rng)
    written = to_lnn(model)
    again = from_lnn(written)
    batches = [rng.normal(0, 1, (n, 2, 7, 6)).astype(np.float32) for n in (0, 1, 63, 64, 65)]
    hot = np.eye(84, dtype=np.float32).reshape(84, 2, 7, 6)
    nans = np.full((2, 2, 7, 6), np.nan, np.float32)
    edges = np.float32([0.2, 0.5, -1.5, 0.25])[rng.integers(0, 4, (20, 2, 7, 6))]
    assert_same_outputs(model, written, *[x[:4] for x in batches], nans, edges[:4])
    assert_same_outputs(model, again, *batches, hot, 0 * hot[:2], 0 * hot[:2] + 1, nans, edges)
    assert interface(model) == interface(written) == interface(again)


def test_layers_are_proved_equal_after_both_ways(make, rng: np.random.Generator) -> None:
    model = clgn(make, rng)
    again = from_lnn(to_lnn(model))
    a, b = Network.from_model(model), Network.from_model(again)
    assert prove(a.netlist, b.netlist).status == "proved"
    assert (a.bias, a.tau, a.beta, a.groups) == (b.bias, b.tau, b.beta, b.groups)
    np.testing.assert_array_equal(a.thresholds, b.thresholds)
    twice = to_lnn(again)
    assert [row[0] for row in structure(twice)] == [row[0] for row in structure(to_lnn(model))]


@pytest.mark.parametrize("dtype", [TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64])
def test_scores_of_every_type_go_both_ways(make, rng: np.random.Generator, dtype: int) -> None:
    m = make(12)
    tau = 0.3 if dtype == TensorProto.DOUBLE else 1.0
    y = m.op("GroupSum", m.dense("x", 12, 12, 2, rng), groups=3, bias=2.0, tau=tau, dtype=dtype)
    model = m.model(y)
    again = from_lnn(to_lnn(model))
    assert ops(again) == ["LogicDense", "GroupSum"]
    x = rng.random((20, 12)) < 0.5
    assert_same_outputs(model, to_lnn(model), x)
    assert_same_outputs(model, again, x)


def test_constants_that_are_shared_stay_shared(make, rng: np.random.Generator) -> None:
    m = make(8)
    tables = m.constant(rng.integers(0, 16, (8, 1), dtype=np.uint8))
    first, second = (m.constant(rng.integers(0, 8, (8, 2), dtype=np.int32)) for _ in range(2))
    y = m.op("LogicDense", m.op("LogicDense", "x", first, tables), second, tables)
    model = m.model(y)
    written = to_lnn(model)
    assert sorted(t.name for t in written.graph.initializer) == ["c0", "c1", "c2"]
    assert sorted(t.name for t in from_lnn(written).graph.initializer) == ["c0", "c1", "c2"]


def test_metadata_survives(make, rng: np.random.Generator, tmp_path: Path) -> None:
    model = clgn(make, rng)
    model.doc_string, model.graph.doc_string = "of the model", "of the graph"
    model.producer_name = "trainer"
    entries = {"lgnx.class_names": '["a", "b", "c", "d"]', "own": "värde"}
    model = with_metadata(model, entries)
    written = to_lnn(model)
    again = from_lnn(written)
    for one in (written, again):
        kept = {entry.key: entry.value for entry in one.metadata_props}
        assert entries.items() <= kept.items()
        assert (one.doc_string, one.producer_name) == ("of the model", "trainer")
        assert (one.graph.doc_string, one.graph.name) == ("of the graph", model.graph.name)
    kept = {entry.key: entry.value for entry in again.metadata_props}
    assert kept["lgnx.source_format"] == "qonnx-lnn"


def test_logic_in_ordinary_onnx_stays(make, rng: np.random.Generator) -> None:
    m = make(8)
    y = m.op("And", m.op("Not", "x"), m.dense("x", 8, 8, 3, rng))
    model = m.model(m.op("Xor", y, "x"))
    assert ops(to_lnn(model)) == ["Not", "LookupTable", "And", "Xor"]
    assert_same_outputs(model, from_lnn(to_lnn(model)), rng.random((9, 8)) < 0.5)


def test_torchlogix_networks_go_both_ways(rng: np.random.Generator) -> None:
    pytest.importorskip("torchlogix")
    import torch
    import torchlogix.layers as tl

    from lgnx.converters.torch_export import export

    dense = torch.nn.Sequential(
        tl.LogicDense(12, 40, lut_rank=4, parametrization="light"),
        tl.LogicDense(40, 30),
        tl.GroupSum(5, tau=2.5, beta=0.3),
    )
    first = {"in_dim": (8, 6), "channels": 3, "num_kernels": 4, "receptive_field_size": 3}
    second = {"in_dim": (4, 3), "channels": 4, "num_kernels": 5, "receptive_field_size": 2}
    images = torch.nn.Sequential(
        tl.LogicConv2d(**first, tree_depth=2, padding=1),
        tl.OrPooling2d(2, 2, 0),
        tl.LogicConv2d(**second, tree_depth=1),
        torch.nn.Flatten(),
        tl.LogicDense(30, 20),
        tl.GroupSum(5, tau=3.0),
    )
    for module, shape in ((dense, (12,)), (images, (3, 8, 6))):
        with torch.no_grad():
            for weights in module.parameters():
                weights.copy_(torch.randn_like(weights))
        x = rng.random((20, *shape)) < 0.5
        model = export(module.eval(), torch.zeros(2, *shape))
        with torch.no_grad():
            expected = module(torch.from_numpy(x).float()).numpy()
        written = to_lnn(model)
        again = from_lnn(written)
        for one in (written, again):
            assert_same_outputs(model, one, x)
        assert [row[:3] for row in structure(again)] == [row[:3] for row in structure(model)]
        names = [sorted(t.name for t in one.graph.initializer) for one in (model, again)]
        assert names[0] == names[1]
        np.testing.assert_array_equal(run_reference(again, x)[0], expected)


def test_files_are_told_by_their_domain(make, rng, tmp_path: Path) -> None:
    model = clgn(make, rng)
    path, plain = tmp_path / "lnn.onnx", tmp_path / "plain.onnx"
    assert write_model(model, path, "qonnx-lnn") == [path]
    write_model(with_metadata(model, {"note": "not qonnx.custom_op.lnn"}), plain)
    assert source_format(path).name == "qonnx-lnn"
    assert source_format(plain).name == "onnx"  # the suffix alone does not ask for it
    assert "LogicConv" in ops(read_model(path))


def test_nothing_is_registered_in_the_domain() -> None:
    code = (
        "import onnx, lgnx.converters.qonnx_lnn_read, lgnx.converters.qonnx_lnn_write\n"
        "domains = {schema.domain for schema in onnx.defs.get_all_schemas_with_history()}\n"
        "assert not any(domain.startswith('qonnx') for domain in domains), domains\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_line_reads_and_writes_it(make, rng, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from lgnx.cli import app

    model = clgn(make, rng)
    source, lnn, back = (tmp_path / f"{name}.onnx" for name in ("source", "lnn", "back"))
    onnx.save(model, source)
    for arguments in (
        ["convert", source, "-o", lnn, "--to", "qonnx-lnn"],
        ["export", lnn, "-o", back],
    ):
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == 0, result.output
    assert "LookupTable" in ops(onnx.load(lnn))
    assert_same_outputs(model, onnx.load(back), rng.random((5, 2, 7, 6), np.float32))
