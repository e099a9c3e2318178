"""When the two ends of an AXI stream stall: patterns of clocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.ops.errors import InputError

__all__ = ["MOST_STALLS", "Stalls", "random_stalls"]

MOST_STALLS = 95


@dataclass(frozen=True)
class Stalls:
    """The clocks of a run in which an end stalls; behind the last one, neither does.

    Attributes
    ----------
    sender
        uint8[clocks]: 1 where the sender has no sample to offer. A sample that was offered stays
        until it is taken, as the protocol has it.
    receiver
        uint8[clocks]: 1 where the receiver takes no result.
    """

    sender: np.ndarray
    receiver: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.sender, self.receiver):
            if array.dtype != np.uint8 or array.shape != self.sender.shape or array.ndim != 1:
                raise InputError("stalls must be two arrays uint8[clocks] of one length")

    def __len__(self) -> int:
        return len(self.sender)

    @staticmethod
    def none() -> Stalls:
        """Give the pattern without stalls."""
        return Stalls(np.zeros(0, np.uint8), np.zeros(0, np.uint8))

    def __str__(self) -> str:
        parts = []
        for who, array in (("the sender", self.sender), ("the receiver", self.receiver)):
            clocks = np.flatnonzero(array).tolist()
            if clocks:
                more = f" and {len(clocks) - 16} more" if len(clocks) > 16 else ""
                listed = ", ".join(map(str, clocks[:16]))
                parts.append(f"{who} in clock{'s' * (len(clocks) > 1)} {listed}{more}")
        return "; ".join(parts) or "none"


def random_stalls(clocks: int, percent: int, seed: int) -> Stalls:
    """Give stalls at random: in so many of a hundred clocks, at either end.

    The pattern is as long as a run is likely to take that takes so many clocks without stalls.

    Raises
    ------
    InputError
        If the percentage is not from 0 to `MOST_STALLS`.
    """
    if not 0 <= percent <= MOST_STALLS:
        raise InputError(f"stalls is {percent}; allowed: 0 to {MOST_STALLS}")
    if not percent:
        return Stalls.none()
    length = (clocks + 64) * 200 // (100 - percent)
    drawn = np.random.default_rng(seed).integers(0, 100, (2, length)) < percent
    sender, receiver = drawn.astype(np.uint8)
    return Stalls(sender, receiver)
