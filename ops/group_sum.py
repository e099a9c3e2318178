"""GroupSum: counts of ones in equal groups of bits, scaled to class scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from lgnx.ops._operator import (
    Finding,
    NodeView,
    Operator,
    attribute,
    attribute_value,
    check_groups,
    input_dims,
    schema,
    set_output,
)

# No float16: runtimes without float16 arithmetic compute it in float32 and round once, so its
# result would depend on the runtime.
SCORE_TYPES = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.INT32: "int32",
    TensorProto.INT64: "int64",
}
SCORE_CONSTRAINT = ("tensor(float)", "tensor(double)", "tensor(int32)", "tensor(int64)")

# Every step is written even where its parameter is the default: adding 0 and dividing by 1 are
# exact, so leaving a step out and doing it are the same.
SCALE = """
  count = ReduceSum <keepdims = 0> (grouped, member_axis)
  count_typed = Cast <to: int = @dtype> (count)
  bias_value = Constant <value_float: float = @bias> ()
  bias_typed = Cast <to: int = @dtype> (bias_value)
  tau_value = Constant <value_float: float = @tau> ()
  tau_typed = Cast <to: int = @dtype> (tau_value)
  beta_value = Constant <value_float: float = @beta> ()
  beta_typed = Cast <to: int = @dtype> (beta_value)
  biased = Add (count_typed, bias_typed)
  scaled = Div (biased, tau_typed)
  y = Add (scaled, beta_typed)"""

BODY = (
    """
GroupSum <groups: int, bias: float = 0.0, tau: float = 1.0, beta: float = 0.0, dtype: int = 1>
(x) => (y) {
  last = Constant <value_ints = [-1]> ()
  groups_value = Constant <value_int: int = @groups> ()
  groups_shape = Reshape (groups_value, last)
  leading = Shape <start = 0, end = -1> (x)
  width = Shape <start = -1> (x)
  size = Div (width, groups_shape)
  shape = Concat <axis = 0> (leading, groups_shape, size)
  ones = Cast <to = 6> (x)
  grouped = Reshape <allowzero = 1> (ones, shape)
  x_shape = Shape (x)
  member_axis = Shape (x_shape)"""
    + SCALE
    + "\n}"
)


def _infer(context: Any) -> None:
    x = input_dims(context, 0)
    groups = attribute_value(context, "groups")
    dtype = attribute_value(context, "dtype", TensorProto.FLOAT)
    set_output(context, dtype, [*x[:-1], groups] if x and groups is not None else None)


def group_sum(
    x: np.ndarray,
    groups: int,
    bias: float = 0.0,
    tau: float = 1.0,
    beta: float = 0.0,
    dtype: int = TensorProto.FLOAT,
) -> np.ndarray:
    """Count ones in contiguous groups of the last axis, and scale the counts.

    Parameters
    ----------
    x
        bool [..., N]; ``groups`` divides N.
    bias, tau, beta
        float32 values; the score is (count + bias) / tau + beta, every step in ``dtype``.
    dtype
        ONNX element type of the result.

    Returns
    -------
    numpy.ndarray
        Scores [..., groups] of ``dtype``.
    """
    size = x.shape[-1] // groups
    counts = [np.count_nonzero(x[..., g * size : (g + 1) * size], axis=-1) for g in range(groups)]
    return scale_counts(np.stack(counts, axis=-1), bias, tau, beta, dtype)


def scale_counts(
    counts: np.ndarray, bias: float, tau: float, beta: float, dtype: int
) -> np.ndarray:
    """Turn integer counts into scores of the ONNX element type ``dtype``."""
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    y = np.asarray(counts).astype(kind)
    if bias != 0:
        y = y + kind.type(np.float32(bias))
    if tau != 1:
        y = y / kind.type(np.float32(tau))
    if beta != 0:
        y = y + kind.type(np.float32(beta))
    return np.asarray(y, dtype=kind)


def check_scale(node: NodeView) -> Iterator[Finding]:
    """Find scales that have no meaning."""
    dtype = node.attributes.get("dtype", TensorProto.FLOAT)
    if dtype not in SCORE_TYPES:
        names = ", ".join(f"{value} ({name})" for value, name in SCORE_TYPES.items())
        yield "error", "attribute dtype", f"is {dtype}, must be one of {names}"
        return
    integer = dtype in (TensorProto.INT32, TensorProto.INT64)
    limit = 2.0 ** (31 if dtype == TensorProto.INT32 else 63)
    tau = node.attributes.get("tau", 1.0)
    if not (np.isfinite(tau) and tau > 0):
        yield "error", "attribute tau", f"is {tau:g}, must be finite and greater than 0"
    elif integer and tau != 1:
        yield "error", "attribute tau", f"is {tau:g}, must be 1 for {SCORE_TYPES[dtype]} scores"
    for name in ("bias", "beta"):
        value = node.attributes.get(name, 0.0)
        if not np.isfinite(value):
            yield "error", f"attribute {name}", f"is {value:g}, must be finite"
        elif integer and value != int(value):
            yield (
                "error",
                f"attribute {name}",
                f"is {value:g}, must be a whole number for {SCORE_TYPES[dtype]} scores",
            )
        elif integer and not -limit <= value < limit:
            yield (
                "error",
                f"attribute {name}",
                f"is {value:g}, must fit {SCORE_TYPES[dtype]} scores",
            )


def _check(node: NodeView) -> Iterator[Finding]:
    shape = node.shapes.get("x")
    if shape is not None and len(shape) == 0:
        yield "error", "input x", "is a scalar, must have an axis of bits"
    if "groups" in node.attributes:
        yield from check_groups(node.attributes["groups"], shape[-1] if shape else None)
    yield from check_scale(node)


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


SCALE_ATTRIBUTES = (
    attribute("bias", 0.0, "Added to the count. Finite; a whole number of T for integer scores."),
    attribute("tau", 1.0, "Divides the sum. Finite and > 0; 1 for integer scores."),
    attribute("beta", 0.0, "Added at the end. Finite; a whole number of T for integer scores."),
)

OPERATOR = Operator(
    schema=schema(
        "GroupSum",
        "Counts the ones in equal, contiguous groups of the last axis and scales the counts.",
        [("x", "tensor(bool)", "Bits, shape [..., N]; groups divides N.")],
        ("T", "Scores, shape [..., groups]."),
        _infer,
        types={"T": SCORE_CONSTRAINT},
        attributes=[
            attribute("groups", "INT", "Number of groups, >= 1; divides N."),
            *SCALE_ATTRIBUTES,
            attribute(
                "dtype",
                int(TensorProto.FLOAT),
                "Element type of the scores: 1 (float), 11 (double), 6 (int32), 7 (int64).",
            ),
        ],
    ),
    reference=group_sum,
    body=_body,
    check=_check,
    formula=(
        "count[..., g] = number of ones in x[..., g * N / groups : (g + 1) * N / groups]\n"
        "y = (T(count) + T(bias)) / T(tau) + T(beta), each step rounded to T"
    ),
    output_shape="dtype [*x.shape[:-1], groups]",
    caption="(count + 1) / 2 of two groups of three bits.",
    notes=[
        "T is dtype. bias, tau and beta are float32 attributes, converted to T, which is exact for "
        "every T that they may be used with.",
        "For float and double each of the conversion of the count, the addition, the division and "
        "the second addition rounds to nearest, ties to even. Nothing is fused or reordered, so "
        "two implementations agree on every bit. Adding 0 and dividing by 1 are exact: leaving "
        "them out is no difference, save for the sign of a zero that a division underflows to.",
        "A sum beyond the largest float is infinite, as IEEE 754 says. Integer sums wrap around "
        "modulo 2^32 or 2^64.",
        "(count + beta) / tau, as torchlogix has it, is bias = beta; count / tau + beta is beta.",
        "x may have any number of leading axes, none included. N may be 0: the counts are 0.",
        "float16 is not among the types: runtimes compute it in float32 and round once, or step "
        "by step, and so differ.",
    ],
    example=(
        [np.array([[1, 1, 0, 1, 0, 0]], bool)],
        {"groups": 2, "bias": 1.0, "tau": 2.0},
    ),
)
