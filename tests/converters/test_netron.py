"""What netron shows of lgnx files: its server, and its page in a browser."""

from __future__ import annotations

import re
import urllib.request
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch")
pytest.importorskip("netron")

import lgnx
from lgnx.metadata import CLASS_NAMES, with_metadata
from tests.converters.netron_page import BROWSER, opened, served

in_browser = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """A network trained on digits, with the names of its classes."""
    import torch

    pytest.importorskip("sklearn")
    pytest.importorskip("torchlogix")
    from lgnx.verify.digits import load_digits, make_model

    images, labels, *_ = (torch.from_numpy(part) for part in load_digits())
    network = make_model().train()
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    for start in range(0, 90, 30):
        scores = network(images[start : start + 30])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(scores, labels[start : start + 30]).backward()
        optimizer.step()
    model = lgnx.export(network.eval(), images[:2])
    path = tmp_path_factory.mktemp("netron") / "digits.onnx"
    lgnx.save(with_metadata(model, {CLASS_NAMES: [f"digit {i}" for i in range(10)]}), path)
    return path


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory) -> Path:
    """A convolutional network whose layers have names."""
    import torch

    rng = np.random.default_rng(0)
    layers = OrderedDict(
        conv=lgnx.torch.LogicConv(
            rng.integers(0, 18, (8, 8), np.int32),
            rng.integers(0, 16, (8, 7, 1), np.uint8),
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            depth=3,
        ),
        pool=lgnx.torch.OrPool([2, 2], strides=[2, 2]),
        flatten=torch.nn.Flatten(),
        hidden=lgnx.torch.LogicDense(
            rng.integers(0, 128, (30, 6), np.int32), rng.integers(0, 256, (30, 8), np.uint8)
        ),
        votes=lgnx.torch.GroupSum(3, tau=2.0),
    )
    path = tmp_path_factory.mktemp("netron") / "conv.onnx"
    lgnx.export(torch.nn.Sequential(layers), torch.zeros(2, 2, 8, 8, dtype=torch.bool), path)
    return path


def test_netron_serves_the_file_with_its_names_and_metadata(digits: Path) -> None:
    with served(digits) as address:
        page = urllib.request.urlopen(address).read().decode()
        data = urllib.request.urlopen(f"{address}data/{digits.name}").read()
    assert re.search(r'<meta name="file" content="/data/digits.onnx">', page)
    model = onnx.load_from_string(data)
    assert data == digits.read_bytes()
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    for node in model.graph.node:
        layer, _, operator = node.name.rpartition("/")
        assert layer
        assert operator.startswith(node.op_type)
    assert {"lgnx.class_names", "lgnx.torch"} <= {entry.key for entry in model.metadata_props}


@in_browser
def test_netron_draws_every_layer_of_a_trained_network(digits: Path) -> None:
    with opened(digits) as page:
        operators = [node.op_type for node in onnx.load(digits).graph.node]
        assert page.boxes == ["x", *operators, onnx.load(digits).graph.output[0].name]
        metadata = page.properties()
        assert metadata[metadata.index("producer") + 1].startswith("lgnx ")
        assert "lgnx.ops v1" in metadata
        assert metadata[metadata.index("lgnx.class_names") + 1].startswith('["digit 0"')
        thermometer = page.click("Thermometer")
        assert thermometer[:4] == ["type", "Thermometer", "module", "lgnx.ops"]
        votes = page.click("GroupSum")
        assert votes[votes.index("groups") + 1] == "10"
        assert votes[votes.index("tau") + 1] == "8"


@in_browser
def test_netron_shows_attributes_under_the_names_of_layers(convolutional: Path) -> None:
    with opened(convolutional) as page:
        assert page.boxes[1:-1] == ["LogicConv", "OrPool", "Reshape", "LogicDense", "GroupSum"]
        conv = page.click("LogicConv")
        assert conv[conv.index("name") + 1] == "/conv/LogicConv"
        shown = {name: conv[conv.index(name) + 1] for name in ("depth", "kernel_shape", "pads")}
        assert shown == {"depth": "3", "kernel_shape": "3, 3", "pads": "1, 1, 1, 1"}


@in_browser
def test_netron_names_the_inputs_of_operators_whose_bodies_are_in_the_file(
    convolutional: Path, tmp_path: Path
) -> None:
    lgnx.save(lgnx.attach_functions(convolutional), tmp_path / "alone.onnx")
    with opened(tmp_path / "alone.onnx") as page:
        conv = page.click("LogicConv")
        inputs = conv[conv.index("Inputs") + 1 : conv.index("Outputs")]
        assert [name for name in inputs if name in ("x", "indices", "tables")] == [
            "x",
            "indices",
            "tables",
        ]
