"""LogicConvTranspose for torch: trees of truth tables over an input spread out by its strides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lgnx.ops._windows import span
from lgnx.ops.logic_conv_transpose import output_extents
from lgnx.torch._checks import attributes_of, check_call
from lgnx.torch._module import as_indices
from lgnx.torch._windows import SlidingTrees, padded, slide_trees

__all__ = ["LogicConvTranspose", "logic_conv_transpose", "translation"]


@torch.library.custom_op("lgnx::logic_conv_transpose", mutates_args=())
def logic_conv_transpose(
    x: torch.Tensor,
    indices: torch.Tensor,
    tables: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    depth: int = 1,
) -> torch.Tensor:
    """Spread the input out by the strides, and slide trees of truth tables over it.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], d = 1, 2 or 3.
    indices, tables
        As of `lgnx.torch.logic_conv`.
    kernel_shape, strides, pads, output_padding, dilations
        As in ONNX's ConvTranspose, an entry for each spatial axis (pads: two); what is spread or
        padded is 0. None or empty for strides and dilations of 1 and no padding.
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
    a = _attributes(kernel_shape, strides, pads, output_padding, dilations, depth)
    indices = as_indices(indices)
    check_call("LogicConvTranspose", a, x, {"indices": indices, "tables": tables})
    d = len(a["kernel_shape"])
    extents = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], a["strides"], strict=True)]
    spread = x.new_zeros((*x.shape[:2], *extents))
    for_x = tuple([slice(None), slice(None), *(slice(None, None, s) for s in a["strides"])])
    spread[for_x] = x
    reach = [span(w, g) - 1 for w, g in zip(a["kernel_shape"], a["dilations"], strict=True)]
    begin = [r - p for r, p in zip(reach, a["pads"][:d], strict=True)]
    end = [r - p + o for r, p, o in zip(reach, a["pads"][d:], a["output_padding"], strict=True)]
    return slide_trees(
        padded(spread, begin + end),
        indices,
        tables,
        a["kernel_shape"],
        [1] * d,
        a["dilations"],
        a["depth"],
    )


@logic_conv_transpose.register_fake
def _(
    x: torch.Tensor,
    indices: torch.Tensor,
    tables: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    depth: int = 1,
) -> torch.Tensor:
    a = _attributes(kernel_shape, strides, pads, output_padding, dilations, depth)
    check_call("LogicConvTranspose", a, x)
    del a["depth"]
    extents = output_extents(x.shape[2:], **a)
    return x.new_empty((x.shape[0], indices.shape[0], *extents), dtype=torch.bool)


def _attributes(
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    output_padding: Sequence[int] | None,
    dilations: Sequence[int] | None,
    depth: int,
) -> dict[str, Any]:
    given = {
        "kernel_shape": kernel_shape,
        "strides": strides,
        "pads": pads,
        "output_padding": output_padding,
        "dilations": dilations,
        "depth": depth,
    }
    return attributes_of("LogicConvTranspose", given)


def translation(opset: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the torch operator and what makes its ONNX node."""

    def translate(
        x: Any,
        indices: Any,
        tables: Any,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        output_padding: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        depth: int = 1,
    ) -> Any:
        a = _attributes(kernel_shape, strides, pads, output_padding, dilations, depth)
        return opset.LogicConvTranspose(x, indices, tables, **a)

    return torch.ops.lgnx.logic_conv_transpose.default, translate


class LogicConvTranspose(SlidingTrees):
    """A transposed convolution with trees of truth tables.

    Parameters
    ----------
    indices
        int32 [K, k^depth], tensor or array; may also be uint16.
    tables
        uint8 [K, nodes, max(1, 2^k / 8)].
    kernel_shape, strides, pads, output_padding, dilations, depth
        As of `lgnx.torch.logic_conv_transpose`.

    Raises
    ------
    InputError
        If they do not describe one layer.
    """

    kernel_shape: list[int]
    strides: list[int]
    pads: list[int]
    output_padding: list[int]
    dilations: list[int]
    depth: int

    def __init__(
        self,
        indices: Any,
        tables: Any,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        output_padding: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        depth: int = 1,
    ) -> None:
        a = _attributes(kernel_shape, strides, pads, output_padding, dilations, depth)
        super().__init__("LogicConvTranspose", indices, tables, a)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map bool [B, C, D_1 .. D_d] to bool [B, K, E_1 .. E_d]."""
        return logic_conv_transpose(x, self.indices, self.tables, **self.attributes())
