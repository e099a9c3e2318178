"""Thermometer for torch: one bit for each threshold that a number exceeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from lgnx.ops.errors import InputError
from lgnx.torch._checks import check_call
from lgnx.torch._module import ExactModule, as_tensor

__all__ = ["Thermometer", "thermometer", "translation"]

FLOATS = (torch.float16, torch.float32, torch.float64)
INTEGERS = tuple(getattr(torch, f"{sign}int{n}") for sign in ("", "u") for n in (8, 16, 32, 64))


@torch.library.custom_op("lgnx::thermometer", mutates_args=())
def thermometer(x: torch.Tensor, thresholds: torch.Tensor, strict: bool = True) -> torch.Tensor:
    """Compare each number with its thresholds.

    Parameters
    ----------
    x
        Numbers [...]: float16, float32, float64 or an integer dtype.
    thresholds
        Same dtype as ``x``, broadcastable against ``x[..., None]`` without widening it.
    strict
        ``x > t``, else ``x >= t``.

    Returns
    -------
    torch.Tensor
        bool, the shape of ``x`` and a last axis over the thresholds; NaN gives False.

    Raises
    ------
    InputError
        If shapes or dtypes do not fit, or a threshold is NaN.
    """
    _check(strict, x, thresholds)
    numbers, limits = _comparable(x.unsqueeze(-1)), _comparable(thresholds)
    return numbers > limits if strict else numbers >= limits


def _comparable(x: torch.Tensor) -> torch.Tensor:
    """Give numbers of a type that torch compares, in the same order."""
    if x.dtype in (torch.uint16, torch.uint32):
        return x.to(torch.int64)
    if x.dtype == torch.uint64:
        return x.view(torch.int64) ^ torch.iinfo(torch.int64).min
    return x


@thermometer.register_fake
def _(x: torch.Tensor, thresholds: torch.Tensor, strict: bool = True) -> torch.Tensor:
    _check_dtype(x.dtype)
    return x.new_empty((*x.shape, thresholds.shape[-1]), dtype=torch.bool)


def _check_dtype(dtype: torch.dtype) -> None:
    if dtype not in (*FLOATS, *INTEGERS):
        raise InputError(
            f"Thermometer: is {dtype}, must be float16, float32, float64 or an integer dtype"
        )


def _check(strict: bool, x: torch.Tensor | None, thresholds: torch.Tensor) -> None:
    _check_dtype(thresholds.dtype)
    dtypes: Mapping[str, torch.dtype] = dict.fromkeys(("x", "thresholds"), thresholds.dtype)
    check_call("Thermometer", {"strict": int(strict)}, x, {"thresholds": thresholds}, dtypes)


def translation(opset: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the torch operator and what makes its ONNX node."""

    def translate(x: Any, thresholds: Any, strict: bool = True) -> Any:
        return opset.Thermometer(x, thresholds, strict=int(strict))

    return torch.ops.lgnx.thermometer.default, translate


class Thermometer(ExactModule):
    """Thermometer encoding of numbers.

    The thresholds keep their dtype, also in ``half()`` and ``double()``, and numbers must come in
    that dtype: convert them before, if that is meant.

    Parameters
    ----------
    thresholds
        [..., B], tensor or array, as of `lgnx.torch.thermometer`.
    strict
        A bit is x > t, else x >= t.

    Raises
    ------
    InputError
        If the thresholds cannot be used.
    """

    thresholds: torch.Tensor

    def __init__(self, thresholds: Any, strict: bool = True) -> None:
        super().__init__()
        given = as_tensor("thresholds", thresholds)
        _check(strict, None, given)
        self.strict = bool(strict)
        self.register_buffer("thresholds", given)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map numbers [...] to bool [..., B]."""
        return thermometer(x, self.thresholds, self.strict)

    def extra_repr(self) -> str:
        """Say what the thresholds look like."""
        dtype = str(self.thresholds.dtype).removeprefix("torch.")
        return f"thresholds={dtype}{list(self.thresholds.shape)}, strict={self.strict}"
