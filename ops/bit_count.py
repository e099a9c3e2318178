"""BitCount: vertical counts over groups of packed rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

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
from lgnx.ops.unpack_bits import UNPACK, check_batch, check_packed

BODY = (
    "\nBitCount <groups: int> (x, batch) => (y) {"
    + UNPACK
    + """
  groups_value = Constant <value_int: int = @groups> ()
  groups_shape = Reshape (groups_value, last)
  size = Div (n, groups_shape)
  grouped_shape = Concat <axis = 0> (groups_shape, size, batch)
  ones = Cast <to = 6> (rows)
  grouped = Reshape <allowzero = 1> (ones, grouped_shape)
  count = ReduceSum <keepdims = 0> (grouped, one)
  y = Transpose <perm = [1, 0]> (count)
}"""
)


def _infer(context: Any) -> None:
    groups = attribute_value(context, "groups")
    x = input_dims(context, 0)
    known = groups is not None and (x is None or len(x) == 2)
    set_output(context, TensorProto.INT32, [None, groups] if known else None)


def bit_count(x: np.ndarray, batch: np.ndarray, groups: int) -> np.ndarray:
    """Count, for each sample, the ones in equal groups of rows.

    Parameters
    ----------
    x
        uint64 [N, W]; ``groups`` divides N.
    batch
        int64 [1], the batch size B, with W = ceil(B / 64).

    Returns
    -------
    numpy.ndarray
        int32 [B, groups].

    Raises
    ------
    InputError
        If W is not ceil(batch / 64).
    """
    samples = check_batch(x, batch)
    size = len(x) // groups
    y = np.zeros((samples, groups), dtype=np.int32)
    for row in range(len(x)):
        for sample in range(samples):
            y[sample, row // size] += int(x[row, sample // 64]) >> (sample % 64) & 1
    return y


def _check(node: NodeView) -> Iterator[Finding]:
    shape = node.shapes.get("x")
    if "groups" in node.attributes:
        yield from check_groups(node.attributes["groups"], shape[0] if shape else None)
    yield from check_packed(node)


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "BitCount",
        "Counts, for each sample, the ones in equal, contiguous groups of packed rows.",
        [
            ("x", "tensor(uint64)", "Words, shape [N, W]; groups divides N."),
            ("batch", "tensor(int64)", "Shape [1], the batch size B; W = ceil(B / 64)."),
        ],
        ("tensor(int32)", "Counts, shape [B, groups]."),
        _infer,
        attributes=[attribute("groups", "INT", "Number of groups, >= 1; divides N.")],
    ),
    reference=bit_count,
    body=_body,
    check=_check,
    formula=(
        "y[s, g] = number of rows n in g * N / groups ... (g + 1) * N / groups - 1 for which\n"
        "bit s % 64 of x[n, s // 64] is 1,    0 <= s < B = batch[0]"
    ),
    output_shape="int32 [B, groups]; B is not inferred",
    caption="the rows 0 and 1, and the rows 2 and 3, are a group each.",
    notes=[
        "Bits behind the last sample do not matter; they need not be 0.",
        "W must be ceil(B / 64): more words are an error, not ignored. B = 0 takes W = 0.",
        "N may be 0: the counts are 0.",
    ],
    example=(
        [np.array([[3], [6], [1], [0]], np.uint64), np.array([3], np.int64)],
        {"groups": 2},
    ),
)
