"""Bits picked from vectors, written shortly: runs of neighbours as one range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["concatenation", "runs"]


def runs(bits: Iterable[int]) -> list[tuple[int, int]]:
    """First bit and length of each run of neighbouring bits, in order."""
    found: list[tuple[int, int]] = []
    for bit in bits:
        if found and bit == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((bit, 1))
    return found


def concatenation(vector: str, bits: Sequence[int]) -> list[str]:
    """Parts of a Verilog concatenation that picks these bits, the first one lowest, so last."""
    return [
        f"{vector}[{first}]" if length == 1 else f"{vector}[{first + length - 1}:{first}]"
        for first, length in reversed(runs(bits))
    ]
