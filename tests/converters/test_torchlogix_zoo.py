"""Networks of torchlogix.models, and small trained ones: their files give torch's scores.

Each is exported with random gates and run by the lgnx kernels.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torchlogix.layers as tl
import torchlogix.models as zoo
from torch import nn
from torchlogix.models.nn import RandomlyConnectedNN

import lgnx
from lgnx.converters.torch_export import export
from lgnx.verify.digits import load_digits
from tests.converters.torchlogix_cases import conv, dense, residual

QUICK = ("ClgnMnistTiny", "CNN", "DlgnJscDwnMediumRank6Bits2", "DlgnMnistTiny")
NETWORKS = {
    name: kind
    for name, kind in vars(zoo).items()
    if inspect.isclass(kind) and kind.__module__.startswith("torchlogix.models.")
}
# What torchlogix says of the classes that it cannot build or run, whatever it is given: bases
# without sizes, encodings that it no longer has, layers too narrow for their inputs, and layers
# that the scores do not divide.
CANNOT_RUN = (
    r"requires None-bit thresholds|'>=' not supported between|must be divisible by k|"
    r"Unsupported binarization method: (uniform|distributive)|Need out_dim \* lut_rank >= in_dim"
)


def build(kind: type[nn.Module]) -> tuple[nn.Module, tuple[int, ...]]:
    """Make a network, and say what shape one sample has."""
    name = kind.__name__
    rank = int((re.search(r"Rank(\d)", name) or "02")[1])
    options: dict[str, Any] = {"parametrization_kwargs": {"weight_init": "random"}}
    options |= {"lut_rank": rank, "parametrization": "raw" if rank == 2 else "warp"}
    if name == "CNN":
        return kind(class_count=10, tau=3.0, **options), (1, 28, 28)
    bits = getattr(kind, "n_input_bits", None) or 1
    options |= {"thresholds": torch.arange(1, bits + 1) / (bits + 1), "binarization": "fixed"}
    options |= {"binarization_kwargs": {}}
    if "ClgnCifar10" in name:
        return kind(connections_kwargs={}, **options), (3, 32, 32)
    if "Clgn" in name:
        return kind(**options), (1, 28, 28)
    jsc = "Jsc" in name
    # Of the wide networks, to learn among all wires would take gigabytes.
    options |= {"connections_kwargs": {"num_candidates": -1 if jsc else 2}}
    widths = [16_000] if "Dwn" in name else 2_000
    sizes = {"in_dim": 784, "n_layers": 2, "neurons_per_layer": widths, "class_count": 10}
    asked = inspect.signature(kind.__init__).parameters
    options |= {key: value for key, value in (sizes | {"tau": 3.0}).items() if key in asked}
    shape = (3, 32, 32) if "Cifar10" in name else (16,) if jsc else (784,)
    return kind(**options), shape


def assert_same(model: Any, module: nn.Module, x: torch.Tensor) -> None:
    """Compare the model, run by the kernels of its layers, with torch to the last bit."""
    with torch.no_grad():
        # One by one: torch takes a gigabyte for each image of the largest networks.
        expected = torch.cat([module.eval()(row) for row in x.split(1)]).numpy()
    session = lgnx.InferenceSession(model, fuse=False)
    fed = x.bool() if session.get_inputs()[0].type == "tensor(bool)" else x
    (scores,) = session.run(None, {"x": fed.numpy()})
    assert scores.dtype == expected.dtype
    np.testing.assert_array_equal(scores, expected)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in NETWORKS]
)
def test_a_network_gives_torchs_scores(name: str) -> None:
    torch.manual_seed(0)
    numbers = "Clgn" not in name or "Cifar" in name  # those for MNIST take images of bits
    try:
        module, shape = build(NETWORKS[name])
        x = torch.rand(1, *shape)
        x = x if numbers and name != "CNN" else x.round()
        module.eval()(x)
    except (AssertionError, TypeError, ValueError) as error:
        if not re.search(CANNOT_RUN, str(error)):
            raise
        pytest.skip(f"torchlogix cannot run it: {error}")
    model = export(module, x)
    layers = (tl.LogicConv2d, tl.LogicDense, tl.OrPooling2d, tl.GroupSum, tl.FixedBinarization)
    ops = [node.op_type for node in model.graph.node if node.domain]
    assert len(ops) == sum(isinstance(part, layers) for part in module.modules())
    assert not {"Cast", "Greater"} & {node.op_type for node in model.graph.node}
    constants = sum(onnx.numpy_helper.to_array(t).nbytes for t in model.graph.initializer)
    assert model.ByteSize() < constants + 1000 * len(model.graph.node)
    assert_same(model, module, torch.cat([x, torch.zeros(1, *shape), torch.ones(1, *shape)]))


def test_the_network_of_random_wires_gives_torchs_scores() -> None:
    options = {"parametrization_kwargs": {"weight_init": "random"}}
    module = RandomlyConnectedNN(in_dim=64, k=200, layers=3, class_count=10, tau=2.0, **options)
    x = torch.ones(65, 8, 8).bernoulli(0.5)
    assert_same(export(module, x), module, x)


def convolutional() -> nn.Module:
    """Thermometer, convolutions with and without residual, pooling, dense layers, scores."""
    return nn.Sequential(
        tl.LearnableBinarization(torch.tensor([0.3, 0.6]), feature_dim=1),
        conv(in_dim=8, channels=2, num_kernels=16, padding=1, parametrization="warp"),
        tl.OrPooling2d(2, 2, 1),
        conv(in_dim=5, channels=16, num_kernels=32, tree_depth=2, parametrization="light"),
        nn.Flatten(),
        dense(288, 600, parametrization="warp", init="residual"),
        dense(
            600,
            300,
            parametrization="warp",
            init="residual",
            connections="learnable",
            connections_kwargs={"num_candidates": 8},
        ),
        tl.GroupSum(10, tau=4.0),
    )


def with_residual() -> nn.Module:
    return nn.Sequential(
        tl.SoftBinarization(torch.tensor([0.2, 0.4, 0.6, 0.8]), feature_dim=1),
        tl.OrPooling2d(3, 1),
        residual(parametrization="warp"),
        nn.Flatten(),
        dense(144, 600, parametrization="warp", init="residual"),
        tl.GroupSum(10, tau=4.0),
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [convolutional, with_residual])
def test_a_network_trained_on_digits_gives_torchs_scores(make: Any) -> None:
    torch.manual_seed(0)
    images, labels, unseen, classes = load_digits()
    x, y = torch.from_numpy(images).reshape(-1, 1, 8, 8), torch.from_numpy(labels)
    module = make()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(300):
        rows = torch.randint(0, len(x), (64,))
        loss = nn.functional.cross_entropy(module(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    test = torch.from_numpy(unseen).reshape(-1, 1, 8, 8)
    module.eval()
    with torch.no_grad():
        right = (module(test).argmax(1).numpy() == classes).mean()
    assert right > 0.3, "so that these are trained weights"
    model = export(module, x[:2], self_contained=True)
    assert_same(model, module, test)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    with torch.no_grad():
        expected = module(test[:65]).numpy()
    (scores,) = session.run(None, {"x": test[:65].numpy()})
    np.testing.assert_array_equal(scores, expected)
