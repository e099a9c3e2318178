"""Counts by group, scaled, as the group sums of the torch tools give them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

    from lgnx.converters.torch_layers import Calls, Forward

__all__ = ["scaled_counts"]


def scaled_counts(calls: Calls, groups: int, *, beta: float, tau: float) -> Forward | None:
    """Give the forward of a layer that computes (count + beta) / tau for groups of bits.

    Parameters
    ----------
    calls
        How the layer was called. Where it summed other numbers than bits, that is ordinary
        arithmetic: None is given.

    Raises
    ------
    ModelError
        If tau or beta is no number that can be divided by or added.
    """
    import torch

    from lgnx.converters.torch_layers import as_bits
    from lgnx.torch import group_sum

    scored = (torch.float32, torch.float64, torch.int64)
    if calls.odd_value is not None or not set(calls.outputs.values()) <= set(scored):
        return None
    if not (math.isfinite(tau) and tau > 0):
        raise ModelError(f"its tau is {tau:g}, must be finite and greater than 0")
    if not math.isfinite(beta):
        raise ModelError(f"its beta is {beta:g}, must be finite")
    in_float32 = float(np.float32(tau)) == tau and float(np.float32(beta)) == beta
    # Tensors, since torch's exporter rounds plain numbers to float32.
    added, divisor = (
        {t: torch.tensor(value, dtype=torch.float64).to(t) for t in calls.outputs.values()}
        for value in (beta, tau)
    )

    def forward(x: torch.Tensor) -> torch.Tensor:
        bits, dtype = as_bits(x), calls.output_dtype(x)
        if dtype == torch.float32 or in_float32:
            return group_sum(bits, groups, bias=beta, tau=tau, dtype=dtype)
        # The attributes of GroupSum are float32; finer values need operators of their own.
        scores = group_sum(bits, groups, dtype=dtype)
        if beta != 0:
            scores = scores + added[dtype]
        return scores / divisor[dtype] if tau != 1 else scores

    return forward
