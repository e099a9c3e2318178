"""Delta debugging: what can be taken away from a failing case while it goes on failing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Budget", "smallest_subset"]


@dataclass
class Budget:
    """How much may be tried.

    Attributes
    ----------
    tries, seconds
        At most.
    tried
        So far.
    """

    tries: int = 200_000
    seconds: float = 60.0
    tried: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> bool:
        """Whether nothing more may be tried."""
        return self.tried >= self.tries or time.monotonic() - self.started > self.seconds


def smallest_subset(
    fails: Callable[[np.ndarray], np.ndarray], size: int, budget: Budget
) -> tuple[np.ndarray, bool]:
    """Find a small set of parts that still fails.

    This is ddmin (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, IEEE
    Transactions on Software Engineering 28, 2002), with all candidates of a step tried together.

    Parameters
    ----------
    fails
        Takes bool[candidates, size], the parts that each candidate keeps; tells which fail. All
        parts together do.
    size
        Number of parts.
    budget
        Of tries.

    Returns
    -------
    numpy.ndarray, bool
        bool[size]; and whether no part of it can be left out alone, or else the budget was spent.
    """
    kept = np.arange(size)

    def try_all(candidates: list[np.ndarray]) -> np.ndarray:
        masks = np.zeros((len(candidates), size), np.bool_)
        for mask, candidate in zip(masks, candidates, strict=True):
            mask[candidate] = True
        budget.tried += len(candidates)
        return np.flatnonzero(fails(masks))

    if len(try_all([kept[:0]])):
        return np.zeros(size, np.bool_), True
    pieces = 2
    while len(kept) > 1 and not budget.spent:
        chunks = np.array_split(kept, min(pieces, len(kept)))
        whole = len(chunks) == len(kept)
        failing = try_all(chunks)
        if len(failing):
            kept, pieces = chunks[int(failing[0])], 2
            continue
        rests = [np.concatenate([*chunks[:i], *chunks[i + 1 :]]) for i in range(len(chunks))]
        failing = try_all(rests)
        if len(failing):
            # Those that can go alone can often go together: of the first so many, try all.
            gone = [
                np.concatenate([chunks[i] for i in failing[: n + 1]]) for n in range(len(failing))
            ]
            together = [np.setdiff1d(kept, part) for part in gone]
            most = int(try_all(together).max(initial=0))
            kept = together[most]
            pieces = max(2, len(chunks) - 1 - most)
        elif whole:
            break
        else:
            pieces *= 2
    mask = np.zeros(size, np.bool_)
    mask[kept] = True
    return mask, not budget.spent
