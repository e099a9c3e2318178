"""Convolutions of the installed torchlogix from the tensors of a checkpoint."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.torchlogix_checkpoint_part import Made, Part

if TYPE_CHECKING:
    import torch

__all__ = ["logic_conv"]

_LARGEST = 1 << 30  # elements of an image, or of the indices
_DEPTH_PADDED = (0, 2, 2)  # the first version that pads depth


def logic_conv(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    """Make a convolution, transposed or not, whose images have the shape of ``x``."""
    import torchlogix.layers as tl

    d = x.ndim - 2
    if d not in (2, 3):
        raise part.error(f"gets samples of shape {list(x.shape[1:])}, must get [C, H, W] or 3-D")
    transposed = part.kind == "logic_conv_transpose"
    weights = _tree(part)
    k = part.k(_slots(part, len(weights)))
    entries = weights[0].shape[2]
    geometry = _geometry(part, d)
    channels, in_dim = x.shape[1], tuple(x.shape[2:])
    for name, given, got in (
        ("channels", part.get("channels", channels), channels),
        ("in_dim", tuple(part.get("in_dim", in_dim)), in_dim),
    ):
        if given != got:
            raise part.error(f"{name} in the checkpoint is {given}, but it gets {got}")
    for level, weight in enumerate(weights):
        wanted = [k ** (len(weights) - 1 - level), weights[0].shape[1], entries]
        if list(weight.shape) != wanted:
            raise part.error(
                f"'tree_weights.{level}' in the checkpoint is {list(weight.shape)}, must be "
                f"{wanted} for tables of {k} inputs and {len(weights)} levels"
            )
    if d == 3 and geometry["padding"] and not transposed:
        padded = made.since(_DEPTH_PADDED, part, "whether its depth is padded")
        if not padded:
            raise part.error(
                "torchlogix before 0.2.2 does not pad depth, and cannot run it", "padding"
            )
    _refuse_large(part, geometry, in_dim, channels, weights[0].shape[1], k ** len(weights))
    kind = f"LogicConv{'Transpose' if transposed else ''}{d}d"
    if not hasattr(tl, kind):
        version = importlib.metadata.version("torchlogix")
        raise part.error(f"torchlogix {version}, which is installed, has no {kind}")
    layer = getattr(tl, kind)(
        in_dim=in_dim,
        channels=channels,
        num_kernels=weights[0].shape[1],
        tree_depth=len(weights),
        lut_rank=k,
        **geometry,
        **part.parametrization(k, entries),
    )
    for parameter, weight in zip(layer.tree_weights, weights, strict=True):
        parameter.data = weight
    layer.connections.indices = _indices(part, layer, geometry)
    return layer


def _tree(part: Part) -> list[torch.Tensor]:
    """Weights of the levels of the trees, the leaves first."""
    levels = [name for name in part.tensors if name.startswith("tree_weights.")]
    return [part.tensor(f"tree_weights.{level}", 3) for level in range(max(1, len(levels)))]


def _slots(part: Part, depth: int) -> int | None:
    """Inputs of a table, as the indices have them."""
    if "connections._indices_L0" in part.tensors:
        return len(part.tensors["connections._indices_L0"])
    if depth > 1 and part.tensors["tree_weights.1"].ndim == 3:
        below, above = (part.tensors[f"tree_weights.{level}"] for level in (0, 1))
        return len(below) // max(1, len(above))
    return None


def _geometry(part: Part, d: int) -> dict[str, Any]:
    """Window, stride and padding as torchlogix takes them: one stride and padding for all axes."""

    def axes(name: str, default: int) -> tuple[int, ...]:
        value = part.get(name, default)
        entries = tuple(value) if isinstance(value, (tuple, list)) else (value,) * d
        if len(entries) != d:
            raise part.error(f"has {len(entries)} entries, must have {d}", name)
        return entries

    result: dict[str, Any] = {"receptive_field_size": axes("kernel_shape", 1)}
    for name, default in (("stride", 1), ("padding", 0)):
        entries = axes(name, default)
        if len(set(entries)) != 1:
            raise part.error(f"is {list(entries)}, must be one number in torchlogix", name)
        result[name] = entries[0]
    if part.kind == "logic_conv_transpose":
        result["output_padding"] = axes("output_padding", 0)
    return result


def _positions(geometry: Mapping[str, Any], in_dim: Sequence[int]) -> int:
    """How many places the window has; 0 where it does not fit."""
    stride, padding = geometry["stride"], geometry["padding"]
    places = 1
    for axis, (extent, window) in enumerate(
        zip(in_dim, geometry["receptive_field_size"], strict=True)
    ):
        if "output_padding" in geometry:
            added = geometry["output_padding"][axis]
            count = (extent - 1) * stride - 2 * padding + window + added
        else:
            count = (extent + 2 * padding - window) // stride + 1
        places *= max(0, count)
    return places


def _refuse_large(
    part: Part,
    geometry: Mapping[str, Any],
    in_dim: Sequence[int],
    channels: int,
    kernels: int,
    leaves: int,
) -> None:
    """Refuse what torchlogix would need very much memory or time for, or cannot build."""
    places = _positions(geometry, in_dim)
    if places == 0:
        raise part.error(f"its window does not fit into images of {list(in_dim)}", "kernel_shape")
    known = part.tensors.get("connections._indices_L0")
    if known is not None and known.ndim == 5 and known.shape[2] != places:
        raise part.error(
            f"its window has {places} places in images of {list(in_dim)}; in the checkpoint it has "
            f"{known.shape[2]}: kernel_shape, stride, padding or the shape of the input differ"
        )
    around = 2 * geometry["padding"] + geometry["stride"]
    image = channels * math.prod(extent + around for extent in in_dim)
    window = channels * math.prod(geometry["receptive_field_size"])
    indices = places * kernels * leaves * (len(in_dim) + 1)
    if max(image, window, indices, window * kernels // 16) > _LARGEST:
        raise part.error("is too large: its image or indices would have more than 2^30 elements")


def _indices(part: Part, layer: Any, geometry: Mapping[str, Any]) -> list[torch.Tensor]:
    """Coordinates that the leaves read, and children of the nodes, level by level."""
    import torch

    made = [level.clone() for level in layer.connections.indices]
    given = part.get("indices")
    if given is None and "connections._indices_L0" not in part.tensors:
        raise part.error(
            "the checkpoint has no 'connections._indices_L0' of it: torchlogix 0.1.1 leaves them "
            "out of state dicts. Save the whole module, or give them in the field indices"
        )
    if given is None:
        found = [
            part.tensor(f"connections._indices_L{level}", value.ndim, whole=True).to(torch.int64)
            for level, value in enumerate(made)
        ]
    else:
        found = [_coordinates(part, layer, geometry, given), *made[1:]]
    for level, (value, wanted) in enumerate(zip(found, made, strict=True)):
        if value.shape != wanted.shape:
            raise part.error(
                f"the indices of level {level} are {list(value.shape)}, must be "
                f"{list(wanted.shape)}"
            )
    return found


def _coordinates(
    part: Part, layer: Any, geometry: Mapping[str, Any], given: np.ndarray
) -> torch.Tensor:
    """Coordinates of torchlogix for the bits of a window [K, k^depth], channel first."""
    import torch

    window = geometry["receptive_field_size"]
    sizes = (layer.channels, *window)
    k, kernels, depth = layer.lut_rank, layer.num_kernels, layer.tree_depth
    if given.shape != (kernels, k**depth):
        raise part.error(
            f"is {list(given.shape)}, must be {[kernels, k**depth]}: for each kernel, k^depth "
            "bits of the window",
            "indices",
        )
    if given.max() >= math.prod(sizes):
        raise part.error(
            f"holds {given.max()}, the window has {math.prod(sizes)} bits (channel first)",
            "indices",
        )
    channel, *place = np.unravel_index(given, sizes)
    at = np.stack([*place, channel], -1).reshape(kernels, -1, k, len(sizes))
    leaves = torch.from_numpy(at).permute(2, 0, 1, 3).contiguous()
    return layer.connections._apply_sliding_window_tensor(leaves)
