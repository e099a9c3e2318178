"""Layers of the installed torchlogix from the tensors and numbers of a checkpoint.

The layers are real ones, made by their constructors and given the tensors. So what they compute is
what torchlogix computes, and their export is that of a live module. What versions of torchlogix do
differently is decided by the version that made the checkpoint, not by the one that is installed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.torch_failures import first_line
from lgnx.converters.torchlogix import import_torchlogix
from lgnx.converters.torchlogix_checkpoint_conv import logic_conv
from lgnx.converters.torchlogix_checkpoint_dense import logic_dense
from lgnx.converters.torchlogix_checkpoint_part import Made, Part
from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["build"]

_SOFTPLUS = (0, 2, 2)  # the first version that evaluates with the thresholds that it trains with


def build(parts: Sequence[Part], x: torch.Tensor, made: Made) -> torch.nn.Module:
    """Make a module of layers in their order.

    Parameters
    ----------
    x
        A sample, on which each layer is run; its shape gives the sizes that the checkpoint lacks.

    Raises
    ------
    ModelError
        If a layer is not what torchlogix can build and run; its place is named.
    """
    import torch

    import_torchlogix()
    layers = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for part in parts:
            layer = _made(part, x, made).eval()
            x = _run(part, layer, x)
            layers.append(layer)
    return torch.nn.Sequential(*layers).eval()


def _made(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    try:
        return _BUILDERS[part.kind](part, x, made)
    except ModelError:
        raise
    except Exception as error:
        raise part.error(f"torchlogix cannot build it: {first_line(error)}") from None


def _run(part: Part, layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    try:
        return layer(x)
    except Exception as error:
        raise part.error(
            f"does not take samples of shape {list(x.shape[1:])}: {first_line(error)}"
        ) from None


# --------------------------------------------------------------------------- thresholds and sums


def _thermometer(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    import torch
    from torchlogix.layers import FixedBinarization

    if part.get("strict") is False:
        raise part.error("is false, must be true: torchlogix compares with x > t", "strict")
    given = part.get("thresholds")
    if isinstance(given, np.ndarray):
        kind = torch.float64 if x.dtype == torch.float64 else torch.float32
        thresholds = torch.from_numpy(given).to(kind)
    elif "raw_diffs" in part.tensors:
        thresholds = _learned(part, made)
    else:
        thresholds = part.tensor("thresholds", _axes(part, "thresholds"))
    return FixedBinarization(thresholds, feature_dim=part.get("feature_dim", -2))


def _axes(part: Part, name: str) -> int:
    """Axes of a tensor of thresholds, of which there may be one for each axis of a sample."""
    value = part.tensors.get(name)
    return 1 if value is None else max(1, min(value.ndim, 4))


def _learned(part: Part, made: Made) -> torch.Tensor:
    from torchlogix.layers import LearnableBinarization

    diffs = part.tensor("raw_diffs", _axes(part, "raw_diffs"))
    if diffs.shape[-1] == 1:
        return diffs
    if not made.since(_SOFTPLUS, part, "what its learned thresholds are"):
        version = ".".join(map(str, made.version or ()))
        warnings.warn(
            f"{part.place}: in torchlogix {version}, its thresholds in evaluation differ from "
            "those it was trained with; exported as it evaluates",
            stacklevel=2,
        )
        return diffs.cumsum(-1)
    layer = LearnableBinarization(
        diffs.clone(), temperature_softplus=part.get("temperature_softplus", 0.1)
    )
    layer.raw_diffs.data = diffs
    layer.train()  # every version trains with the thresholds that later ones evaluate with, too
    return layer.get_thresholds().detach()


def _group_sum(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    from torchlogix.layers import GroupSum

    if part.get("permutation") is not None:
        raise part.error("torchlogix does not permute the bits", "permutation")
    groups = part.fields["groups"]
    if x.shape[-1] % groups:
        raise part.error(f"is {groups}, which does not divide its {x.shape[-1]} bits", "groups")
    return GroupSum(groups, part.get("tau", 1.0), part.get("beta", 0.0))


# --------------------------------------------------------------------------- what is between


def _or_pool(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    import torchlogix.layers as tl

    d = x.ndim - 2
    if d not in (2, 3):
        raise part.error(f"gets samples of shape {list(x.shape[1:])}, must get [C, H, W] or 3-D")
    kernel = part.fields["kernel_shape"]
    for name in ("kernel_shape", "stride", "padding"):
        value = part.get(name)
        if isinstance(value, tuple) and len(value) != d:
            raise part.error(f"has {len(value)} entries, must have {d}", name)
    pool = tl.OrPooling2d if d == 2 else tl.OrPooling3d
    return pool(kernel, part.get("stride", kernel), part.get("padding", 0))


def _flatten(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    import torch

    return torch.nn.Flatten(part.get("start_dim", 1), part.get("end_dim", -1))


def _residual(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    import torch
    from torchlogix.modules.resblock import ResidualLogicBlock

    inner = build(part.parts, x, made)
    y = _run(part, inner, x)
    if y.shape != x.shape:
        raise part.error(
            f"its layers make {list(y.shape[1:])} of {list(x.shape[1:])}, must keep the shape"
        )
    block = ResidualLogicBlock.__new__(ResidualLogicBlock)  # its constructor makes other layers
    torch.nn.Module.__init__(block)
    block.main, block.shortcut = inner, torch.nn.Identity()
    return block


def _module(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    return part.module


_BUILDERS: dict[str, Callable[[Part, Any, Made], Any]] = {
    "thermometer": _thermometer,
    "logic_dense": logic_dense,
    "logic_conv": logic_conv,
    "logic_conv_transpose": logic_conv,
    "or_pool": _or_pool,
    "flatten": _flatten,
    "residual": _residual,
    "group_sum": _group_sum,
    "module": _module,
}
