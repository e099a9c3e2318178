"""The data ports of an RTL design, and how numbers and bits become each other."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lgnx.converters.verilog.fixed_point import FixedPoint
from lgnx.ops.errors import InputError
from lgnx.scaling import InputScaling

__all__ = ["BitsPort", "ClassPort", "InputPort", "ScoresPort", "TriggerPort"]

_BLOCK = 1 << 14  # features whose codes are computed at a time: the temporaries stay in the cache


@dataclass(frozen=True)
class InputPort:
    """Port ``x``: the features in fixed point, one after the other, the first one lowest.

    Attributes
    ----------
    width
        Of the whole port.
    values
        For each feature, what values the model's input takes.
    ports
        For each feature, what the port carries: the floor of a value to this format, which may drop
        bits that no threshold needs.
    dtype, shape
        Of one sample of the model's input.
    scaling
        What is done to raw samples before the model.
    """

    name: str
    features: int
    width: int
    values: tuple[FixedPoint, ...]
    ports: tuple[FixedPoint, ...]
    dtype: np.dtype
    shape: tuple[int, ...]
    scaling: InputScaling | None = None

    @cached_property
    def code_dtype(self) -> np.dtype:
        """Unsigned integer type in which the harness takes a feature."""
        widest = max(port.width for port in self.ports)
        return next(np.dtype(f"u{n}") for n in (1, 2, 4, 8) if widest <= 8 * n)

    @cached_property
    def alike(self) -> list[tuple[FixedPoint, FixedPoint, Any]]:
        """Formats of values and port, and the features that have these, as an index of columns."""
        pairs = list(zip(self.values, self.ports, strict=True))
        different = list(dict.fromkeys(pairs))
        if len(different) == 1:
            return [(*different[0], slice(None))]
        number = {pair: i for i, pair in enumerate(different)}
        which = np.array([number[pair] for pair in pairs])
        return [(*pair, np.flatnonzero(which == i)) for i, pair in enumerate(different)]

    def model_input(self, x: np.ndarray, *, scaled: bool = False) -> np.ndarray:
        """Give what the model gets for samples, on the grid of the input format.

        Where the model has a scaling, raw samples are scaled as `InputScaling.apply` does, rounded
        down to a value of the format, and kept within its ends. Where it has none, or they are
        scaled already, they stay as they are, and must be values of the format.

        Parameters
        ----------
        x
            ``[batch, ...]`` raw samples.
        scaled
            Whether they are the model's input already.
        """
        x = np.asarray(x)
        if scaled or self.scaling is None:
            return x
        rows = self.scaling.apply(x, self.dtype).reshape(len(x), self.features)
        if np.isnan(rows).any():
            sample, feature = np.argwhere(np.isnan(rows))[0].tolist()
            raise InputError(f"sample {sample}, feature {feature}: is not a number")
        result = np.empty(rows.shape, self.dtype)
        for values, _, columns in self.alike:
            steps = np.floor(np.ldexp(rows[:, columns].astype(np.float64), values.fraction_bits))
            # highest + 1 is a power of two; the float64 below it is at most highest.
            top = min(float(values.highest), np.nextafter(float(values.highest + 1), 0.0))
            held = np.clip(steps, float(values.lowest), np.floor(top))
            result[:, columns] = np.ldexp(held, -values.fraction_bits).astype(self.dtype)
        return result.reshape(len(x), *self.shape)

    def codes(self, x: np.ndarray) -> np.ndarray:
        """Give what the port carries for each feature, ``code_dtype`` [batch, features].

        Parameters
        ----------
        x
            ``[batch, ...]`` numbers, flattened per sample in C order to ``[batch, features]``.

        Raises
        ------
        InputError
            If a value is not exactly one of the format; names the first sample and feature.
        """
        x = np.asarray(x)
        if x.ndim < 1 or x.size != x.shape[0] * self.features:
            raise InputError(
                f"input has shape {list(x.shape)}; the RTL takes {self.features} features per "
                "sample, with the samples on the first axis"
            )
        if x.dtype.kind not in "biuf":
            raise InputError(f"input has dtype {x.dtype}; the RTL takes numbers or bool")
        rows = x.reshape(len(x), self.features)
        codes = np.empty(rows.shape, self.code_dtype)
        for values, port, columns in self.alike:
            alike = isinstance(columns, slice)
            part = rows if alike else rows[:, columns]
            try:
                found = self._codes_of(part, values, port)
            except _NotRepresentableError as error:
                feature = error.column if alike else int(columns[error.column])
                raise InputError(f"sample {error.row}, feature {feature}: {error}") from None
            if alike:
                return found
            codes[:, columns] = found
        return codes

    def _codes_of(self, rows: np.ndarray, values: FixedPoint, port: FixedPoint) -> np.ndarray:
        if rows.dtype.itemsize == 1:
            every = np.arange(2 if rows.dtype == bool else 256, dtype=np.uint8).view(rows.dtype)
            with contextlib.suppress(_NotRepresentableError):  # else the values decide
                table = self._codes_of_rows(every[None], 0, values, port)[0]
                given = rows.view(np.uint8)
                if table.dtype == np.uint8 and (table == np.arange(len(table))).all():
                    return np.ascontiguousarray(given)  # to look each up takes longer than all
                return table[given]
        codes = np.empty(rows.shape, self.code_dtype)
        step = max(1, _BLOCK // max(1, rows.shape[1]))
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            codes[part] = self._codes_of_rows(rows[part], first, values, port)
        return codes

    def _codes_of_rows(
        self, rows: np.ndarray, first: int, values: FixedPoint, port: FixedPoint
    ) -> np.ndarray:
        scale = _scale_floats if rows.dtype.kind == "f" else _scale_integers
        codes, bad = scale(rows, values)
        if bad.any():
            row, column = np.argwhere(bad)[0].tolist()
            lowest, highest, step = (
                float(values.value(q)) for q in (values.lowest, values.highest, 1)
            )
            raise _NotRepresentableError(
                f"the value {rows[row, column]} is not one of the RTL's input format {values}, "
                f"which goes from {lowest:g} to {highest:g} in steps of {step:g}",
                first + row,
                column,
            )
        dropped = values.fraction_bits - port.fraction_bits
        kind = codes.dtype.type
        codes = codes >> kind(min(dropped, 63)) if dropped >= 0 else codes << kind(-dropped)
        return codes.astype(self.code_dtype)


class _NotRepresentableError(Exception):
    """A value that a format does not have, with its place."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message)
        self.row, self.column = row, column


def _scale_integers(x: np.ndarray, form: FixedPoint) -> tuple[np.ndarray, np.ndarray]:
    """Give codes, and which of them are wrong, without a detour through floats."""
    wide = x.astype(np.int64 if x.dtype.kind == "i" else np.uint64)
    shift = form.fraction_bits
    if shift >= 0:
        first, last = -(-form.lowest >> shift), form.highest >> shift
    else:
        first, last = form.lowest << -shift, form.highest << -shift
    limits = np.iinfo(wide.dtype)
    bad = (wide < max(first, limits.min)) | (wide > min(last, limits.max))
    if shift < 0:
        step = wide.dtype.type(1 << -shift)
        codes, bad = wide // step, bad | (wide % step != 0)
    else:
        codes = np.where(bad, wide.dtype.type(0), wide) << wide.dtype.type(shift)
    return codes.astype(np.int64 if form.signed else np.uint64), bad


def _scale_floats(x: np.ndarray, form: FixedPoint) -> tuple[np.ndarray, np.ndarray]:
    """Give codes, and which of them are wrong; a scaling by a power of two is exact."""
    scaled = np.ldexp(x.astype(np.float64), form.fraction_bits)
    # highest + 1 is a power of two, so exact as a float64 where highest need not be. NaN is wrong.
    good = (scaled >= form.lowest) & (scaled < form.highest + 1) & (np.rint(scaled) == scaled)
    codes = np.where(good, scaled, 0.0).astype(np.int64 if form.signed else np.uint64)
    return codes, ~good


@dataclass(frozen=True)
class ScoresPort:
    """Port ``scores``: the count of group g at ``scores[g*width +: width]``.

    The model's score is (count + bias)/tau + beta, each step in ``dtype``.
    """

    name: str
    groups: int
    width: int
    bias: float
    tau: float
    beta: float
    dtype: np.dtype

    def scores(self, counts: np.ndarray) -> np.ndarray:
        """Give the model's scores of counts int64[..., groups], in ``dtype``."""
        result = counts.astype(self.dtype)
        if self.bias != 0:
            result = result + self.dtype.type(np.float32(self.bias))
        if self.tau != 1:
            result = result / self.dtype.type(np.float32(self.tau))
        if self.beta != 0:
            result = result + self.dtype.type(np.float32(self.beta))
        return result.astype(self.dtype)


@dataclass(frozen=True)
class ClassPort:
    """Port ``class_index``: the lowest group with the largest count."""

    name: str
    width: int


@dataclass(frozen=True)
class TriggerPort:
    """Port ``trigger``: whether the count of a group is large enough."""

    name: str
    group: int
    at_least: int


@dataclass(frozen=True)
class BitsPort:
    """Port ``y`` of a network without a group sum: output bit i at ``y[i]``."""

    name: str
    bits: int
