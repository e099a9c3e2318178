"""Convolutions and pooling of torchlogix as `lgnx.ops` operators.

torchlogix keeps, for every leaf of every tree and every position of the window, the coordinates of
the bit that it reads. Those at the first position are the wires of the window. That the other
positions read the same wires, shifted, is not taken for granted: the layer is run on the numbers
1, 2, 3, ... in place of bits, and every leaf must get the number that the operator would read. So
the attributes that are written are right also where a version, a subclass or an edited buffer
pads or shifts otherwise than usual.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.torchlogix_tables import packed_tables
from lgnx.netlist.windows import leaf_sources, window_sources
from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

    from lgnx.converters.torch_layers import Calls, Forward

__all__ = ["logic_conv", "or_pool"]

_CONNECTIONS = ("FixedConvConnections", "FixedConvTransposeConnections")
_AXES = {2: ("height", "width"), 3: ("depth", "height", "width")}


def logic_conv(layer: Any, calls: Calls) -> Forward:
    """A convolution with trees of truth tables, or a transposed one."""
    import torch

    from lgnx.converters.torch_layers import as_bits, refuse_numbers
    from lgnx.torch import logic_conv, logic_conv_transpose

    refuse_numbers(calls)
    _check_images(layer, calls)
    kinds = [cls.__name__ for cls in type(layer.connections).__mro__]
    transposed = _CONNECTIONS[1] in kinds
    if _CONNECTIONS[0] not in kinds:
        raise ModelError(f"its connections are {kinds[0]}, must be {_CONNECTIONS[0]}")
    kernel, d = [int(n) for n in layer.receptive_field_size], len(layer.in_dim)
    padded, leaves = _first_level(layer)
    strides, pads = [int(layer.stride)] * d, [int(layer.padding)] * (2 * d)
    added = [int(n) for n in layer.output_padding] if transposed else None
    if not transposed:
        pads = _pads(layer, padded, calls)
    wires = _wires(layer, kernel)
    sources = window_sources(
        layer.channels,
        [int(n) for n in layer.in_dim],
        kernel,
        strides,
        pads,
        output_padding=added,
        transpose=transposed,
    )
    expected = leaf_sources(wires, sources) + 1
    if not np.array_equal(expected.reshape(*wires.shape, -1), leaves):
        raise ModelError(
            "its leaves are not those of one window that slides over the padded image: the "
            "indices of its connections were changed"
        )
    device = layer.tree_weights[0].device
    indices = torch.from_numpy(wires).to(device)
    levels = [packed_tables(layer.parametrization, w, layer.lut_rank) for w in layer.tree_weights]
    tables, depth = torch.cat(levels, dim=1).contiguous(), len(levels)

    def forward(x: torch.Tensor) -> torch.Tensor:
        bits, ones = as_bits(x), [1] * d
        if transposed:
            y = logic_conv_transpose(
                bits, indices, tables, kernel, strides, pads, added, ones, depth
            )
        else:
            y = logic_conv(bits, indices, tables, kernel, strides, pads, ones, depth)
        return y.to(calls.output_dtype(x))

    return forward


def _check_images(layer: Any, calls: Calls) -> None:
    expected = [int(layer.channels), *(int(n) for n in layer.in_dim)]
    for _, shape in calls.outputs:
        if list(shape[1:]) != expected:
            raise ModelError(
                f"gets images of {list(shape[1:])}, must get {expected}, channels first: of a "
                "larger image, torchlogix reads one corner and leaves out the rest"
            )


def _wires(layer: Any, kernel: Sequence[int]) -> np.ndarray:
    """Bit of the window that each leaf reads, int32 [K, k^depth]."""
    levels, k = [level.cpu().numpy() for level in layer.connections.indices], layer.lut_rank
    for number, level in enumerate(levels[1:], start=1):
        children = np.arange(level.size).reshape(-1, k).T
        if not np.array_equal(level, children):
            raise ModelError(f"level {number} of its trees does not read its children in order")
    at = np.moveaxis(levels[0][:, :, 0], 0, 2)  # [K, S, k, d + 1], the channel last
    at = at.reshape(len(at), -1, at.shape[-1])
    limits = np.array([*kernel, layer.channels])
    if not ((at >= 0) & (at < limits)).all():
        raise ModelError(
            f"its connections read outside of the window of {list(kernel)} and "
            f"{layer.channels} channels"
        )
    *window, channel = np.moveaxis(at, -1, 0)
    return np.ravel_multi_index((channel, *window), (layer.channels, *kernel)).astype(np.int32)


class _StopError(Exception):
    """Ends a forward as soon as what is looked for has been seen."""


def _first_level(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Run a layer on 1, 2, 3, ..., and give what its connections get and what they pick.

    Returns
    -------
    tuple
        int64 [C, ...], and [K, k^depth, positions]; 0 is padding.
    """
    import torch

    shape = (1, layer.channels, *layer.in_dim)
    device = layer.tree_weights[0].device
    numbers = torch.arange(1, 1 + int(np.prod(shape)), dtype=torch.float64, device=device)
    seen: list[torch.Tensor] = []

    def stop(module: Any, args: tuple[torch.Tensor, Any], output: torch.Tensor) -> None:
        seen.extend((args[0][0], output[0]))
        raise _StopError

    handle = layer.connections.register_forward_hook(stop)
    try:
        type(layer).forward(layer, numbers.reshape(shape))
    except _StopError:
        pass
    finally:
        handle.remove()
    if not seen:
        raise ModelError("its forward does not call its connections")
    padded, picked = (value.cpu().numpy().astype(np.int64) for value in seen)
    k, kernels, positions, nodes = picked.shape
    return padded, picked.transpose(1, 3, 0, 2).reshape(kernels, nodes * k, positions)


def _pads(layer: Any, padded: np.ndarray, calls: Calls) -> list[int]:
    """Padding that the layer really puts in front of each axis, and what completes it behind."""
    corner = np.argwhere(padded[0] == 1)[0]
    begin = [int(n) for n in corner]
    wanted = int(layer.padding)
    missing = [name for name, n in zip(_AXES[len(begin)], begin, strict=True) if n != wanted]
    if missing:
        version = importlib.metadata.version("torchlogix")
        calls.warnings.append(
            f"torchlogix {version} does not pad its {' and '.join(missing)} by {wanted}, as later "
            "versions do; exported as it computes"
        )
    return begin + [2 * wanted - n for n in begin]


def or_pool(layer: Any, calls: Calls) -> Forward | None:
    """Pooling of bits by OR."""
    from lgnx.converters.torch_layers import as_bits
    from lgnx.torch import or_pool

    if calls.odd_value is not None:  # the maximum of other numbers is ordinary arithmetic
        return None
    d = next(len(shape) for _, shape in calls.outputs) - 2
    kernel = _along_axes(layer.kernel_size, d)
    strides = kernel if layer.stride is None else _along_axes(layer.stride, d)
    pads = _along_axes(layer.padding, d) * 2

    def forward(x: torch.Tensor) -> torch.Tensor:
        return or_pool(as_bits(x), kernel, strides, pads).to(calls.output_dtype(x))

    return forward


def _along_axes(value: Any, d: int) -> list[int]:
    entries = [int(n) for n in value] if isinstance(value, (tuple, list)) else [int(value)]
    return entries * d if len(entries) == 1 else entries
