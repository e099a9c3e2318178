"""OrPool for torch: OR over windows that slide over the spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lgnx.ops.logic_conv import output_extents
from lgnx.torch._checks import attributes_of, check_call
from lgnx.torch._windows import padded, windows

__all__ = ["OrPool", "or_pool", "translation"]


@torch.library.custom_op("lgnx::or_pool", mutates_args=())
def or_pool(
    x: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
) -> torch.Tensor:
    """OR over windows.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], d = 1, 2 or 3.
    kernel_shape, strides, pads
        As in ONNX's MaxPool, an entry for each spatial axis (pads: two, less than kernel_shape).
        None or empty for strides of 1 and no padding.

    Returns
    -------
    torch.Tensor
        bool [B, C, E_1 .. E_d].

    Raises
    ------
    InputError
        If the shape, the dtype or the attributes do not fit.
    """
    a = _attributes(kernel_shape, strides, pads)
    check_call("OrPool", a, x)
    d = len(a["kernel_shape"])
    view = windows(padded(x, a["pads"]), a["kernel_shape"], a["strides"], [1] * d)
    return view.flatten(-d).any(-1)


@or_pool.register_fake
def _(
    x: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
) -> torch.Tensor:
    a = _attributes(kernel_shape, strides, pads)
    check_call("OrPool", a, x)
    extents = output_extents(x.shape[2:], **a, dilations=[1] * len(a["kernel_shape"]))
    return x.new_empty((*x.shape[:2], *extents))


def _attributes(
    kernel_shape: Sequence[int], strides: Sequence[int] | None, pads: Sequence[int] | None
) -> dict[str, Any]:
    return attributes_of("OrPool", {"kernel_shape": kernel_shape, "strides": strides, "pads": pads})


def translation(opset: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the torch operator and what makes its ONNX node."""

    def translate(
        x: Any,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
    ) -> Any:
        return opset.OrPool(x, **_attributes(kernel_shape, strides, pads))

    return torch.ops.lgnx.or_pool.default, translate


class OrPool(torch.nn.Module):
    """Pooling of bits.

    Parameters
    ----------
    kernel_shape, strides, pads
        As of `lgnx.torch.or_pool`.

    Raises
    ------
    InputError
        If they do not fit each other.
    """

    def __init__(
        self,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        a = _attributes(kernel_shape, strides, pads)
        check_call("OrPool", a)
        self.kernel_shape: list[int] = a["kernel_shape"]
        self.strides: list[int] = a["strides"]
        self.pads: list[int] = a["pads"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map bool [B, C, D_1 .. D_d] to bool [B, C, E_1 .. E_d]."""
        return or_pool(x, self.kernel_shape, self.strides, self.pads)

    def extra_repr(self) -> str:
        """Say what the windows are."""
        return f"kernel_shape={self.kernel_shape}, strides={self.strides}, pads={self.pads}"
