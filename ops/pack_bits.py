"""PackBits: 64 samples of a bit into one word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from lgnx.ops._operator import Finding, NodeView, Operator, input_dims, schema, set_output


def _merge(source: str, target: str, shift: str) -> str:
    """Two neighbours of the last axis become one: even | odd << shift."""
    return f"""
  even_{target} = Slice ({source}, zero, end, last, two)
  odd_{target} = Slice ({source}, one, end, last, two)
  up_{target} = BitShift <direction = "LEFT"> (odd_{target}, {shift})
  {target} = BitwiseOr (even_{target}, up_{target})"""


# Neighbouring bits are merged pairwise, first within bytes, then bytes to words: packed words are
# never summed, since ReduceSum on 64-bit integers is not exact in every runtime.
BODY = (
    """
PackBits (x) => (y) {
  last = Constant <value_ints = [-1]> ()
  zero = Constant <value_ints = [0]> ()
  one = Constant <value_ints = [1]> ()
  two = Constant <value_ints = [2]> ()
  end = Constant <value_ints = [9223372036854775807]> ()
  n63 = Constant <value_ints = [63]> ()
  n64 = Constant <value_ints = [64]> ()
  s1 = Constant <value = uint8 {1}> ()
  s2 = Constant <value = uint8 {2}> ()
  s4 = Constant <value = uint8 {4}> ()
  s8 = Constant <value = uint64 {8}> ()
  s16 = Constant <value = uint64 {16}> ()
  s32 = Constant <value = uint64 {32}> ()
  batch = Shape <start = 0, end = 1> (x)
  n = Shape <start = 1, end = 2> (x)
  rounded = Add (batch, n63)
  words = Div (rounded, n64)
  full = Mul (words, n64)
  missing = Sub (full, batch)
  amounts = Concat <axis = 0> (zero, zero, zero, missing)
  bits = Cast <to = 2> (x)
  rows = Transpose <perm = [1, 0]> (bits)
  padded = Pad (rows, amounts)
  shape = Concat <axis = 0> (n, words, n64)
  b1 = Reshape <allowzero = 1> (padded, shape)"""
    + _merge("b1", "b2", "s1")
    + _merge("b2", "b4", "s2")
    + _merge("b4", "b8", "s4")
    + "\n  w8 = Cast <to = 13> (b8)"
    + _merge("w8", "w16", "s8")
    + _merge("w16", "w32", "s16")
    + _merge("w32", "w64", "s32")
    + """
  y = Squeeze (w64, last)
}"""
)


def _infer(context: Any) -> None:
    x = input_dims(context, 0)
    if x is None or len(x) != 2:
        set_output(context, TensorProto.UINT64, None)
        return
    words = -(-x[0] // 64) if isinstance(x[0], int) else None
    set_output(context, TensorProto.UINT64, [x[1], words])


def pack_bits(x: np.ndarray) -> np.ndarray:
    """Pack the batch axis into words.

    Parameters
    ----------
    x
        bool [B, N].

    Returns
    -------
    numpy.ndarray
        uint64 [N, ceil(B / 64)]; sample s is bit s % 64 of word s // 64, unused bits are 0.
    """
    batch, n = x.shape
    y = np.zeros((n, -(-batch // 64)), dtype=np.uint64)
    for sample in range(batch):
        y[:, sample // 64] |= x[sample].astype(np.uint64) << np.uint64(sample % 64)
    return y


def _check(node: NodeView) -> Iterator[Finding]:
    shape = node.shapes.get("x")
    if shape is not None and len(shape) != 2:
        yield "error", "input x", f"has rank {len(shape)}, must be 2"


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "PackBits",
        "Packs the batch axis of a matrix of bits into 64-bit words and puts the bits first.",
        [("x", "tensor(bool)", "Bits, shape [B, N].")],
        ("tensor(uint64)", "Words, shape [N, ceil(B / 64)]; unused bits are 0."),
        _infer,
    ),
    reference=pack_bits,
    body=_body,
    check=_check,
    formula=(
        "bit s % 64 of y[n, s // 64] = x[s, n]    0 <= s < B\n"
        "bit s % 64 of y[n, s // 64] = 0          B <= s < 64 * W"
    ),
    output_shape="uint64 [N, W] with W = ceil(B / 64)",
    caption="three samples of two bits: bit 0 is 1 in the samples 0 and 1, bit 1 in 1 and 2.",
    notes=[
        "Bit 0 is the least significant one of a word: the words are numbers, whatever the order "
        "of bytes in memory.",
        "B = 0 gives [N, 0], N = 0 gives [0, W].",
    ],
    example=([np.array([[1, 0], [1, 1], [0, 1]], bool)], {}),
)
