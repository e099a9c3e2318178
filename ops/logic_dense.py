"""LogicDense: a layer of truth tables, each reading k bits of its input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from lgnx.ops._operator import Finding, NodeView, Operator, input_dims, schema, set_output
from lgnx.ops.tables import MAX_INPUTS, table_bytes

# The address of a table entry is a sum of powers of two; its byte is fetched from the tables laid
# out flat, so that every batch shape takes the same path. The axis of the sum is the rank of x and
# not -1, which onnxruntime 1.23 does not take for an empty batch.
BODY = """
LogicDense (x, indices, tables) => (y) {
  flat = Constant <value_ints = [-1]> ()
  i0 = Constant <value = int32 {0}> ()
  i1 = Constant <value = int32 {1}> ()
  i2 = Constant <value = int32 {2}> ()
  i8 = Constant <value = int32 {8}> ()
  u1 = Constant <value = uint8 {1}> ()
  positions = Cast <to = 6> (indices)
  inputs = Gather <axis = -1> (x, positions)
  bits = Cast <to = 6> (inputs)
  k_shape = Shape <start = 1, end = 2> (indices)
  k64 = Squeeze (k_shape)
  k = Cast <to = 6> (k64)
  slots = Range (i0, k, i1)
  weights = Pow (i2, slots)
  weighted = Mul (bits, weights)
  x_shape = Shape (x)
  slot_axis = Shape (x_shape)
  address = ReduceSum <keepdims = 0> (weighted, slot_axis)
  byte = Div (address, i8)
  bit = Mod (address, i8)
  n_shape = Shape <start = 0, end = 1> (tables)
  n64 = Squeeze (n_shape)
  n = Cast <to = 6> (n64)
  nb_shape = Shape <start = 1, end = 2> (tables)
  nb64 = Squeeze (nb_shape)
  nb = Cast <to = 6> (nb64)
  neurons = Range (i0, n, i1)
  rows = Mul (neurons, nb)
  offsets = Add (rows, byte)
  all_tables = Reshape (tables, flat)
  fetched = Gather <axis = 0> (all_tables, offsets)
  shift = Cast <to = 2> (bit)
  shifted = BitShift <direction = "RIGHT"> (fetched, shift)
  masked = BitwiseAnd (shifted, u1)
  y = Cast <to = 9> (masked)
}"""


def _infer(context: Any) -> None:
    x, indices = input_dims(context, 0), input_dims(context, 1)
    dims = [*x[:-1], indices[0]] if x and indices is not None and len(indices) == 2 else None
    set_output(context, TensorProto.BOOL, dims)


def logic_dense(x: np.ndarray, indices: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Evaluate a layer of truth tables.

    Parameters
    ----------
    x
        bool [..., I].
    indices
        Integer [N, k]; neuron n reads x[..., indices[n, i]] as its input x_i.
    tables
        uint8 [N, max(1, 2^k / 8)]; bit j of row n, counted from the least significant bit of its
        first byte, is the output of neuron n at address j.

    Returns
    -------
    numpy.ndarray
        bool [..., N].
    """
    y = np.zeros((*x.shape[:-1], len(indices)), dtype=bool)
    for n, (inputs, table) in enumerate(zip(indices.tolist(), tables, strict=True)):
        address = np.zeros(x.shape[:-1], dtype=np.int64)
        for slot, source in enumerate(inputs):
            address += x[..., source].astype(np.int64) * 2**slot
        y[..., n] = (table[address // 8] // 2 ** (address % 8)) % 2 == 1
    return y


def _check(node: NodeView) -> Iterator[Finding]:
    indices, tables = node.constants.get("indices"), node.constants.get("tables")
    shape = node.shapes.get("x")
    if shape is not None and len(shape) == 0:
        yield "error", "input x", "is a scalar, must have an axis of bits"
    if indices is None:
        return
    if indices.ndim != 2:
        yield "error", "input indices", f"has shape {list(indices.shape)}, must be [N, k]"
        return
    n, k = indices.shape
    if n == 0:
        yield "error", "input indices", "has no rows: the layer has no neurons"
    if not 1 <= k <= MAX_INPUTS:
        yield "error", "input indices", f"k is {k}, must be 1 to {MAX_INPUTS}"
        return
    if indices.size:
        low, high = int(indices.min()), int(indices.max())
        width = shape[-1] if shape else None
        if low < 0:
            yield "error", "input indices", f"holds {low}, must not be negative"
        if width is not None and high >= width:
            row = int(np.argwhere(indices >= width)[0][0])
            yield (
                "error",
                "input indices",
                f"row {row} reads bit {indices[row].max()}, x has {width} bits (0 to {width - 1})",
            )
    if tables is None:
        return
    expected = [n, table_bytes(k)]
    if list(tables.shape) != expected:
        yield (
            "error",
            "input tables",
            f"has shape {list(tables.shape)}, must be {expected} for {n} neurons of {k} inputs",
        )
    elif k < 3 and (tables >> (1 << k)).any():
        row = int(np.argwhere(tables >> (1 << k))[0][0])
        yield (
            "error",
            "input tables",
            f"row {row} is {int(tables[row, 0]):#x}: bits beyond the {1 << k} of a table of {k} "
            "inputs must be 0",
        )


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "LogicDense",
        "A layer of N truth tables of k inputs each, 1 <= k <= 16.",
        [
            ("x", "tensor(bool)", "Bits, shape [..., I]."),
            (
                "indices",
                "TI",
                "Shape [N, k]; x[..., indices[n, i]] is input x_i of neuron n. 0 <= index < I.",
            ),
            (
                "tables",
                "tensor(uint8)",
                "Shape [N, max(1, 2^k / 8)]; bit j of row n, little-endian, is the output at "
                "address j. Bits beyond 2^k are 0.",
            ),
        ],
        ("tensor(bool)", "Bits, shape [..., N]."),
        _infer,
        types={"TI": ("tensor(int32)", "tensor(uint16)")},
    ),
    reference=logic_dense,
    body=_body,
    check=_check,
    formula=(
        "address[..., n] = sum over i of x[..., indices[n, i]] << i\n"
        "y[..., n] = (tables[n, address >> 3] >> (address & 7)) & 1"
    ),
    output_shape="bool [*x.shape[:-1], N] with [N, k] = indices.shape",
    caption="the sum of two bits: neuron 0 is its lower bit, the XOR, neuron 1 the carry, the AND.",
    notes=[
        "The first of a neuron's inputs is the least significant bit of its address.",
        "A neuron may read a bit more than once; entries of its table at addresses that then "
        "cannot occur do not matter.",
        "x may have any number of leading axes, none included. Where one of them is 0, y is empty.",
        "k is the second extent of indices, N the first. Neurons of several fan-ins are several "
        "nodes, and a Concat.",
        "indices of uint16 are for I <= 65536.",
    ],
    constants={"indices": "to lower", "tables": "to lower"},
    example=(
        [
            np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool),
            np.array([[0, 1], [0, 1]], np.int32),
            np.array([[0x6], [0x8]], np.uint8),
        ],
        {},
    ),
)
