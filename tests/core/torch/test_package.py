"""The package: how it is imported, traced, compiled, and exported from a user's own module."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import lgnx
import lgnx.torch


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_there_after_importing_lgnx_alone() -> None:
    run("import lgnx; assert callable(lgnx.torch.logic_dense); assert 'torch' in dir(lgnx)")


def test_a_module_of_the_name_of_a_function_does_not_hide_it() -> None:
    run(
        "import lgnx.torch.logic_dense, lgnx.torch.group_sum;"
        "from lgnx.torch.logic_dense import LogicDense;"
        "assert callable(lgnx.torch.logic_dense) and callable(lgnx.torch.group_sum);"
        "assert lgnx.torch.LogicDense is LogicDense"
    )


def test_without_torch_it_says_how_to_install_it() -> None:
    run(
        "import sys; sys.modules['torch'] = None\n"
        "from lgnx.ops.errors import MissingExtraError\n"
        "import lgnx\n"
        "for attempt in (lambda: lgnx.torch, lambda: __import__('lgnx.torch')):\n"
        "    try: attempt()\n"
        "    except MissingExtraError as error: message = str(error)\n"
        "    assert message == \"this needs the package 'torch', which is not installed; \"\\\n"
        "        \"install it with: pip install 'lgnx[torch]'\", message\n"
    )


class Network(nn.Module):
    """Every operator as a function, with logic of torch's own in between."""

    def __init__(self, layers: SimpleNamespace) -> None:
        super().__init__()
        rng = np.random.default_rng(1)
        self.register_buffer("steps", torch.tensor([2, 5], dtype=torch.int64))
        self.register_buffer("leaves", torch.from_numpy(rng.integers(0, 18, (6, 4), np.int32)))
        self.register_buffer("trees", torch.from_numpy(layers.tables(rng, (6, 3), 2)))
        self.register_buffer("roots", torch.from_numpy(rng.integers(0, 24, (3, 2), np.int32)))
        self.register_buffer("gates", torch.from_numpy(layers.tables(rng, (3, 1), 2)))
        indices, tables = layers.dense(rng, 96, 24, 4)
        self.register_buffer("wires", torch.from_numpy(indices))
        self.register_buffer("luts", torch.from_numpy(tables))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bits = lgnx.torch.thermometer(x, self.steps, strict=False).movedim(-1, 1)
        maps = lgnx.torch.logic_conv(
            bits, self.leaves, self.trees, [3, 3], pads=[1, 1, 1, 1], depth=2
        )
        small = lgnx.torch.or_pool(maps, [2, 2], strides=[2, 2])
        large = lgnx.torch.logic_conv_transpose(
            small, self.roots, self.gates, [2, 2], strides=[2, 2]
        )
        mixed = (maps[:, :3] & large) | (maps[:, 3:] ^ ~large)
        chosen = torch.where(large, mixed, maps[:, 3:])
        flat = torch.cat([mixed.flatten(1), chosen.flatten(1)], 1)
        y = lgnx.torch.logic_dense(flat, self.wires, self.luts)
        return lgnx.torch.group_sum(y, 4, beta=1.0, dtype=torch.int32)


@pytest.fixture(scope="module")
def network(layers: SimpleNamespace) -> Network:
    return Network(layers)


def inputs(batch: int) -> np.ndarray:
    return np.random.default_rng(batch).integers(0, 8, (batch, 4, 4))


def test_a_module_written_with_the_functions_is_exported(
    network: Network, assert_same: Callable[..., None]
) -> None:
    model = lgnx.export(network, torch.zeros(2, 4, 4, dtype=torch.int64))
    logic = [n.op_type for n in model.graph.node if n.domain == "lgnx.ops"]
    assert logic == [
        "Thermometer",
        "LogicConv",
        "OrPool",
        "LogicConvTranspose",
        "LogicDense",
        "GroupSum",
    ]
    others = {n.op_type for n in model.graph.node if n.domain == ""}
    assert {"And", "Or", "Xor", "Not", "Where"} <= others
    kinds = {i.name: i.data_type for i in model.graph.initializer}
    assert kinds["indices"] == kinds["indices_1"] == onnx.TensorProto.UINT16
    assert lgnx.check(model) == []
    for batch in (0, 1, 63, 64, 65):
        assert_same(model, network, inputs(batch))
    for corner in (np.zeros((3, 4, 4)), np.full((3, 4, 4), 7), 7 * np.eye(16).reshape(16, 4, 4)):
        assert_same(model, network, corner.astype(np.int64))


def test_a_module_of_modules_is_exported_with_its_names(
    layers: SimpleNamespace, assert_same: Callable[..., None]
) -> None:
    rng = np.random.default_rng(0)
    network = nn.Sequential(
        lgnx.torch.Thermometer(torch.tensor([0.25, 0.5])),
        nn.Flatten(),
        lgnx.torch.LogicDense(*layers.dense(rng, 16, 12, 3)),
        lgnx.torch.GroupSum(4, tau=3.0),
    )
    model = lgnx.export(network, torch.zeros(2, 8))
    assert [n.name for n in model.graph.node] == [
        "/0/Thermometer",
        "/1/Reshape",
        "/2/LogicDense",
        "/3/GroupSum",
    ]
    names = [i.name for i in model.graph.initializer]
    assert names == ["0.thresholds", "1.shape", "2.indices", "2.tables"]
    assert_same(model, network, rng.random((65, 8), np.float32))


def test_a_batch_of_any_size_is_traced(network: Network) -> None:
    axes = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(network, (torch.from_numpy(inputs(3)),), dynamic_shapes=axes)
    for batch in (1, 64, 65):
        x = torch.from_numpy(inputs(batch))
        assert torch.equal(program.module()(x), network(x))


def test_extents_may_be_open_too(layers: SimpleNamespace) -> None:
    indices, tables = layers.trees(np.random.default_rng(0), 18, 6, 2, 2)
    layer = lgnx.torch.LogicConv(indices, tables, [3, 3], pads=[1, 1, 1, 1], depth=2)
    axes = ({0: torch.export.Dim("batch"), 2: torch.export.Dim("height")},)
    x = torch.rand(3, 2, 5, 6) > 0.5
    program = torch.export.export(layer, (x,), dynamic_shapes=axes)
    for shape in ((1, 2, 3, 6), (65, 2, 9, 6)):
        x = torch.rand(shape) > 0.5
        assert torch.equal(program.module()(x), layer(x))


def test_it_is_compiled_whole(network: Network) -> None:
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    for batch in (5, 64):
        x = torch.from_numpy(inputs(batch))
        assert torch.equal(compiled(x), network(x))


def test_gradients_stop_there() -> None:
    x = torch.rand(4, 3, requires_grad=True)
    assert not lgnx.torch.thermometer(x, torch.tensor([0.5])).requires_grad
