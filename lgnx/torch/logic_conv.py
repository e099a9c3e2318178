"""LogicConv for torch: trees of truth tables that slide over the spatial axes of their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lgnx.ops.logic_conv import output_extents
from lgnx.torch._checks import attributes_of, check_call
from lgnx.torch._module import as_indices
from lgnx.torch._windows import SlidingTrees, padded, slide_trees

__all__ = ["LogicConv", "logic_conv", "translation"]


@torch.library.custom_op("lgnx::logic_conv", mutates_args=())
def logic_conv(
    x: torch.Tensor,
    indices: torch.Tensor,
    tables: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    depth: int = 1,
) -> torch.Tensor:
    """Slide trees of truth tables over the spatial axes.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], d = 1, 2 or 3.
    indices
        int32 or uint16 [K, k^depth], bits of the window, which are numbered channel first.
    tables
        uint8 [K, nodes, max(1, 2^k / 8)], the nodes of each tree from the leaves to the root.
    kernel_shape, strides, pads, dilations
        As in ONNX's Conv, an entry for each spatial axis (pads: two); what is padded is 0. None or
        empty for strides and dilations of 1 and no padding.
    depth
        Levels of the trees.

    Returns
    -------
    torch.Tensor
        bool [B, K, E_1 .. E_d].

    Raises
    ------
    InputError
        If shapes, dtypes, indices or attributes do not fit.
    """
    a = _attributes(kernel_shape, strides, pads, dilations, depth)
    indices = as_indices(indices)
    check_call("LogicConv", a, x, {"indices": indices, "tables": tables})
    return slide_trees(
        padded(x, a["pads"]),
        indices,
        tables,
        a["kernel_shape"],
        a["strides"],
        a["dilations"],
        a["depth"],
    )


@logic_conv.register_fake
def _(
    x: torch.Tensor,
    indices: torch.Tensor,
    tables: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    depth: int = 1,
) -> torch.Tensor:
    a = _attributes(kernel_shape, strides, pads, dilations, depth)
    check_call("LogicConv", a, x)
    del a["depth"]
    extents = output_extents(x.shape[2:], **a)
    return x.new_empty((x.shape[0], indices.shape[0], *extents), dtype=torch.bool)


def _attributes(
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    depth: int,
) -> dict[str, Any]:
    given = {
        "kernel_shape": kernel_shape,
        "strides": strides,
        "pads": pads,
        "dilations": dilations,
        "depth": depth,
    }
    return attributes_of("LogicConv", given)


def translation(opset: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the torch operator and what makes its ONNX node."""

    def translate(
        x: Any,
        indices: Any,
        tables: Any,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        depth: int = 1,
    ) -> Any:
        a = _attributes(kernel_shape, strides, pads, dilations, depth)
        return opset.LogicConv(x, indices, tables, **a)

    return torch.ops.lgnx.logic_conv.default, translate


class LogicConv(SlidingTrees):
    """A convolution with trees of truth tables.

    Parameters
    ----------
    indices
        int32 [K, k^depth], tensor or array; may also be uint16.
    tables
        uint8 [K, nodes, max(1, 2^k / 8)].
    kernel_shape, strides, pads, dilations, depth
        As of `lgnx.torch.logic_conv`.

    Raises
    ------
    InputError
        If they do not describe one layer.
    """

    kernel_shape: list[int]
    strides: list[int]
    pads: list[int]
    dilations: list[int]
    depth: int

    def __init__(
        self,
        indices: Any,
        tables: Any,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        depth: int = 1,
    ) -> None:
        a = _attributes(kernel_shape, strides, pads, dilations, depth)
        super().__init__("LogicConv", indices, tables, a)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map bool [B, C, D_1 .. D_d] to bool [B, K, E_1 .. E_d]."""
        return logic_conv(x, self.indices, self.tables, **self.attributes())
