"""Operators on single elements, comparisons, and reductions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from lgnx.converters.torch_standard import shapes
from lgnx.converters.torch_standard._table import NUMBERS, Standard, register_in
from lgnx.converters.torch_standard.shapes import integers

__all__ = ["OPERATORS"]

OPERATORS: dict[str, Standard] = {}
operator = register_in(OPERATORS, NUMBERS)


@operator("Add", on_sizes=shapes.sizes_add)
def add(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Sum."""
    return A + B


@operator("Sub", on_sizes=shapes.sizes_sub)
def sub(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Difference."""
    return A - B


@operator("Mul", on_sizes=shapes.sizes_mul)
def mul(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Product."""
    return A * B


@operator("Div", on_sizes=shapes.sizes_div)
def div(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Quotient; that of integers is rounded towards 0."""
    return A / B if A.is_floating_point() else torch.div(A, B, rounding_mode="trunc")


@operator("Mod")
def mod(A: torch.Tensor, B: torch.Tensor, fmod: int = 0) -> torch.Tensor:
    """Remainder with the sign of the divisor, or with fmod that of the dividend."""
    return torch.fmod(A, B) if fmod else torch.remainder(A, B)


@operator("Pow")
def power(X: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    """Power, in the type of the base."""
    return torch.pow(X, Y).to(X.dtype)


@operator("Neg")
def neg(X: torch.Tensor) -> torch.Tensor:
    """Negation."""
    return -X


@operator("Abs")
def absolute(X: torch.Tensor) -> torch.Tensor:
    """Absolute value."""
    return X.abs()


@operator("Sign")
def sign(input: torch.Tensor) -> torch.Tensor:
    """-1, 0 or 1."""
    return input.sign()


@operator("Floor")
def floor(X: torch.Tensor) -> torch.Tensor:
    """Largest whole number that is not more."""
    return X.floor()


@operator("Ceil")
def ceil(X: torch.Tensor) -> torch.Tensor:
    """Smallest whole number that is not less."""
    return X.ceil()


@operator("Round")
def round_(X: torch.Tensor) -> torch.Tensor:
    """Nearest whole number, ties to even."""
    return X.round()


@operator("Sqrt")
def sqrt(X: torch.Tensor) -> torch.Tensor:
    """Square root."""
    return X.sqrt()


@operator("Exp")
def exp(input: torch.Tensor) -> torch.Tensor:
    """Exponential."""
    return input.exp()


@operator("Log")
def log(input: torch.Tensor) -> torch.Tensor:
    """Natural logarithm."""
    return input.log()


@operator("Reciprocal")
def reciprocal(X: torch.Tensor) -> torch.Tensor:
    """1 / x."""
    return X.reciprocal()


@operator("IsNaN")
def is_nan(X: torch.Tensor) -> torch.Tensor:
    """Tell which elements are NaN."""
    return X.isnan()


@operator("Clip")
def clip(
    input: torch.Tensor, min: torch.Tensor | None = None, max: torch.Tensor | None = None
) -> torch.Tensor:
    """Keep elements within bounds."""
    return input if min is None and max is None else torch.clamp(input, min, max)


def _fold(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], values: Sequence[torch.Tensor]
) -> torch.Tensor:
    return functools.reduce(function, values)


@operator("Sum")
def sum_(data_0: Sequence[torch.Tensor]) -> torch.Tensor:
    """Sum of tensors."""
    return _fold(torch.add, data_0)


@operator("Max")
def maximum(data_0: Sequence[torch.Tensor]) -> torch.Tensor:
    """Largest of each element of tensors."""
    return _fold(torch.maximum, data_0)


@operator("Min")
def minimum(data_0: Sequence[torch.Tensor]) -> torch.Tensor:
    """Smallest of each element of tensors."""
    return _fold(torch.minimum, data_0)


@operator("And")
def and_(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A and B."""
    return A & B


@operator("Or")
def or_(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A or B."""
    return A | B


@operator("Xor")
def xor(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A or B, not both."""
    return A ^ B


@operator("Not")
def not_(X: torch.Tensor) -> torch.Tensor:
    """Not."""
    return ~X


@operator("BitwiseAnd")
def bitwise_and(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """And, bit by bit."""
    return A & B


@operator("BitwiseOr")
def bitwise_or(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Or, bit by bit."""
    return A | B


@operator("BitwiseXor")
def bitwise_xor(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Exclusive or, bit by bit."""
    return A ^ B


@operator("BitwiseNot")
def bitwise_not(X: torch.Tensor) -> torch.Tensor:
    """Not, bit by bit."""
    return ~X


@operator("BitShift")
def bit_shift(X: torch.Tensor, Y: torch.Tensor, direction: str) -> torch.Tensor:
    """Shift."""
    return X << Y if direction == "LEFT" else X >> Y


@operator("Equal", types=None)
def equal(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A = B."""
    return A == B


@operator("Greater")
def greater(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A > B."""
    return A > B


@operator("GreaterOrEqual")
def greater_or_equal(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A >= B."""
    return A >= B


@operator("Less")
def less(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A < B."""
    return A < B


@operator("LessOrEqual")
def less_or_equal(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """A <= B."""
    return A <= B


def _axes(data: torch.Tensor, axes: Any, noop_with_empty_axes: int) -> tuple[int, ...] | None:
    """Axes of a reduction; None if nothing is to be reduced."""
    numbers = [] if axes is None else integers(axes)
    if numbers:
        return tuple(a % data.ndim for a in numbers)
    return None if noop_with_empty_axes else tuple(range(data.ndim))


@operator("ReduceSum", sizes=("axes",))
def reduce_sum(
    data: torch.Tensor, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> torch.Tensor:
    """Sum along axes, in the tensor's own type."""
    along = _axes(data, axes, noop_with_empty_axes)
    return data if along is None else data.sum(along, bool(keepdims), dtype=data.dtype)


@operator("ReduceMean", sizes=("axes",))
def reduce_mean(
    data: torch.Tensor, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> torch.Tensor:
    """Mean along axes."""
    along = _axes(data, axes, noop_with_empty_axes)
    return data if along is None else data.mean(along, bool(keepdims))


@operator("ReduceMax", sizes=("axes",))
def reduce_max(
    data: torch.Tensor, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> torch.Tensor:
    """Largest along axes."""
    along = _axes(data, axes, noop_with_empty_axes)
    return data if along is None else data.amax(along, bool(keepdims))


@operator("ReduceMin", sizes=("axes",))
def reduce_min(
    data: torch.Tensor, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> torch.Tensor:
    """Smallest along axes."""
    along = _axes(data, axes, noop_with_empty_axes)
    return data if along is None else data.amin(along, bool(keepdims))


@operator("ReduceProd", sizes=("axes",), on_sizes=shapes.sizes_prod)
def reduce_prod(
    data: torch.Tensor, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> torch.Tensor:
    """Product along axes, in the tensor's own type."""
    along = _axes(data, axes, noop_with_empty_axes)
    for axis in sorted(along or (), reverse=True):
        data = data.prod(axis, bool(keepdims), dtype=data.dtype)
    return data


@operator("ArgMax")
def arg_max(
    data: torch.Tensor, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> torch.Tensor:
    """Where the largest is along an axis; the first, or the last, of equal ones."""
    return _arg_extreme(torch.argmax, data, axis, keepdims, select_last_index)


@operator("ArgMin")
def arg_min(
    data: torch.Tensor, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
) -> torch.Tensor:
    """Where the smallest is along an axis; the first, or the last, of equal ones."""
    return _arg_extreme(torch.argmin, data, axis, keepdims, select_last_index)


def _arg_extreme(
    function: Callable[..., torch.Tensor], data: torch.Tensor, axis: int, keepdims: int, last: int
) -> torch.Tensor:
    if not last:
        return function(data, axis, bool(keepdims))
    return data.shape[axis] - 1 - function(data.flip(axis), axis, bool(keepdims))


@operator("CumSum", sizes=("axis",))
def cum_sum(x: torch.Tensor, axis: Any, reverse: int = 0, exclusive: int = 0) -> torch.Tensor:
    """Sums of all elements up to each, or from each with reverse; without it if exclusive."""
    (along,) = integers(axis)
    turned = x.flip(along) if reverse else x
    sums = turned.cumsum(along, dtype=x.dtype)
    if exclusive:
        sums = sums - turned
    return sums.flip(along) if reverse else sums
