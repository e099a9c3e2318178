"""UnpackBits: words of 64 samples back to bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from lgnx.ops._operator import Finding, NodeView, Operator, input_dims, schema, set_output
from lgnx.ops.errors import InputError

# Shared with BitCount: bool [N, batch] named "rows" of the words "x".
UNPACK = """
  zero = Constant <value_ints = [0]> ()
  one = Constant <value_ints = [1]> ()
  n64 = Constant <value_ints = [64]> ()
  last = Constant <value_ints = [-1]> ()
  first = Constant <value = int64 {0}> ()
  step = Constant <value = int64 {1}> ()
  limit = Constant <value = int64 {64}> ()
  u1 = Constant <value = uint64 {1}> ()
  positions64 = Range (first, limit, step)
  positions = Cast <to = 13> (positions64)
  columns = Unsqueeze (x, last)
  shifted = BitShift <direction = "RIGHT"> (columns, positions)
  masked = BitwiseAnd (shifted, u1)
  expanded = Cast <to = 9> (masked)
  n = Shape <start = 0, end = 1> (x)
  words = Shape <start = 1, end = 2> (x)
  samples = Mul (words, n64)
  shape = Concat <axis = 0> (n, samples)
  all_rows = Reshape <allowzero = 1> (expanded, shape)
  rows = Slice (all_rows, zero, batch, one)"""

BODY = (
    "\nUnpackBits (x, batch) => (y) {"
    + UNPACK
    + """
  y = Transpose <perm = [1, 0]> (rows)
}"""
)


def _infer(context: Any) -> None:
    x = input_dims(context, 0)
    set_output(context, TensorProto.BOOL, [None, x[0]] if x is not None and len(x) == 2 else None)


def check_batch(x: np.ndarray, batch: np.ndarray) -> int:
    """Give the batch size; W must be ceil(batch / 64).

    Raises
    ------
    InputError
        If it is not.
    """
    size = int(np.asarray(batch).reshape(1)[0])
    if size < 0 or x.shape[1] != -(-size // 64):
        raise InputError(f"batch is {size}, which does not fit {x.shape[1]} words of 64 samples")
    return size


def unpack_bits(x: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Undo `lgnx.ops.pack_bits.pack_bits`.

    Parameters
    ----------
    x
        uint64 [N, W].
    batch
        int64 [1], the batch size B, with W = ceil(B / 64).

    Returns
    -------
    numpy.ndarray
        bool [B, N].

    Raises
    ------
    InputError
        If W is not ceil(batch / 64).
    """
    size = check_batch(x, batch)
    y = np.zeros((size, x.shape[0]), dtype=bool)
    for sample in range(size):
        y[sample] = (x[:, sample // 64] >> np.uint64(sample % 64)) & np.uint64(1)
    return y


def check_packed(node: NodeView) -> Iterator[Finding]:
    """Find a batch input that does not fit the words."""
    batch, shape = node.constants.get("batch"), node.shapes.get("x")
    extents = node.shapes.get("batch")
    if shape is not None and len(shape) != 2:
        yield "error", "input x", f"has rank {len(shape)}, must be 2"
        return
    if extents is not None and extents not in ([1], [None]):
        yield "error", "input batch", f"has shape {extents}, must be [1]"
        return
    if batch is None:
        return
    size = int(batch[0])
    words = shape[1] if shape else None
    if size < 0:
        yield "error", "input batch", f"is {size}, must not be negative"
    elif words is not None and words != -(-size // 64):
        yield "error", "input batch", f"is {size}, which does not fit {words} words of 64 samples"


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "UnpackBits",
        "Turns words of 64 samples back into a matrix of bits, batch first.",
        [
            ("x", "tensor(uint64)", "Words, shape [N, W]."),
            ("batch", "tensor(int64)", "Shape [1], the batch size B; W = ceil(B / 64)."),
        ],
        ("tensor(bool)", "Bits, shape [B, N]."),
        _infer,
    ),
    reference=unpack_bits,
    body=_body,
    check=check_packed,
    formula="y[s, n] = bit s % 64 of x[n, s // 64]    0 <= s < B = batch[0]",
    output_shape="bool [B, N]; B is not inferred",
    caption="what PackBits gave in its example.",
    notes=[
        "Bits behind the last sample do not matter; they need not be 0.",
        "W must be ceil(B / 64): more words are an error, not ignored. B = 0 takes W = 0.",
    ],
    example=([np.array([[3], [6]], np.uint64), np.array([3], np.int64)], {}),
)
