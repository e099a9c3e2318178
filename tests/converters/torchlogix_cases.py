"""Layers and models of torchlogix with all their options, and the check of each.

Run as a script, it checks all of them with the torchlogix that is on the path and prints what
became of each as JSON: "same", "cannot be built", "cannot run", or what is wrong. The tests of the
installed version and those of other versions both take the cases from here.
"""

from __future__ import annotations

import itertools
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lgnx.converters.torch_export import export
from lgnx.converters.torch_layers import evaluating, find_layers, patched, watched
from lgnx.converters.torchlogix import import_torchlogix
from lgnx.verify.reference import run_reference
from tests.torch_translations import gather_once

import_torchlogix()
import torchlogix.layers as tl  # noqa: E402
from torchlogix.modules.resblock import ResidualLogicBlock  # noqa: E402

Build = Callable[[], nn.Module]

THRESHOLDS = {
    "global": [0.3, 0.6],
    "feature": [[[0.05 * (w + h), 0.7] for w in range(8)] for h in range(6)],
    "channel": [[0.2, 0.5], [0.1, 0.9], [0.3, 0.4]],
}

PARAMETRIZATIONS = [("raw", 2), ("warp", 1), ("warp", 2), ("warp", 4), ("warp", 6)]
PARAMETRIZATIONS += [("light", 2), ("light", 4), ("light", 6)]


def binarization(kind: str, per: str, feature_dim: int) -> nn.Module:
    thresholds = torch.tensor(THRESHOLDS[per])
    return getattr(tl, f"{kind}Binarization")(thresholds, feature_dim=feature_dim)


def dense(*args: Any, init: str = "random", **kwargs: Any) -> nn.Module:
    return _shifted(tl.LogicDense(*args, parametrization_kwargs={"weight_init": init}, **kwargs))


def _shifted(layer: nn.Module) -> nn.Module:
    """Give light weights both signs, which at the start they do not have."""
    if type(layer.parametrization).__name__ == "LightLUTParametrization":
        with torch.no_grad():
            for weight in layer.parameters():
                weight -= 0.5
    return layer


def conv(kind: str = "LogicConv2d", **kwargs: Any) -> nn.Module:
    options = {"parametrization_kwargs": {"weight_init": "random"}, "tree_depth": 2}
    options |= {"channels": 3, "num_kernels": 5, "receptive_field_size": 3, "in_dim": (5, 7)}
    return _shifted(getattr(tl, kind)(**(options | kwargs)))


def conv3d(kind: str = "LogicConv3d", **kwargs: Any) -> nn.Module:
    return conv(kind, **({"in_dim": (4, 3, 5), "receptive_field_size": (3, 2, 3)} | kwargs))


def transposed(**kwargs: Any) -> nn.Module:
    return conv("LogicConvTranspose2d", **({"in_dim": (4, 3)} | kwargs))


def transposed3d(**kwargs: Any) -> nn.Module:
    options = {"in_dim": (2, 3, 2), "receptive_field_size": 2}
    return conv("LogicConvTranspose3d", **(options | kwargs))


def depth_unpadded() -> nn.Module:
    """A padded convolution whose leaves read the front of the window only.

    Of the convolutions that do not pad depth, these are the ones that run.
    """
    layer = conv3d(padding=1, in_dim=4, receptive_field_size=3)
    index = layer.connections.indices[0]
    index[..., 0] -= index[:, :, :1, :, 0].clone()
    return layer


def grouped() -> nn.Module:
    """Kernel n reads channels n and n + 1, which torchlogix does not set up in three dimensions."""
    layer = conv3d(channels=6)
    index = layer.connections.indices[0]
    first = torch.arange(layer.num_kernels).reshape(1, -1, 1, 1)
    index[..., -1] = first + index[..., -1] % 2
    return layer


def layers() -> Iterator[tuple[str, Build, tuple[int, ...]]]:
    """Name, constructor and shape of one sample, for each layer."""
    for kind, per, axis in itertools.product(
        ("Fixed", "Soft", "Learnable"), THRESHOLDS, (1, 2, 3, -2)
    ):
        build = lambda k=kind, p=per, a=axis: binarization(k, p, a)  # noqa: E731
        yield f"{kind} {per} {axis}", build, (3, 6, 8)

    for (name, k), depth in itertools.product(PARAMETRIZATIONS, (1, 2, 3)):
        options = {"parametrization": name, "lut_rank": k}
        if depth == 1:
            yield f"dense {name} {k}", lambda o=options: dense(16, 40, **o), (16,)
        if k**depth > 64:
            continue
        o = options | {"tree_depth": depth}
        yield f"conv2d {name} {k} depth {depth}", lambda o=o: conv(**o), (3, 5, 7)
        if depth == 2 and k < 6:
            yield f"conv3d {name} {k}", lambda o=o: conv3d(**o), (3, 4, 3, 5)
            yield f"transposed {name} {k}", lambda o=o: transposed(stride=2, **o), (3, 4, 3)

    learnable = {"connections": "learnable"}
    few = {"num_candidates": 4}
    unique = {"init_method": "random-unique"}
    for name, o in {
        "fixed unique": {"connections_kwargs": unique},
        "learnable": learnable,
        "learnable few": learnable | {"connections_kwargs": few},
        "learnable unique": learnable | {"connections_kwargs": few | unique},
        "learnable with noise": learnable | {"connections_kwargs": {"gumbel": True}},
        "grad factor": {"grad_factor": 2.0},
        "as initialised": {"init": "residual"},
        "catalog": {"init": "residual-catalog", "parametrization": "warp"},
    }.items():
        yield f"dense {name}", lambda o=o: dense(40, 60, **o), (40,)

    materialized = {"weight_init": "random", "materialize_basis": True}
    for name, o in {
        "stride": {"stride": 2},
        "stride 3": {"stride": 3, "padding": 1},
        "padding": {"padding": 1},
        "wide padding": {"padding": 4},
        "window": {"receptive_field_size": (2, 3), "padding": 1, "stride": 2},
        "window of the image": {"receptive_field_size": (5, 7)},
        "one bit window": {"receptive_field_size": 1},
        "unique": {"connections_kwargs": unique},
        "groups": {"channels": 6, "connections_kwargs": {"channel_group_size": 2}},
        "unique groups": {"channels": 6, "connections_kwargs": unique | {"channel_group_size": 2}},
        "basis": {"parametrization_kwargs": materialized},
        "warp basis": {"parametrization_kwargs": materialized, "parametrization": "warp"},
        "as initialised": {"parametrization_kwargs": {}},
        "grad factor": {"grad_factor": 2.0},
        "one kernel": {"num_kernels": 1, "channels": 1},
    }.items():
        yield f"conv2d {name}", lambda o=o: conv(**o), (o.get("channels", 3), 5, 7)
    for name, o in {
        "stride": {"stride": 2},
        "padding": {"padding": 1},
        "unique": {"connections_kwargs": unique},
    }.items():
        yield f"conv3d {name}", lambda o=o: conv3d(**o), (3, 4, 3, 5)
    yield "conv3d unpadded depth", depth_unpadded, (3, 4, 4, 4)
    yield "conv3d groups", grouped, (6, 4, 3, 5)

    for stride, padding, added in [(1, 0, 0), (1, 2, 0), (2, 0, 1), (2, 1, 0), (3, 2, 2)]:
        o = {"stride": stride, "padding": padding, "output_padding": added}
        yield f"transposed {stride} {padding} {added}", lambda o=o: transposed(**o), (3, 4, 3)
    one_axis = {"stride": 2, "output_padding": (1, 0)}
    yield "transposed added on one axis", lambda: transposed(**one_axis), (3, 4, 3)
    yield "transposed 3d", transposed3d, (3, 2, 3, 2)
    yield "transposed 3d stride", lambda: transposed3d(stride=2, output_padding=1), (3, 2, 3, 2)
    yield "transposed window", lambda: transposed(receptive_field_size=(3, 2)), (3, 4, 3)

    for kernel, stride, padding in [(2, 2, 0), (3, 1, 1), ((2, 3), (1, 2), (1, 0)), (3, None, 1)]:
        name = f"{kernel} {stride} {padding}"
        o = {"kernel_size": kernel, "stride": stride, "padding": padding}
        yield f"pool2d {name}", lambda o=o: tl.OrPooling2d(**o), (3, 5, 7)
        if not isinstance(kernel, tuple):
            yield f"pool3d {name}", lambda o=o: tl.OrPooling3d(**o), (3, 4, 3, 5)

    yield "residual block", lambda: residual(), (4, 6, 6)
    yield "residual block warp", lambda: residual(parametrization="warp", lut_rank=4), (4, 6, 6)
    for tau, beta in [(1.0, 0.0), (3.3, 0.1), (7, -2)]:
        yield f"group sum {tau} {beta}", lambda t=tau, b=beta: tl.GroupSum(5, t, b), (40,)


def residual(**options: Any) -> nn.Module:
    random = {"parametrization_kwargs": {"weight_init": "random"}}
    return ResidualLogicBlock(in_dim=6, in_channels=4, out_channels=4, **random, **options)


class Skips(nn.Module):
    """Two paths of pooled convolutions, joined along the channels, with residuals of two kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.bits = tl.FixedBinarization(torch.tensor([0.3, 0.6]), feature_dim=1)
        self.one = conv(in_dim=6, channels=4, num_kernels=4, padding=1)
        self.two = conv(in_dim=6, channels=4, num_kernels=4, padding=1, lut_rank=2)
        self.block = residual()
        self.pool = tl.OrPooling2d(2, 2)
        self.head = nn.Sequential(nn.Flatten(), dense(72, 100), tl.GroupSum(10, tau=3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bits = self.bits(x)
        one = torch.maximum(self.one(bits), bits)
        two = 1 - self.two(self.block(bits))
        joined = torch.cat([self.pool(one), nn.functional.max_pool2d(two, 2)], dim=1)
        return self.head(joined.permute(0, 2, 3, 1))


def small(binarization: nn.Module | None, channels: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Identity() if binarization is None else binarization,
        conv(in_dim=(6, 8), channels=channels, padding=1),
        tl.OrPooling2d(2, 2),
        nn.Flatten(),
        dense(60, 40, parametrization="warp"),
        tl.GroupSum(10, tau=3.0),
    )


def exporting(module: nn.Module) -> nn.Module:
    from torchlogix.utils import set_export_mode

    set_export_mode(module)
    return module


TAIL = "LogicConv OrPool Reshape LogicDense GroupSum"


def models() -> Iterator[tuple[str, Build, torch.Tensor, str]]:
    """Name, constructor, sample, and the operators of the exported graph, for each model."""
    for kind, per in [("Fixed", "channel"), ("Soft", "global"), ("Learnable", "feature")]:
        yield (
            f"{kind} {per}",
            lambda k=kind, p=per: small(binarization(k, p, 1), 6),
            torch.rand(2, 3, 6, 8),
            f"Thermometer Transpose Reshape {TAIL}",
        )
    image = torch.zeros(2, 3, 6, 8)
    yield "Dummy", lambda: small(tl.DummyBinarization()), image, TAIL
    yield "no binarization", lambda: small(None), image, TAIL
    yield "export mode", lambda: exporting(small(None)), image.bool(), TAIL
    volume = [conv3d(), tl.OrPooling3d(2, 1), nn.Flatten(), dense(5 * 2, 20), tl.GroupSum(5)]
    yield "3d", lambda: nn.Sequential(*volume), torch.zeros(2, 3, 4, 3, 5), TAIL
    spread = lambda: nn.Sequential(transposed(stride=2), tl.OrPooling2d(2, 2))  # noqa: E731
    yield "transposed", spread, torch.zeros(2, 3, 4, 3), "LogicConvTranspose OrPool Cast"
    yield "residual", lambda: residual(), torch.zeros(2, 4, 6, 6), "LogicConv LogicConv Or Cast"
    yield (
        "skips",
        Skips,
        torch.rand(2, 2, 6, 6),
        "Thermometer Transpose Reshape LogicConv Or LogicConv LogicConv Or LogicConv Not OrPool "
        "OrPool Concat Transpose Reshape LogicDense GroupSum",
    )


def bits(*shape: int) -> list[torch.Tensor]:
    """Corner batches of random bits, and all zeros, all ones, one hot."""
    size = int(np.prod(shape))
    batches = [torch.randint(0, 2, (n, *shape)) for n in (0, 1, 63, 64, 65)]
    batches += [torch.zeros(3, *shape), torch.ones(3, *shape), torch.eye(size).view(-1, *shape)]
    return [batch.float() for batch in batches]


def check_layer(build: Build, shape: tuple[int, ...]) -> str:
    """Compare a layer with its replacement by operators, without the export."""
    torch.manual_seed(0)
    try:
        module = build()
    except (AssertionError, AttributeError, TypeError, ValueError):
        return "cannot be built"
    found = find_layers(module)
    with evaluating(module):
        inputs = bits(*shape)
        if isinstance(module, tl.Binarization):
            inputs += [torch.rand(65, *shape), torch.randn(65, *shape)]
        try:
            with watched(found) as calls:
                for x in inputs:
                    module(x)
        except (IndexError, RuntimeError):
            return "cannot run"
        forwards = {layer.module: layer.forward(calls[layer.name]) for layer in found}
        if None in forwards.values():
            return "is left to torch"
        for part in module.modules():  # of noise, only the absence can be compared
            if hasattr(part, "gumbel"):
                part.gumbel = False
        expected = [module(x) for x in inputs]
        with patched(forwards):
            got = [module(x) for x in inputs]
    for x, y, z in zip(inputs, expected, got, strict=True):
        if y.dtype != z.dtype or not torch.equal(y, z):
            return f"differs on a batch of {len(x)}"
    return "; ".join(["same", *(text for note in calls.values() for text in note.warnings)])


def check_model(build: Build, sample: torch.Tensor, ops: str) -> str:
    """Compare a module with its exported model, evaluated by the numpy references."""
    torch.manual_seed(0)
    try:
        module = build()
    except (AssertionError, AttributeError, ImportError, TypeError, ValueError):
        return "cannot be built"
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model = export(module, sample)
    found = " ".join(node.op_type for node in model.graph.node)
    if found != ops:
        return f"is exported as {found}"
    only_bits = sample.dtype == torch.bool or not sample.any()
    inputs = [x for x in bits(*sample.shape[1:]) if len(x) in (0, 1, 3, 65)]
    if not only_bits:
        inputs += [torch.rand(65, *sample.shape[1:])]
    for part in module.modules():  # evaluation takes numbers, export mode does not
        if hasattr(part, "export_mode"):
            part.export_mode = False
    for x in inputs:
        with torch.no_grad():
            y = module.eval()(x)
        (z,) = run_reference(model, (x.bool() if only_bits else x).numpy())
        if z.dtype != y.numpy().dtype or not np.array_equal(z, y.numpy()):
            return f"differs on a batch of {len(x)}"
    return "; ".join(["same", *(str(warning.message) for warning in heard)])


def main() -> None:
    gather_once(pytest.MonkeyPatch())
    results = {name: check_layer(*case) for name, *case in layers()}
    results |= {f"model {name}": check_model(*case) for name, *case in models()}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
