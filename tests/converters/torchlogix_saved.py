"""Networks of torchlogix, saved as checkpoints with their specs, samples and scores.

Run as a script with two folders and a version, it saves those of the torchlogix that is on the
path in the first, reads what the version saved in the second, and prints what became of each as
JSON. The tests of the installed version and those of other versions both take the networks from
here.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from lgnx.converters.formats import read_model
from lgnx.ops.errors import ModelError
from lgnx.verify.reference import run_reference
from tests.converters.torchlogix_cases import conv, conv3d, dense, residual, tl, transposed
from tests.torch_translations import gather_once


def few(*args: Any, **kwargs: Any) -> nn.Module:
    return dense(*args, connections="learnable", connections_kwargs={"num_candidates": 3}, **kwargs)


def dense_network() -> nn.Module:
    thresholds = torch.linspace(0.1, 0.9, 24).reshape(8, 3)
    return nn.Sequential(
        tl.FixedBinarization(thresholds),
        nn.Flatten(),
        dense(24, 40),
        few(40, 60, parametrization="warp"),
        dense(60, 50, connections="learnable"),
        dense(50, 60, parametrization="light", lut_rank=4),
        dense(60, 40, parametrization="warp", lut_rank=6),
        tl.GroupSum(5, tau=3.3, beta=0.1),
    )


def image_network() -> nn.Module:
    return nn.Sequential(
        tl.LearnableBinarization(torch.tensor([0.3, 0.6]), feature_dim=1),
        conv(in_dim=(6, 8), channels=6, padding=1, parametrization="warp", lut_rank=4),
        tl.OrPooling2d((2, 2), 2, 1),
        conv(in_dim=(4, 5), channels=5, num_kernels=8, stride=2, receptive_field_size=(2, 3)),
        nn.Flatten(),
        dense(32, 40, parametrization="light"),
        tl.GroupSum(10, tau=3.0),
    )


def residual_network() -> nn.Module:
    return nn.Sequential(
        tl.SoftBinarization(torch.tensor([0.2, 0.7]), feature_dim=1),
        residual(parametrization="warp"),
        nn.Flatten(),
        dense(144, 100),
    )


def volume_network() -> nn.Module:
    pooled = [tl.OrPooling3d(2, 1), nn.Flatten(), dense(5 * 2, 20), tl.GroupSum(5)]
    return nn.Sequential(conv3d(), *pooled)


def wide_network() -> nn.Module:
    return nn.Sequential(transposed(stride=2, output_padding=1), tl.OrPooling2d(2, 2))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], bool]] = {
    "dense": (dense_network, (8,), False),
    "image": (image_network, (3, 6, 8), False),
    "residual": (residual_network, (2, 6, 6), False),
    "volume": (volume_network, (3, 4, 3, 5), True),
    "wide": (wide_network, (3, 4, 3), True),
}
"""Constructor, shape of a sample, and whether it is of bits, by name."""


def spec_of(module: nn.Sequential, shape: tuple[int, ...], version: str, folder: Path) -> Any:
    """Write down what a user would know of a network; indices that are in no state go to files."""
    layers = [entry_of(str(n), part, module.state_dict(), folder) for n, part in enumerate(module)]
    return {
        "producer": f"torchlogix {version}",
        "input": {"shape": list(shape)},
        "layers": [layer for layer in layers if layer],
    }


def entry_of(name: str, part: nn.Module, state: dict[str, Any], folder: Path) -> Any:
    kind = type(part).__name__
    fields: dict[str, Any] = {"state": name}
    if "Binarization" in kind:
        fields |= {"thresholds": "state", "feature_dim": part.feature_dim}
        if hasattr(part, "temperature_softplus"):
            fields["temperature_softplus"] = part.temperature_softplus
        return {"thermometer": fields}
    if kind == "Flatten":
        return "flatten"
    if kind == "GroupSum":
        return {"group_sum": {"groups": part.k, "tau": part.tau, "beta": part.beta}}
    if "OrPooling" in kind:
        sizes = {"kernel_shape": part.kernel_size, "stride": part.stride, "padding": part.padding}
        return {"or_pool": sizes}
    if kind == "ResidualLogicBlock":
        parts = [(n, p) for n, p in enumerate(part.main) if not isinstance(p, nn.Identity)]
        return {
            "residual": {
                "layers": [entry_of(f"{name}.main.{n}", p, state, folder) for n, p in parts]
            }
        }
    parametrization = type(part.parametrization).__name__.removesuffix("LUTParametrization")
    fields |= {"k": part.lut_rank, "parametrization": parametrization.lower()}
    saved = any(key.startswith(f"{name}.connections.") and "indices" in key for key in state)
    if not saved:
        fields["indices"] = f"{name}.npy"
        np.save(folder / fields["indices"], wires_of(part))
    if kind == "LogicDense":
        return {"logic_dense": fields}
    fields |= {"kernel_shape": list(part.receptive_field_size), "stride": part.stride}
    fields |= {"padding": part.padding}
    if "Transpose" in kind:
        return {"logic_conv_transpose": fields | {"output_padding": list(part.output_padding)}}
    return {"logic_conv": fields}


def wires_of(part: Any) -> np.ndarray:
    """Wires as a spec has them, [N, k], [C, k, N] or [K, leaves]."""
    indices = part.connections.indices
    if isinstance(indices, torch.Tensor):
        return indices.numpy() if indices.ndim == 3 else indices.numpy().T
    *place, number = np.moveaxis(indices[0].numpy()[:, :, 0], -1, 0)
    for extent, coordinate in zip(part.receptive_field_size, place, strict=True):
        number = number * extent + coordinate
    return number.transpose(1, 2, 0).reshape(number.shape[1], -1)


def samples(shape: tuple[int, ...], bits: bool) -> torch.Tensor:
    x = torch.cat([torch.rand(65, *shape), torch.zeros(1, *shape), torch.ones(1, *shape)])
    return x.round() if bits else x


def save(folder: Path, name: str, version: str) -> nn.Module:
    """Save a network whole, as a state dict and as a spec, with samples and their scores."""
    build, shape, bits = NETWORKS[name]
    torch.manual_seed(1)
    module = build().eval()
    folder.mkdir(parents=True, exist_ok=True)
    x = samples(shape, bits)
    with torch.no_grad():
        y = module(x)
    np.savez(folder / "scores.npz", x=x.numpy(), y=y.numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hooks of gradients are not saved
        torch.save(module, folder / "whole.pt")
    torch.save(module.state_dict(), folder / "state.pt")
    spec = spec_of(module, shape, version, folder)
    (folder / "spec.yaml").write_text(json.dumps(spec, indent=1))
    return module


def read(folder: Path, producer: str) -> str:
    """Compare a network that was saved, whole and with its spec, with the scores it had."""
    with np.load(folder / "scores.npz") as held:
        x, y = held["x"], held["y"]
    shape = ",".join(map(str, x.shape[1:]))
    for file, options in (
        ("whole.pt", {"producer": producer, "shape": shape}),
        ("state.pt", {"spec": folder / "spec.yaml"}),
    ):
        try:
            model = read_model(folder / file, "torchlogix", **options)
        except ModelError as error:
            return str(error).rpartition(": ")[2]
        bits = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.BOOL
        (got,) = run_reference(model, x > 0.5 if bits else x)
        if got.dtype != y.dtype or not np.array_equal(got, y):
            return f"{file} differs"
    return "same"


def main() -> None:
    folder, given, producer = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    gather_once(pytest.MonkeyPatch())
    for name in NETWORKS:
        if name != "wide" or hasattr(tl, "LogicConvTranspose2d"):
            save(folder / name, name, importlib.metadata.version("torchlogix"))
    json.dump({name: read(given / name, producer) for name in NETWORKS}, sys.stdout)


if __name__ == "__main__":
    main()
