"""The 16 gates of two inputs as difflogic and torchlogix number and train them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.ops.errors import InputError

if TYPE_CHECKING:
    import torch

__all__ = ["checked_confidence", "gate_logits", "swap_gates"]


def swap_gates(numbers: np.ndarray) -> np.ndarray:
    """Turn their numbers of gates into tables, int64; or tables into their numbers.

    The number has f(0, 0) in bit 3, f(A=0, B=1) in bit 2, f(A=1, B=0) in bit 1 and f(1, 1) in
    bit 0; with A as x_0, these are bits 0, 2, 1 and 3 of a table.
    """
    n = np.asarray(numbers).astype(np.int64)
    return n & 0b0110 | n >> 3 & 0b0001 | (n & 0b0001) << 3


def gate_logits(bits: np.ndarray, confidence: float) -> torch.Tensor:
    """Weights float32 [..., 16] whose softmax is sure of a gate.

    Of the 15 other gates, which have weight 0, 7 agree with it at any input. So its output has the
    probability (e^w + 7) / (e^w + 15) where its own weight is w.

    Parameters
    ----------
    bits
        bool [..., 4], the gates' tables.
    confidence
        Probability of each output.
    """
    import torch

    gates = torch.from_numpy(swap_gates(bits @ np.array([1, 2, 4, 8])))
    chosen = (gates[..., None] == torch.arange(16)).float()
    return chosen * (math.log(15 * confidence - 7) - math.log(1 - confidence))


def checked_confidence(confidence: Any) -> float:
    """Give a confidence as it can be.

    Raises
    ------
    InputError
        If it is not between 0.5 and 1.
    """
    if not (isinstance(confidence, (int, float)) and 0.5 < confidence < 1):
        raise InputError(f"confidence is {confidence!r}, must be above 0.5 and below 1")
    return float(confidence)
