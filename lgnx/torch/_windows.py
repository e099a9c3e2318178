"""Windows that slide over the spatial axes, and trees of truth tables in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lgnx.ops._tree import fan_in
from lgnx.ops._windows import span
from lgnx.torch._checks import check_call
from lgnx.torch._lookup import chunks, look_up
from lgnx.torch._module import ExactModule, as_indices, as_tensor

__all__ = ["SlidingTrees", "padded", "slide_trees", "windows"]


class SlidingTrees(ExactModule):
    """The base of the convolutions: trees, and the attributes of their windows.

    Parameters
    ----------
    operator
        Name of the operator.
    indices, tables
        As of LogicConv, tensors or arrays.
    attributes
        All attributes of the operator; each becomes one of the module.

    Raises
    ------
    InputError
        If they do not describe one layer.
    """

    indices: torch.Tensor
    tables: torch.Tensor

    def __init__(
        self, operator: str, indices: Any, tables: Any, attributes: Mapping[str, Any]
    ) -> None:
        super().__init__()
        constants = {"indices": as_indices(indices), "tables": as_tensor("tables", tables)}
        check_call(operator, attributes, constants=constants)
        self._attribute_names = tuple(attributes)
        for name, value in attributes.items():
            setattr(self, name, value)
        for name, value in constants.items():
            self.register_buffer(name, value)

    def attributes(self) -> dict[str, Any]:
        """Give the attributes of the operator."""
        return {name: getattr(self, name) for name in self._attribute_names}

    def extra_repr(self) -> str:
        """Say how many kernels of what form there are."""
        listed = "".join(f", {name}={value}" for name, value in self.attributes().items())
        return f"kernels={self.indices.shape[0]}, leaves={self.indices.shape[1]}{listed}"


def padded(x: torch.Tensor, pads: Sequence[int]) -> torch.Tensor:
    """Put zeros around the spatial axes; ``pads`` are in ONNX's order."""
    d = len(pads) // 2
    if not any(pads):
        return x
    # torch wants the last axis first.
    around = [n for a in reversed(range(d)) for n in (pads[a], pads[d + a])]
    return torch.nn.functional.pad(x, around)


def windows(
    x: torch.Tensor, kernel_shape: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> torch.Tensor:
    """Give a view of the windows of x.

    Parameters
    ----------
    x
        [B, C, D_1 .. D_d], padded.

    Returns
    -------
    torch.Tensor
        [B, C, E_1 .. E_d, kernel_shape[0] .. kernel_shape[d - 1]].
    """
    for a, (width, stride, gap) in enumerate(zip(kernel_shape, strides, dilations, strict=True)):
        x = x.unfold(2 + a, span(width, gap), stride)[..., ::gap]
    return x


def slide_trees(
    x: torch.Tensor,
    indices: torch.Tensor,
    tables: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    depth: int,
) -> torch.Tensor:
    """Evaluate trees of truth tables at every position of a window.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], padded.
    indices, tables
        As of LogicConv.

    Returns
    -------
    torch.Tensor
        bool [B, K, E_1 .. E_d].
    """
    d = len(kernel_shape)
    view = windows(x, kernel_shape, strides, dilations)
    extents = view.shape[2 : 2 + d]
    view = view.permute(1, *range(2 + d, 2 + 2 * d), 0, *range(2, 2 + d))
    k = fan_in(indices.shape[1], depth)
    assert k is not None
    positions = len(x) * extents.numel()
    roots = [
        _trees(view, indices[part], tables[part], kernel_shape, k, depth)
        for part in chunks(len(indices), k ** (depth - 1) * positions)
    ]
    y = torch.cat(roots).reshape(len(indices), len(x), *extents)
    return y.transpose(0, 1).contiguous()


def _trees(
    view: torch.Tensor,
    indices: torch.Tensor,
    tables: torch.Tensor,
    kernel_shape: Sequence[int],
    k: int,
    depth: int,
) -> torch.Tensor:
    """Evaluate some of the trees.

    Parameters
    ----------
    view
        bool [C, kernel_shape[0] .. kernel_shape[d - 1], B, E_1 .. E_d].

    Returns
    -------
    torch.Tensor
        bool [K, B * E_1 * .. * E_d].
    """
    rest = indices.long()
    window: list[torch.Tensor] = []
    for width in reversed(kernel_shape):
        window.insert(0, rest % width)
        rest = rest // width
    leaves = (rest, *window)

    bits = torch.stack(
        [
            view[tuple(index[:, slot::k].flatten() for index in leaves)].flatten(1)
            for slot in range(k)
        ]
    )
    first = 0
    for level in reversed(range(depth)):
        nodes = k**level
        level_tables = tables[:, first : first + nodes].flatten(0, 1)
        values = look_up(bits, level_tables)
        first += nodes
        if level:
            bits = values.unflatten(0, (-1, k)).transpose(0, 1)
    return values
