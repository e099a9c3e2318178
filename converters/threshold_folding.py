"""Moving what is done to numbers before a comparison into the thresholds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.ops.errors import ModelError

__all__ = ["fold_into_thresholds"]


def fold_into_thresholds(
    f: Callable[[np.ndarray], np.ndarray], limits: np.ndarray, dtype: np.dtype | type
) -> tuple[np.ndarray, bool]:
    """Find thresholds t of a dtype so that ``x > t`` is ``f(x) > limit``, exactly, for every x.

    Adding, dividing by a positive number, rounding to another type and rounding down never put
    two numbers in another order, and nor does a chain of them. So what f puts above a limit are all
    numbers from some number on, and t is the number before that one: the largest with
    ``f(t) <= limit``. It is found by bisection over the numbers of the dtype, with f itself, so its
    rounding is taken as it is.

    Parameters
    ----------
    f
        Does not decrease; takes an array [..., B] of ``dtype`` and gives one of the same shape.
        Infinities must stay what they are, or become numbers that compare like them.
    limits
        [..., B], not NaN; compared with what f gives.
    dtype
        Of x: a float or integer type.

    Returns
    -------
    tuple of numpy.ndarray and bool
        [..., B] of ``dtype``, and whether they are strict: where a bit is 1 for every number of an
        integer type, no t is below all of them, so thresholds are given for ``x >= t``.

    Raises
    ------
    ModelError
        If, moreover, a bit is 0 for every number, which only strict thresholds can say.
    """
    dtype, limits = np.dtype(dtype), np.asarray(limits)
    if dtype.kind == "f":
        high = int(np.asarray(np.inf, dtype).view(f"i{dtype.itemsize}")[()])
        low = -high  # floats in their order: those below 0 are the negatives of those above
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    kind = np.uint64 if dtype.kind == "u" else np.int64
    below, above = np.full(limits.shape, low, kind), np.full(limits.shape, high, kind)
    with np.errstate(all="ignore"):
        always = f(_numbers(below, dtype)) > limits
        never = ~(f(_numbers(above, dtype)) > limits)
        for _ in range(8 * dtype.itemsize):
            middle = (below & above) + ((below ^ above) >> kind(1))  # of a sum that may not fit
            exceeds = f(_numbers(middle, dtype)) > limits
            above = np.where(exceeds, middle, above)
            below = np.where(exceeds, below, middle)
    if not always.any():
        return _numbers(np.where(never, kind(high), below), dtype), True
    if never.any():
        raise ModelError(
            f"every number of {dtype} is above one threshold, and none above another; no "
            "thresholds of this type give a bit that is always 1 and one that is always 0: take a "
            "wider type"
        )
    return _numbers(np.where(always, kind(low), above), dtype), False


def _numbers(ordinals: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Numbers of a dtype by their place in its order."""
    if dtype.kind != "f":
        return ordinals.astype(dtype)
    magnitudes = np.abs(ordinals).astype(f"i{dtype.itemsize}").view(dtype)
    return np.where(ordinals < 0, -magnitudes, magnitudes)
