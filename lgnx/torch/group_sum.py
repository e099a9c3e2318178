"""GroupSum for torch: counts of ones in equal groups of bits, scaled to class scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lgnx.ops.errors import InputError
from lgnx.torch._checks import check_call

__all__ = ["GroupSum", "group_sum", "translation"]

ELEMENT_TYPES = {torch.float32: 1, torch.float64: 11, torch.int32: 6, torch.int64: 7}


@torch.library.custom_op("lgnx::group_sum", mutates_args=())
def group_sum(
    x: torch.Tensor,
    groups: int,
    bias: float = 0.0,
    tau: float = 1.0,
    beta: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Count ones in contiguous groups of the last axis: (count + bias) / tau + beta.

    Parameters
    ----------
    x
        bool [..., N]; ``groups`` divides N.
    bias, tau, beta
        Rounded to float32, then to ``dtype``, in which each step is computed.
    dtype
        float32, float64, int32 or int64.

    Returns
    -------
    torch.Tensor
        Scores [..., groups].

    Raises
    ------
    InputError
        If the groups or the scale do not fit.
    """
    _check(x, groups, bias, tau, beta, dtype)
    scores = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups).sum(-1).to(dtype)

    def constant(value: float) -> torch.Tensor:
        # A tensor on the same device: torch multiplies by 1 / tau where tau is a host number.
        return torch.full((), float(np.float32(value)), dtype=dtype, device=x.device)

    if bias != 0:
        scores = scores + constant(bias)
    if tau != 1:
        scores = scores / constant(tau)
    if beta != 0:
        scores = scores + constant(beta)
    return scores


@group_sum.register_fake
def _(
    x: torch.Tensor,
    groups: int,
    bias: float = 0.0,
    tau: float = 1.0,
    beta: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    _check(x, groups, bias, tau, beta, dtype)
    return x.new_empty((*x.shape[:-1], groups), dtype=dtype)


def _check(
    x: torch.Tensor | None, groups: int, bias: float, tau: float, beta: float, dtype: torch.dtype
) -> None:
    if dtype not in ELEMENT_TYPES:
        names = ", ".join(str(known) for known in ELEMENT_TYPES)
        raise InputError(f"GroupSum: dtype is {dtype}, must be one of {names}")
    scale = {"bias": bias, "tau": tau, "beta": beta}
    check_call("GroupSum", {"groups": groups, **scale, "dtype": ELEMENT_TYPES[dtype]}, x)


def translation(opset: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the torch operator and what makes its ONNX node."""

    def translate(
        x: Any, groups: int, bias: float = 0.0, tau: float = 1.0, beta: float = 0.0, dtype: int = 1
    ) -> Any:
        # torch's exporter gives the element type of ONNX where the operator takes a dtype.
        return opset.GroupSum(x, groups=groups, bias=bias, tau=tau, beta=beta, dtype=int(dtype))

    return torch.ops.lgnx.group_sum.default, translate


class GroupSum(torch.nn.Module):
    """Class scores from counts of ones.

    Parameters
    ----------
    groups, bias, tau, beta, dtype
        As of `lgnx.torch.group_sum`. The scores keep their dtype in ``half()`` and ``double()``.

    Raises
    ------
    InputError
        If the scale has no meaning.
    """

    def __init__(
        self,
        groups: int,
        bias: float = 0.0,
        tau: float = 1.0,
        beta: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        _check(None, groups, bias, tau, beta, dtype)
        self.groups, self.bias, self.tau, self.beta = groups, bias, tau, beta
        self.dtype = dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map bool [..., N] to scores [..., groups]."""
        return group_sum(x, self.groups, self.bias, self.tau, self.beta, self.dtype)

    def extra_repr(self) -> str:
        """Say how many groups there are and how their counts are scaled."""
        return (
            f"groups={self.groups}, bias={self.bias:g}, tau={self.tau:g}, beta={self.beta:g}, "
            f"dtype={str(self.dtype).removeprefix('torch.')}"
        )
