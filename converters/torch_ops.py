"""The operators of `lgnx.ops` as torch operators, for use in any ``torch.nn.Module``.

Each computes its operator's exact result in eager mode, can be traced by ``torch.export`` and
becomes one ONNX node in `lgnx.export`. They have no gradients: they are for trained networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import lgnx.ops  # noqa: F401  (registers the schemas, which the exporter looks up)
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops.errors import require
from lgnx.ops.tables import MAX_INPUTS, table_bytes

if TYPE_CHECKING:
    import torch
else:
    torch = require("torch", extra="torch")

__all__ = ["group_sum", "logic_dense", "thermometer", "translations"]


@torch.library.custom_op("lgnx::thermometer", mutates_args=())
def thermometer(x: torch.Tensor, thresholds: torch.Tensor, strict: bool = True) -> torch.Tensor:
    """Compare each number with its thresholds.

    Parameters
    ----------
    x
        Numbers [...].
    thresholds
        Same dtype as ``x``, broadcastable against ``x[..., None]`` without widening it.
    strict
        ``x > t``, else ``x >= t``.

    Returns
    -------
    torch.Tensor
        bool, the shape of ``x`` and a last axis over the thresholds.
    """
    _check_thermometer(x, thresholds)
    numbers = x.unsqueeze(-1)
    return numbers > thresholds if strict else numbers >= thresholds


@thermometer.register_fake
def _(x: torch.Tensor, thresholds: torch.Tensor, strict: bool = True) -> torch.Tensor:
    _check_thermometer(x, thresholds)
    return x.new_empty((*x.shape, thresholds.shape[-1]), dtype=torch.bool)


def _check_thermometer(x: torch.Tensor, thresholds: torch.Tensor) -> None:
    if x.dtype != thresholds.dtype:
        raise TypeError(f"x is {x.dtype}, the thresholds are {thresholds.dtype}; must be the same")
    fits = 1 <= thresholds.ndim <= x.ndim + 1 and all(
        t in (1, n)
        for t, n in zip(reversed(thresholds.shape[:-1]), reversed(x.shape), strict=False)
    )
    if not fits:
        raise ValueError(
            f"thresholds of shape {list(thresholds.shape)} do not broadcast against x of shape "
            f"{list(x.shape)} with an axis appended"
        )


@torch.library.custom_op("lgnx::logic_dense", mutates_args=())
def logic_dense(x: torch.Tensor, indices: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    """Evaluate a layer of truth tables.

    Parameters
    ----------
    x
        bool [..., I].
    indices
        int32 [N, k]; ``x[..., indices[n, i]]`` is input x_i of neuron n, x_0 the least significant
        bit of the table's address.
    tables
        uint8 [N, max(1, 2^k / 8)], as `lgnx.ops.tables.pack_tables` gives it.

    Returns
    -------
    torch.Tensor
        bool [..., N].
    """
    _check_logic_dense(x, indices, tables)
    wires = indices.long()
    address = torch.zeros((*x.shape[:-1], len(wires)), dtype=torch.int64, device=x.device)
    for slot in range(wires.shape[1]):
        address |= x[..., wires[:, slot]].long() << slot
    rows = torch.arange(len(wires), device=x.device)
    byte = tables.long()[rows, address >> 3]
    return (byte >> (address & 7)) & 1 == 1


@logic_dense.register_fake
def _(x: torch.Tensor, indices: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    _check_logic_dense(x, indices, tables)
    return x.new_empty((*x.shape[:-1], indices.shape[0]), dtype=torch.bool)


def _check_logic_dense(x: torch.Tensor, indices: torch.Tensor, tables: torch.Tensor) -> None:
    given = {
        "x": (x, torch.bool),
        "indices": (indices, torch.int32),
        "tables": (tables, torch.uint8),
    }
    for name, (tensor, dtype) in given.items():
        if tensor.dtype != dtype:
            raise TypeError(f"{name} is {tensor.dtype}, must be {dtype}")
    if indices.ndim != 2 or not 1 <= indices.shape[1] <= MAX_INPUTS:
        raise ValueError(f"indices have shape {list(indices.shape)}, must be [N, 1..{MAX_INPUTS}]")
    expected = [indices.shape[0], table_bytes(indices.shape[1])]
    if list(tables.shape) != expected:
        raise ValueError(f"tables have shape {list(tables.shape)}, must be {expected}")


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
    """
    _check_group_sum(x, groups, tau, dtype)
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
    _check_group_sum(x, groups, tau, dtype)
    return x.new_empty((*x.shape[:-1], groups), dtype=dtype)


def _check_group_sum(x: torch.Tensor, groups: int, tau: float, dtype: torch.dtype) -> None:
    if x.dtype != torch.bool:
        raise TypeError(f"x is {x.dtype}, must be {torch.bool}")
    if groups < 1 or x.shape[-1] % groups:
        raise ValueError(f"{groups} groups do not divide {x.shape[-1]} bits")
    if tau != 1 and not dtype.is_floating_point:
        raise ValueError(f"tau is {tau:g}, must be 1 for {dtype} scores")


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Give the table that ``torch.onnx.export`` takes as ``custom_translation_table``.

    Raises
    ------
    MissingExtraError
        If onnxscript is not installed.
    """
    op = require("onnxscript.values", extra="torch").Opset(DOMAIN, VERSION)
    ops = torch.ops.lgnx

    def translate_thermometer(x: Any, thresholds: Any, strict: bool = True) -> Any:
        return op.Thermometer(x, thresholds, strict=int(strict))

    def translate_logic_dense(x: Any, indices: Any, tables: Any) -> Any:
        return op.LogicDense(x, indices, tables)

    def translate_group_sum(
        x: Any, groups: int, bias: float = 0.0, tau: float = 1.0, beta: float = 0.0, dtype: int = 1
    ) -> Any:
        return op.GroupSum(x, groups=groups, bias=bias, tau=tau, beta=beta, dtype=int(dtype))

    return {
        ops.thermometer.default: translate_thermometer,
        ops.logic_dense.default: translate_logic_dense,
        ops.group_sum.default: translate_group_sum,
    }
