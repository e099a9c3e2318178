"""Samples to simulate: random values of a fixed-point format, and its corners."""

from __future__ import annotations

import math

import numpy as np

from lgnx.converters.verilog.fixed_point import FixedPoint, check_dtype, parse_format
from lgnx.ops.errors import InputError
from lgnx.verify.rtl import Rtl

__all__ = ["random_inputs"]

_CORNER_SHARE = 4  # at most one sample in so many is a corner; all of them in a small batch


def random_inputs(
    source: str | Rtl,
    samples: int | tuple[int, ...],
    *,
    seed: int = 0,
    thresholds: np.ndarray | None = None,
) -> np.ndarray:
    """Give samples uniform over a format, after some that are known to be telling.

    The first samples are: all values lowest, all highest, each feature highest among lowest ones,
    and, with ``thresholds``, samples whose values are those next to a threshold, below and above.
    They make up at most a quarter of the batch beyond the first two. In a streaming design the
    features of the image's corners come first, then those of its borders.

    Parameters
    ----------
    source
        A format such as ``"ufixed<5,1>"``, or an RTL folder as `read_rtl` gives it.
    samples
        Their number; with a format in words the whole shape, ``(samples, ...)``.
    seed
        Equal seeds give equal samples.
    thresholds
        [features, B], as in `lgnx.network.Network`; NaN and infinite ones are left out.

    Returns
    -------
    numpy.ndarray
        [samples, ...] in the dtype of the model's input; for a format in words float32 where that
        is exact, else float64.

    Raises
    ------
    InputError
        If the format is not one, or holds values that the dtype does not.
    """
    if isinstance(source, Rtl):
        if not isinstance(samples, int):
            raise InputError("for an RTL folder, samples is a number: the shape is known")
        port, dtype = source.input, source.input.dtype
        shape: tuple[int, ...] = (samples, *port.shape)
        alike = [(form, columns) for form, _, columns in port.alike]
        ranks = None if source.stream is None else source.stream.inwards
    else:
        ranks = None
        if isinstance(samples, int):
            raise InputError("for a format in words, samples is the whole shape: (samples, ...)")
        form, shape = parse_format(source), samples
        dtype = np.dtype(np.float32) if form.width <= 24 else np.dtype(np.float64)
        alike = [(form, slice(None))]
    if len(shape) < 1 or min(shape) < 0:
        raise InputError(f"samples has shape {list(shape)}; allowed: (samples, ...), none below 0")
    rng = np.random.default_rng(seed)
    if len(alike) == 1:
        form = alike[0][0]
        return _of_one_format(form, shape, dtype, thresholds, ranks, rng)
    x = np.empty((shape[0], math.prod(shape[1:])), dtype)
    for form, columns in alike:
        near = None if thresholds is None else thresholds[columns]
        order = None if ranks is None else ranks[columns]
        x[:, columns] = _of_one_format(form, (shape[0], len(columns)), dtype, near, order, rng)
    return x.reshape(shape)


def _of_one_format(
    form: FixedPoint,
    shape: tuple[int, ...],
    dtype: np.dtype,
    thresholds: np.ndarray | None,
    ranks: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    check_dtype(form, dtype)
    features = math.prod(shape[1:])
    kind = np.int64 if form.signed else np.uint64
    low, high = form.lowest, form.highest
    codes = rng.integers(low, high, (shape[0], features), dtype=kind, endpoint=True)
    corners = _corners(form, features, shape[0], thresholds, ranks, rng)
    codes[: len(corners)] = corners
    return _values(codes, form, dtype).reshape(shape)


def _corners(
    form: FixedPoint,
    features: int,
    samples: int,
    thresholds: np.ndarray | None,
    ranks: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    kind = np.int64 if form.signed else np.uint64
    room = max(min(samples, 2), samples // _CORNER_SHARE)
    hot = min(features, max(0, room - 2) if thresholds is None else max(0, (room - 2) // 2))
    codes = np.full((room, features), form.lowest, kind)
    codes[1:2] = form.highest
    drawn = np.arange(features) if hot == features else rng.permutation(features)
    chosen = drawn[:hot] if ranks is None else drawn[np.argsort(ranks[drawn], kind="stable")][:hot]
    codes[2 + np.arange(hot), chosen] = form.highest
    used = min(room, 2 + hot)
    if thresholds is None or thresholds.size == 0 or used == room:
        return codes[:used]
    near = _neighbours(np.asarray(thresholds), form)  # [features, 2 * B]
    choice = rng.integers(0, near.shape[1], (room - used, features))
    codes[used:] = np.take_along_axis(near.T, choice, axis=0)
    return codes


def _neighbours(thresholds: np.ndarray, form: FixedPoint) -> np.ndarray:
    """Give for each threshold the codes around it: the last one at or below, the one above."""
    kind = np.int64 if form.signed else np.uint64
    scaled = np.ldexp(thresholds.astype(np.float64), form.fraction_bits)
    # highest + 1 is a power of two; the float64 below it is at most highest.
    top = np.floor(np.nextafter(float(form.highest + 1), 0.0))
    floor = np.nan_to_num(np.floor(scaled), nan=0.0, posinf=top, neginf=float(form.lowest))
    below, above = (np.clip(floor + step, form.lowest, top).astype(kind) for step in (0, 1))
    return np.concatenate([below, above], axis=1)


def _values(codes: np.ndarray, form: FixedPoint, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "f":
        return np.ldexp(codes.astype(np.float64), -form.fraction_bits).astype(dtype)
    return (codes << codes.dtype.type(-form.fraction_bits)).astype(dtype)
