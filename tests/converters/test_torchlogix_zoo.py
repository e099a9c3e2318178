"""Networks of torchlogix.models, and small trained ones: their files give torch's scores.

One of each kind is exported with random gates and run by the lgnx kernels. The others differ from
these in depth, width and thresholds only: of them, the layers are compared with their operators.
"""

from __future__ import annotations

import inspect
import math
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
from lgnx.converters.torch_layers import find_layers, patched, watched
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

# One of each kind, and the deepest one.
EXPORTED = """
    CNN ClgnCifar10Small ClgnMnistMedium ClgnMnistTiny Dlgn DlgnCifar10Deep20 DlgnCifar10DwnRank2
    DlgnCifar10DwnRank2Learn2 DlgnCifar10DwnRank6 DlgnCifar10Medium DlgnCifar10SmallRank4
    DlgnCifar10SmallRank6 DlgnFashionMnistDwnRank2 DlgnFashionMnistDwnRank2Learn2
    DlgnFashionMnistDwnRank6 DlgnFashionMnistDwnRank6Learn2 DlgnJscDwnLargeRank6Learn0
    DlgnJscDwnMediumRank2Bits2 DlgnJscDwnMediumRank4Bits2 DlgnJscDwnMediumRank6Bits2
    DlgnJscDwnMediumRank6Learn1 DlgnJscMediumRank6 DlgnJscSmall DlgnJscSmall10Bits
    DlgnJscSmall100BitsRank4 DlgnJscSmall10BitsRank6 DlgnJscSmallRank4 DlgnMnistSmallLearn1
    DlgnMnistSmallRank4 DlgnMnistSmallRank4Learn1 DlgnMnistSmallRank6 DlgnMnistSmallRank6Learn1
    DlgnMnistTiny
""".split()
AS_WIDE_AS_IT_IS = (
    "ClgnCifar10Small",
    "ClgnMnistMedium",
    "DlgnCifar10Medium",
    "DlgnJscMediumRank6",
)
GATES, KERNELS = 500, 16  # of the others


class NarrowDense(zoo.Dlgn):
    """What a narrower network of a class has for base."""

    def __init__(self, *, neurons_per_layer: Any, n_layers: int, **options: Any) -> None:
        widths = np.broadcast_to(neurons_per_layer, n_layers).tolist()
        inputs = options["in_dim"]
        for number, width in enumerate(widths):
            # torchlogix wants that every input can be read; the scores divide the last layer.
            needed = 10 * math.ceil(inputs / options["lut_rank"] / 10)
            inputs = widths[number] = min(width, max(GATES, needed))
        super().__init__(neurons_per_layer=widths, n_layers=n_layers, **options)


class NarrowConvolutional(zoo.ClgnMnist):
    """What a narrower network of a class has for base."""

    def __init__(self, *, k_num: int, **options: Any) -> None:
        super().__init__(k_num=min(k_num, KERNELS), **options)


def narrowed(kind: type[nn.Module]) -> type[nn.Module]:
    """Give a class whose networks are those of another, but narrower."""
    for base, narrow in ((zoo.Dlgn, NarrowDense), (zoo.ClgnMnist, NarrowConvolutional)):
        if issubclass(kind, base) and kind is not base:
            return type(kind.__name__, (kind, narrow), {})
    if getattr(kind, "k_num", None):
        return type(kind.__name__, (kind,), {"k_num": min(kind.k_num, KERNELS)})
    return kind


def build(kind: type[nn.Module]) -> tuple[nn.Module, tuple[int, ...]]:
    """Make a network, and say what shape one sample has."""
    name = kind.__name__
    if name not in AS_WIDE_AS_IT_IS:
        kind = narrowed(kind)
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
        expected = module.eval()(x).numpy()
    session = lgnx.InferenceSession(model, fuse=False)
    fed = x.bool() if session.get_inputs()[0].type == "tensor(bool)" else x
    (scores,) = session.run(None, {"x": fed.numpy()})
    assert scores.dtype == expected.dtype
    np.testing.assert_array_equal(scores, expected)


def network_and_sample(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    numbers = "Clgn" not in name or "Cifar" in name  # those for MNIST take images of bits
    try:
        module, shape = build(NETWORKS[name])
        x = torch.rand(1, *shape)
        x = torch.cat([x if numbers and name != "CNN" else x.round(), torch.zeros(1, *shape)])
        x = torch.cat([x, torch.ones(1, *shape)])
        module.eval()(x)
    except (AssertionError, TypeError, ValueError) as error:
        if name in EXPORTED or not re.search(CANNOT_RUN, str(error)):
            raise
        pytest.skip(f"torchlogix cannot run it: {error}")
    return module, x


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in EXPORTED]
)
def test_a_network_gives_torchs_scores(name: str) -> None:
    module, x = network_and_sample(name)
    model = export(module, x[:1])
    layers = (tl.LogicConv2d, tl.LogicDense, tl.OrPooling2d, tl.GroupSum, tl.FixedBinarization)
    ops = [node.op_type for node in model.graph.node if node.domain]
    assert len(ops) == sum(isinstance(part, layers) for part in module.modules())
    assert not {"Cast", "Greater"} & {node.op_type for node in model.graph.node}
    constants = sum(onnx.numpy_helper.to_array(t).nbytes for t in model.graph.initializer)
    assert model.ByteSize() < constants + 1000 * len(model.graph.node)
    assert_same(model, module, x)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in EXPORTED])
def test_networks_of_other_sizes_compute_as_their_operators(name: str) -> None:
    module, x = network_and_sample(name)
    found = find_layers(module)
    with torch.no_grad(), watched(found) as calls:
        expected = module(x)
    forwards = {layer.module: layer.forward(calls[layer.name]) for layer in found}
    assert None not in forwards.values()
    with torch.no_grad(), patched(forwards):
        assert torch.equal(module(x), expected)


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
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(60):
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
