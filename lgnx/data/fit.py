"""Fitting samples to the input of a model, without changing a value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lgnx.ops.errors import InputError


def cast_exact(array: np.ndarray, dtype: np.dtype | type, where: str) -> np.ndarray:
    """Cast an array, if that keeps every value.

    Raises
    ------
    InputError
        If a value would change; the message names the first one.
    """
    dtype = np.dtype(dtype)
    to_float = array.dtype.kind in "iu" and dtype.kind == "f"
    # numpy calls int64 -> float64 safe, although it rounds
    safe = np.can_cast(array.dtype, dtype, "safe") and not (to_float and array.itemsize == 8)
    if array.dtype == dtype or safe:
        return array.astype(dtype, copy=False)
    with np.errstate(invalid="ignore", over="ignore"):
        result = array.astype(dtype)
        back = result.astype(array.dtype)
    same = back == array
    if array.dtype.kind == "f" and dtype.kind == "f":
        same |= np.isnan(array)
    if to_float:  # what lies beyond the integers may come back as the largest of them
        limit = float(np.iinfo(array.dtype).max + 1)
        same &= np.isfinite(result) & (result.astype(np.float64) < limit)
    if array.dtype.kind in "iu" and dtype.kind in "iu":
        same &= (result < 0) == (array < 0)
    if not same.all():
        position = tuple(int(i) for i in np.argwhere(~same)[0])
        value = array[position].item()
        raise InputError(
            f"{where}: {array.dtype} values do not fit {dtype} exactly; the first is {value!r} "
            f"at position {list(position)} of its batch"
        )
    return result


def fit_batch(
    batch: np.ndarray,
    row_shape: Sequence[int | None],
    dtype: np.dtype | type,
    *,
    flat: bool,
    text: bool = False,
    where: str,
) -> np.ndarray:
    """Give a batch the shape and type that a model wants.

    Parameters
    ----------
    batch
        Samples as read, [B, ...].
    row_shape
        Shape of one sample of the model's input; None for a free axis.
    dtype
        Type of the model's input.
    flat
        The samples are rows of a table: they take the model's shape if their number fits.
    text
        The samples come from text: decimal fractions are rounded to the nearest `dtype`.
    where
        The file, for messages.

    Raises
    ------
    InputError
        If shape or type do not fit; the message names both sides.
    """
    given = batch.shape[1:]
    wanted = tuple(row_shape)
    if flat and given == (0,) and len(batch) == 0:
        batch = np.zeros((0, *(1 if n is None else n for n in wanted)), batch.dtype)
    elif flat and len(given) == 1 and wanted.count(None) <= 1:
        known = int(np.prod([n for n in wanted if n is not None], dtype=np.int64))
        fits = given[0] == known if None not in wanted else known and given[0] % known == 0
        if not fits:
            raise InputError(
                f"{where}: {given[0]} columns given, the model wants {known} "
                f"(samples of shape {_shape_text(wanted)})"
            )
        free = given[0] // known if known else 0
        batch = batch.reshape(len(batch), *(free if n is None else n for n in wanted))
    elif len(given) != len(wanted) or any(
        n is not None and n != g for n, g in zip(wanted, given, strict=True)
    ):
        raise InputError(
            f"{where}: samples of shape {_shape_text(given)} given, the model wants "
            f"{_shape_text(wanted)}"
        )
    if text and np.dtype(dtype).kind == "f" and batch.dtype.kind == "f":
        return batch.astype(dtype)
    return cast_exact(batch, dtype, where)


def _shape_text(shape: Sequence[int | None]) -> str:
    return "[" + ", ".join("any" if n is None else str(n) for n in shape) + "]"
