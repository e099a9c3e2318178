"""Sums of float32 numbers whose order is not known."""

from __future__ import annotations

import numpy as np

__all__ = ["bounds", "nearest"]

_ROUNDING = 2.0**-24  # of float32, relative
_SMALLEST = 2.0**-149
_SUBSETS = 1 << 22  # at most so many sums of some of the terms are looked at


def nearest(terms: np.ndarray) -> np.ndarray:
    """Sums of float64 [R, n], rounded once to float32 [R]."""
    with np.errstate(over="ignore"):
        return terms.sum(1).astype(np.float32)


def bounds(terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound what float32 arithmetic may give for sums of products.

    The order of the additions, the grouping of the terms and whether a product is rounded before it
    is added are up to the implementation, and differ between processors.

    Where every sum of some of the terms is a float32, nothing is ever rounded, and both bounds are
    the sum. Else each of the n - 1 additions has an error of at most u = 2^-24 times what it gives,
    which is at most the larger of the sums of all positive and of all negative terms, but for the
    errors before it; and each product that is no float32 has one of u times itself.

    Parameters
    ----------
    terms
        float64 [R, n], exact products of two float32 each; one sum for each row.

    Returns
    -------
    tuple
        The lowest and the highest result, float32 [R].
    """
    n = terms.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        size, rounded = np.abs(terms), terms.astype(np.float32) != terms
        total, found = terms.sum(1), nearest(terms)
        largest = np.maximum((size + terms).sum(1), (size - terms).sum(1)) / 2
        largest += 4 * n * _ROUNDING * size.sum(1)
        error = _ROUNDING * ((n - 1) * largest + 2 * (size * rounded).sum(1)) + n * _SMALLEST
        low, high = (total - error).astype(np.float32), (total + error).astype(np.float32)
        low = np.nextafter(low, np.float32(-np.inf))
        high = np.nextafter(high, np.float32(np.inf))
    exact = _never_rounded(terms)
    return np.where(exact, found, low), np.where(exact, found, high)


def _never_rounded(terms: np.ndarray) -> np.ndarray:
    """Tell for each row whether every sum of some of its terms is a float32."""
    rows, n = terms.shape
    none = np.zeros(rows, bool)
    if not terms.any():
        return ~none
    if not np.isfinite(terms).all():
        return none
    mantissas, exponents = np.frexp(terms)
    numbers = np.ldexp(mantissas, 53).astype(np.int64)
    lowest = np.frexp((numbers & -numbers).astype(np.float64))[1] + exponents - 54
    used = numbers != 0
    grid, top = int(lowest[used].min()), int(exponents[used].max())
    if grid < -149 or top + n.bit_length() > 127 or top + n.bit_length() - grid > 62:
        return none
    whole = np.ldexp(terms, -grid).astype(np.int64)
    small = np.abs(whole).sum(1) <= 1 << 24
    if small.all() or (rows << n) > _SUBSETS:
        return small
    chosen = np.arange(1 << n)[:, None] >> np.arange(n) & 1
    return small | _fits(chosen @ whole.T).all(0)


def _fits(numbers: np.ndarray) -> np.ndarray:
    """Tell whether whole numbers have at most 24 significant bits."""
    lowest = np.maximum(numbers & -numbers, 1)
    return np.abs(numbers) // lowest < 1 << 24
