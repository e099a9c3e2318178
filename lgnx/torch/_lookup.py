"""Truth tables, looked up for many tables and many addresses at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch

__all__ = ["chunks", "look_up"]

# Elements of int64 that are at work at once: 8 MB, about what a processor has of cache.
BUDGET = 1 << 20


def chunks(count: int, elements: int) -> Iterator[slice]:
    """Cut ``count`` items of ``elements`` elements each into runs that stay within the budget."""
    step = max(1, BUDGET // max(1, elements))
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))


def look_up(bits: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    """Evaluate truth tables.

    Parameters
    ----------
    bits
        bool [k, N, M]: input x_i of table n in case m.
    tables
        uint8 [N, max(1, 2^k / 8)].

    Returns
    -------
    torch.Tensor
        bool [N, M].
    """
    address = torch.zeros(bits.shape[1:], dtype=torch.int64, device=bits.device)
    for slot, values in enumerate(bits):
        address.add_(values, alpha=1 << slot)
    if tables.shape[1] == 1:
        return (tables.long() >> address) & 1 == 1
    byte = tables.gather(1, address >> 3)
    return (byte >> (address & 7)) & 1 == 1
