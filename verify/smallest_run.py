"""The smallest run that fails: fewer samples, fewer stalls, fewer features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.verify.delta_debugging import Budget, smallest_subset
from lgnx.verify.stalls import Stalls

__all__ = ["smallest_run"]

_DROPS = ((1, 1), (1, 0), (0, 1))  # samples and clocks at the beginning


def smallest_run(
    fails: Callable[[np.ndarray, Stalls], bool], x: np.ndarray, stalls: Stalls, budget: Budget
) -> tuple[np.ndarray, Stalls, bool]:
    """Take away from a run what it does not need to fail.

    Samples and clocks with stalls go in turns, since each moves the other, until nothing more can;
    then features go.

    Parameters
    ----------
    fails
        Tells whether a run fails; the one that is given does.
    x
        [n, ...] samples.
    budget
        Of tries.

    Returns
    -------
    numpy.ndarray, Stalls, bool
        The run, and whether the budget was enough.
    """
    run = _Run(fails, budget, x.copy(), stalls.sender.copy(), stalls.receiver.copy())
    size = None
    while size != run.size and not budget.spent:
        size = run.size
        run.drop_beginning()
        run.drop_samples()
        run.drop_stalls(run.receiver)
        run.drop_stalls(run.sender)
    run.drop_features()
    return run.x, run.stalls(), not budget.spent


class _Run:
    """The run as it becomes smaller."""

    def __init__(
        self,
        fails: Callable[[np.ndarray, Stalls], bool],
        budget: Budget,
        x: np.ndarray,
        sender: np.ndarray,
        receiver: np.ndarray,
    ) -> None:
        self._fails, self.budget = fails, budget
        self.x, self.sender, self.receiver = x, sender, receiver

    @property
    def size(self) -> tuple[int, int, int]:
        stalls = self.stalls()
        return len(self.x), int(stalls.sender.sum() + stalls.receiver.sum()), len(stalls)

    def stalls(self) -> Stalls:
        """Give the pattern up to the last clock with a stall."""
        used = np.flatnonzero(self.sender | self.receiver)
        end = int(used[-1]) + 1 if len(used) else 0
        return Stalls(self.sender[:end], self.receiver[:end])

    def fails(self, x: np.ndarray) -> bool:
        return len(x) > 0 and self._fails(x, self.stalls())

    def drop_beginning(self) -> None:
        """Let samples, and clocks of the pattern, go from the beginning while it fails."""
        changed = True
        while changed and not self.budget.spent:
            changed = False
            for samples, clocks in _DROPS:
                if samples >= len(self.x) or clocks > len(self.stalls()):
                    continue
                before = self.sender, self.receiver
                self.sender, self.receiver = self.sender[clocks:], self.receiver[clocks:]
                self.budget.tried += 1
                if self.fails(self.x[samples:]):
                    self.x, changed = self.x[samples:], True
                    break
                self.sender, self.receiver = before

    def drop_samples(self) -> None:
        kept = self._subset(len(self.x), lambda mask: self.fails(self.x[mask]))
        self.x = self.x[kept]

    def drop_stalls(self, marks: np.ndarray) -> None:
        """Let clocks with stalls go from one end's pattern, which is changed in place."""
        clocks = np.flatnonzero(marks)

        def fails(kept: np.ndarray) -> bool:
            marks[clocks] = kept
            return self.fails(self.x)

        marks[clocks] = self._subset(len(clocks), fails)

    def drop_features(self) -> None:
        """Put features to zero."""
        flat = self.x.reshape(-1).copy()
        places = np.flatnonzero(flat)

        def without(kept: np.ndarray) -> np.ndarray:
            changed = flat.copy()
            changed[places[~kept]] = 0
            return changed.reshape(self.x.shape)

        kept = self._subset(len(places), lambda mask: self.fails(without(mask)))
        self.x = without(kept)

    def _subset(self, size: int, fails: Callable[[np.ndarray], bool]) -> np.ndarray:
        def every(masks: np.ndarray) -> np.ndarray:
            return np.array([fails(mask) for mask in masks])

        return smallest_subset(every, size, self.budget)[0]
