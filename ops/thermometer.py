"""Thermometer: numbers to bits, by comparison with thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from lgnx.ops._operator import (
    FLOATS,
    INTEGERS,
    Finding,
    NodeView,
    Operator,
    attribute,
    input_dims,
    schema,
    set_output,
)

BODY = """
Thermometer <strict: int = 1> (x, thresholds) => (y) {
  last = Constant <value_ints = [-1]> ()
  feature = Unsqueeze (x, last)
  above = Greater (feature, thresholds)
  equal = Equal (feature, thresholds)
  strict_value = Constant <value_int: int = @strict> ()
  zero = Constant <value_int = 0> ()
  inclusive = Equal (strict_value, zero)
  counted_equal = And (equal, inclusive)
  y = Or (above, counted_equal)
}"""


def _infer(context: Any) -> None:
    x, thresholds = input_dims(context, 0), input_dims(context, 1)
    dims = None if x is None or not thresholds else [*x, thresholds[-1]]
    set_output(context, TensorProto.BOOL, dims)


def thermometer(x: np.ndarray, thresholds: np.ndarray, strict: int = 1) -> np.ndarray:
    """Compare each number with its thresholds.

    Parameters
    ----------
    x
        [..., ], any float or integer dtype.
    thresholds
        Same dtype, broadcastable against ``x[..., None]``; the last axis holds the thresholds.
    strict
        1 for ``x > t``, 0 for ``x >= t``.

    Returns
    -------
    numpy.ndarray
        bool, shape of x plus one axis; NaN gives False.
    """
    with np.errstate(invalid="ignore"):
        return x[..., None] > thresholds if strict else x[..., None] >= thresholds


def check_strict(node: NodeView) -> Iterator[Finding]:
    """Find another value than 0 or 1."""
    strict = node.attributes.get("strict", 1)
    if strict not in (0, 1):
        yield "error", "attribute strict", f"is {strict}, must be 0 (x >= t) or 1 (x > t)"


def check_thresholds(node: NodeView) -> Iterator[Finding]:
    """Find thresholds that cannot be used, or that look like a mistake."""
    thresholds = node.constants.get("thresholds")
    if thresholds is None:
        return
    if thresholds.ndim == 0:
        yield "error", "input thresholds", "is a scalar, must have an axis of thresholds"
        return
    if thresholds.shape[-1] == 0:
        yield "error", "input thresholds", "has no thresholds on its last axis"
    if np.isnan(thresholds.astype(np.float64)).any():
        count = int(np.isnan(thresholds.astype(np.float64)).sum())
        yield "error", "input thresholds", f"{count} of {thresholds.size} thresholds are NaN"
    elif (thresholds[..., 1:] < thresholds[..., :-1]).any():
        yield "warning", "input thresholds", "are not sorted along the last axis"
    shape = node.shapes.get("x")
    if shape is None:
        return
    if thresholds.ndim > len(shape) + 1:
        yield (
            "error",
            "input thresholds",
            f"has rank {thresholds.ndim}, at most {len(shape) + 1} fits x of rank {len(shape)}",
        )
        return
    for size, extent in zip(reversed(thresholds.shape[:-1]), reversed(shape), strict=False):
        if size != 1 and extent is not None and size != extent:
            yield (
                "error",
                "input thresholds",
                f"shape {list(thresholds.shape)} does not broadcast against x of shape "
                f"{['?' if n is None else n for n in shape]} with an axis added",
            )
            return


def _check(node: NodeView) -> Iterator[Finding]:
    yield from check_strict(node)
    yield from check_thresholds(node)


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "Thermometer",
        "Turns numbers into bits: one bit for each threshold, on a new last axis.",
        [
            ("x", "T", "Numbers, shape [...]."),
            (
                "thresholds",
                "T",
                "Thresholds, broadcastable against x with an axis appended; the last axis, of "
                "size B, runs over the thresholds of one number. Not NaN.",
            ),
        ],
        ("tensor(bool)", "Bits, shape [..., B]."),
        _infer,
        types={"T": (*FLOATS, *INTEGERS)},
        attributes=[attribute("strict", 1, "1: a bit is x > t. 0: a bit is x >= t.")],
    ),
    reference=thermometer,
    body=_body,
    check=_check,
    formula=(
        "y[..., b] = x[...] > thresholds'[..., b]     if strict = 1\n"
        "y[..., b] = x[...] >= thresholds'[..., b]    if strict = 0\n"
        "thresholds' = thresholds broadcast to the shape of x with B appended"
    ),
    output_shape="bool [*x.shape, B] with B = thresholds.shape[-1]",
    caption="the numbers 0.2 and 0.6 with three thresholds.",
    notes=[
        "The comparison is that of T, exact: nothing is converted or rounded. A model whose "
        "numbers and thresholds differ in type has a Cast in front.",
        "NaN in x gives 0 for every threshold, with either value of strict. Infinities compare "
        "as IEEE 754 says; -0.0 equals 0.0.",
        "Bits keep the order of the thresholds: they need not be sorted or distinct. Unsorted "
        "ones are a warning of lgnx.check, since they are often a mistake.",
        "Thresholds never widen x: each of their axes but the last has extent 1 or that of x. The "
        "same thresholds for every number have shape [B], one row for each feature of "
        "x [batch, F] has shape [F, B], one row for each channel of an image has [C, 1, 1, B].",
        "x may be a scalar; y then has shape [B]. Where an extent of x is 0, y is empty.",
    ],
    constants={"thresholds": "to lower"},
    example=(
        [np.array([0.2, 0.6], np.float32), np.array([0.25, 0.5, 0.75], np.float32)],
        {},
    ),
)
