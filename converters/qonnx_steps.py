"""Functions of one number that take few values: where they step from one to the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.converters.threshold_folding import fold_into_thresholds

__all__ = ["MAX_STEPS", "steps_of"]

MAX_STEPS = 8
_TOP = np.finfo(np.float32).max


def steps_of(
    f: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the steps of a function of each number of a sample.

    Parameters
    ----------
    f
        float32 [1, ...] to the same shape; never decreases, or never increases, in each number.
    shape
        Shape of a sample.

    Returns
    -------
    tuple or None
        Thresholds float32 [..., T], which do not decrease, and levels float32 [T + 1, ...]: f is
        level j where x is at least j of the thresholds. None if there are more than MAX_STEPS.
    """
    full = (1, *shape)
    ends = [f(np.full(full, x, np.float32)) for x in (-_TOP, _TOP)]
    sign = np.where(ends[1] >= ends[0], np.float32(1), np.float32(-1))

    def rising(x: np.ndarray) -> np.ndarray:
        return f(x) * sign

    level, top = ends[0] * sign, ends[1] * sign
    levels, thresholds = [level], list[np.ndarray]()
    while not thresholds or (level < top).any():
        if len(thresholds) == MAX_STEPS:
            return None
        # Beyond ``last``, f is above the level; it is not at the lowest number, so it is strict.
        last, strict = fold_into_thresholds(rising, level, np.float32)
        assert strict
        with np.errstate(over="ignore"):
            first = np.nextafter(last, np.float32(np.inf)) + np.float32(0)  # no negative zero
        found = first <= _TOP
        level = np.where(found, rising(np.where(found, first, _TOP)), level)
        thresholds.append(np.where(found, first, np.float32(np.inf)))
        levels.append(level)
    return np.stack(thresholds, -1)[0], np.stack(levels)[:, 0] * sign[0]
