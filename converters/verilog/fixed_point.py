"""Fixed-point formats, and thresholds as exact integer comparisons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lgnx.ops.errors import InputError

MAX_WIDTH = 64

_PATTERN = re.compile(r"\s*(u?)fixed\s*<\s*(\d+)\s*,\s*(-?\d+)\s*>\s*")
_INTEGERS = {f"{u}int{bits}": (bits, u == "") for u in ("", "u") for bits in (8, 16, 32, 64)}


@dataclass(frozen=True)
class FixedPoint:
    """A fixed-point format: the value of code q is q / 2^fraction_bits.

    Attributes
    ----------
    width
        Bits, 1 to 64.
    fraction_bits
        Bits behind the binary point; negative for multiples of a power of two.
    signed
        Whether codes are in two's complement.
    """

    width: int
    fraction_bits: int
    signed: bool

    def __str__(self) -> str:
        prefix = "" if self.signed else "u"
        return f"{prefix}fixed<{self.width},{self.width - self.fraction_bits}>"

    @property
    def lowest(self) -> int:
        """Smallest code."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """Largest code."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    def value(self, code: int) -> Fraction:
        """Value of a code, exactly."""
        return Fraction(code) / Fraction(2) ** self.fraction_bits


BIT = FixedPoint(width=1, fraction_bits=0, signed=False)


def parse_format(text: str) -> FixedPoint:
    """Read a format.

    Parameters
    ----------
    text
        ``fixed<W,I>`` or ``ufixed<W,I>``: W bits, of which I stand before the binary point (as
        ap_fixed and ap_ufixed of high-level synthesis); an integer dtype such as ``uint8``; or
        ``bit``.

    Raises
    ------
    InputError
        If it is none of these, or wider than 64 bits.
    """
    name = text.strip().removeprefix("ap_")
    if name in ("bit", "bool"):
        return BIT
    if name in _INTEGERS:
        width, signed = _INTEGERS[name]
        return FixedPoint(width, 0, signed)
    match = _PATTERN.fullmatch(name)
    if not match:
        raise InputError(
            f"format {text!r}: must be fixed<W,I>, ufixed<W,I>, an integer type such as uint8, "
            "or bit"
        )
    width, integer = int(match[2]), int(match[3])
    if not 1 <= width <= MAX_WIDTH:
        raise InputError(f"format {text!r}: the width is {width}, must be 1 to {MAX_WIDTH}")
    if abs(width - integer) > 62:
        raise InputError(f"format {text!r}: more than 62 bits before or behind the binary point")
    return FixedPoint(width, width - integer, not match[1])


def check_dtype(form: FixedPoint, dtype: np.dtype) -> None:
    """Check that every value of a format exists in the dtype of the model's input.

    Raises
    ------
    InputError
        If not: the model would then see rounded values.
    """
    if dtype.kind == "f":
        info = np.finfo(dtype)
        bits = form.width - int(form.signed)
        big = form.value(form.highest) > Fraction(float(info.max))
        if bits > info.nmant + 1 or big:
            raise InputError(
                f"input format {form}: {dtype} holds {info.nmant + 1} bits exactly, the format "
                f"has {bits}"
            )
    elif dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if form.fraction_bits > 0:
            raise InputError(
                f"input format {form}: has a fraction, but the model's input is {dtype}"
            )
        low, high = form.value(form.lowest), form.value(form.highest)
        if low < limits.min or high > limits.max:
            raise InputError(
                f"input format {form}: reaches {low} to {high}, the model's input is {dtype}"
            )
    elif form != BIT:
        raise InputError(f"input format {form}: the model's input is {dtype}, use bit")


def comparison(threshold: float | int, strict: bool, form: FixedPoint) -> int:
    """Give T such that for every code q: value(q) > threshold (or >=) exactly when q > T.

    Parameters
    ----------
    threshold
        Not NaN; may be infinite.
    strict
        Whether the decision is > rather than >=.

    Returns
    -------
    int
        T, clipped to lowest - 1 (always true) ... highest (always false).
    """
    if isinstance(threshold, float) and np.isinf(threshold):
        exact = form.highest if threshold > 0 else form.lowest - 1
    else:
        scaled = Fraction(threshold) * Fraction(2) ** form.fraction_bits
        floor = scaled.numerator // scaled.denominator
        exact = floor if strict or floor != scaled else floor - 1
    return min(max(exact, form.lowest - 1), form.highest)


def through_port(code: int, form: FixedPoint, port: FixedPoint) -> int | None:
    """Carry a comparison over to a port that is narrower than the input format.

    The port carries floor(value * 2^port.fraction_bits).

    Parameters
    ----------
    code
        T of `comparison` in ``form``; not a constant decision.

    Returns
    -------
    int or None
        T' with: q > T exactly when the port's code > T'. None where the port drops bits that the
        decision needs.
    """
    first = form.value(code + 1) * Fraction(2) ** port.fraction_bits  # smallest value that is above
    return int(first) - 1 if first.denominator == 1 else None


def fraction_bits_needed(code: int, form: FixedPoint) -> int:
    """Fraction bits that a port needs for the decision of `comparison`."""
    first = form.value(code + 1)
    bits = form.fraction_bits
    while bits > -62 and (first * Fraction(2) ** (bits - 1)).denominator == 1:
        bits -= 1
    return bits


def check_port(form: FixedPoint, port: FixedPoint) -> None:
    """Check that a port holds the floor of every value of the input format.

    Raises
    ------
    InputError
        If not; the message names a format that would.
    """
    scale = Fraction(2) ** port.fraction_bits
    low, high = (int((form.value(code) * scale) // 1) for code in (form.lowest, form.highest))
    if low >= port.lowest and high <= port.highest:
        return
    signed = low < 0
    width = max(high.bit_length(), (-low - 1).bit_length() if signed else 0) + int(signed)
    wanted = FixedPoint(max(width, 1), port.fraction_bits, signed)
    raise InputError(
        f"port format {port}: does not hold the values of the input format {form}; {wanted} would"
    )
