"""Trees of truth tables: the part that the convolutions have in common.

A tree of depth d over k-input tables has k^d leaves. Its nodes are numbered leaves first: the
k^(d - 1) nodes of the first level read k leaves each, node j of the next level reads the nodes
k * j ... k * j + k - 1 of the one before, and the last node is the root.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from lgnx.ops._operator import Finding, NodeView
from lgnx.ops.tables import MAX_INPUTS, table_bytes

MAX_LEAVES = 1 << 16

# The bits of the leaves are [B, K, leaves, E] to begin with, E the positions of the output. A trip
# of the loop evaluates one level. Addresses are summed over axis 3, never over -1, which
# onnxruntime 1.23 does not take for an empty batch.
TREE = """
  levels = Constant <value_int: int = @depth> ()
  levels_float = Cast <to = 1> (levels)
  n_leaves_float = Cast <to = 1> (n_leaves)
  unit_float = Constant <value = float {1.0}> ()
  exponent = Div (unit_float, levels_float)
  root = Pow (n_leaves_float, exponent)
  rounded = Round (root)
  k = Cast <to = 7> (rounded)
  k_scalar = Squeeze (k)
  k32 = Cast <to = 6> (k_scalar)
  first_slot = Constant <value = int32 {0}> ()
  next_slot = Constant <value = int32 {1}> ()
  base = Constant <value = int32 {2}> ()
  slots = Range (first_slot, k32, next_slot)
  powers = Pow (base, slots)
  powers_shape = Concat <axis = 0> (k, one)
  weights = Reshape (powers, powers_shape)
  n_nodes = Shape <start = 1, end = 2> (tables)
  n_bytes = Shape <start = 2, end = 3> (tables)
  scalar_zero = Constant <value = int64 {0}> ()
  scalar_one = Constant <value = int64 {1}> ()
  kernels_scalar = Squeeze (n_kernels)
  kernel_numbers = Range (scalar_zero, kernels_scalar, scalar_one)
  kernel_nodes = Mul (kernel_numbers, n_nodes)
  kernel_axes = Constant <value_ints = [1, 2]> ()
  kernel_starts = Unsqueeze (kernel_nodes, kernel_axes)
  flat_tables = Reshape (tables, last)
  slot_axis = Constant <value_ints = [3]> ()
  i8 = Constant <value = int64 {8}> ()
  u1 = Constant <value = uint8 {1}> ()
  go = Constant <value = bool {1}> ()
  top, width_end, node_end = Loop (levels, go, leaves, n_leaves, zero) <body = level
    (int64 i, bool keep, bits, width, node) => (keep_on, outputs, nodes, node_next) {
      keep_on = Identity (keep)
      nodes = Div (width, k)
      node_next = Add (node, nodes)
      grouped_shape = Concat <axis = 0> (batch, n_kernels, nodes, k, n_positions)
      grouped = Reshape <allowzero = 1> (bits, grouped_shape)
      numbers = Cast <to = 6> (grouped)
      weighted = Mul (numbers, weights)
      address32 = ReduceSum <keepdims = 0> (weighted, slot_axis)
      address = Cast <to = 7> (address32)
      byte = Div (address, i8)
      bit = Mod (address, i8)
      node_scalar = Squeeze (node)
      end_scalar = Squeeze (node_next)
      node_numbers = Range (node_scalar, end_scalar, scalar_one)
      node_columns = Unsqueeze (node_numbers, one)
      rows = Add (kernel_starts, node_columns)
      row_bytes = Mul (rows, n_bytes)
      offsets = Add (row_bytes, byte)
      fetched = Gather <axis = 0> (flat_tables, offsets)
      shift = Cast <to = 2> (bit)
      shifted = BitShift <direction = "RIGHT"> (fetched, shift)
      masked = BitwiseAnd (shifted, u1)
      outputs = Cast <to = 9> (masked)
    }>
  y_shape = Concat <axis = 0> (batch, n_kernels, y_extents)
  y = Reshape <allowzero = 1> (top, y_shape)"""


def node_count(k: int, depth: int) -> int:
    """Nodes of a tree: 1 + k + ... + k^(depth - 1)."""
    return depth if k == 1 else (k**depth - 1) // (k - 1)


def fan_in(leaves: int, depth: int) -> int | None:
    """The k with k^depth = leaves; None if there is none from 1 to 16."""
    if leaves == 1:
        return 1
    if depth >= leaves.bit_length():  # 2^depth is more, and may be a number beyond all memory
        return None
    return next((k for k in range(2, MAX_INPUTS + 1) if k**depth == leaves), None)


def evaluate_tree(leaves: np.ndarray, tables: np.ndarray, depth: int) -> np.ndarray:
    """Evaluate trees, one level after the other.

    Parameters
    ----------
    leaves
        bool [B, K, k^depth].
    tables
        uint8 [K, nodes, nb].

    Returns
    -------
    numpy.ndarray
        bool [B, K], the roots.
    """
    k = fan_in(leaves.shape[2], depth)
    assert k is not None
    kernels = np.arange(leaves.shape[1])
    bits, first = leaves, 0
    for _ in range(depth):
        n = bits.shape[2] // k
        level = np.zeros((*bits.shape[:2], n), dtype=bool)
        for node in range(n):
            address = np.zeros(bits.shape[:2], dtype=np.int64)
            for slot in range(k):
                address += bits[:, :, node * k + slot].astype(np.int64) * 2**slot
            byte = tables[kernels, first + node, address // 8]
            level[:, :, node] = byte // 2 ** (address % 8) % 2 == 1
        bits, first = level, first + n
    return bits[:, :, 0]


def check_tree(node: NodeView) -> Iterator[Finding]:
    """Find indices and tables that are no trees over the window."""
    depth = node.attributes.get("depth", 1)
    if depth < 1:
        yield "error", "attribute depth", f"is {depth}, must be at least 1"
        return
    indices, tables = node.constants.get("indices"), node.constants.get("tables")
    if indices is None:
        return
    if indices.ndim != 2:
        yield "error", "input indices", f"has shape {list(indices.shape)}, must be [K, k^depth]"
        return
    kernels, leaves = indices.shape
    if kernels == 0:
        yield "error", "input indices", "has no rows: the layer has no kernels"
    k = fan_in(leaves, depth)
    if k is None or leaves > MAX_LEAVES:
        yield (
            "error",
            "input indices",
            f"has {leaves} columns, must have k^{depth}, the leaves of a tree of depth {depth}, "
            f"for a k from 1 to {MAX_INPUTS}, and at most {MAX_LEAVES}",
        )
        return
    yield from _check_range(node, indices)
    if tables is None:
        return
    nodes = node_count(k, depth)
    expected = [kernels, nodes, table_bytes(k)]
    if list(tables.shape) != expected:
        yield (
            "error",
            "input tables",
            f"has shape {list(tables.shape)}, must be {expected} for {kernels} kernels of {nodes} "
            f"nodes of {k} inputs",
        )
    elif k < 3 and (tables >> (1 << k)).any():
        kernel, at = np.argwhere(tables[..., 0] >> (1 << k))[0].tolist()
        yield (
            "error",
            "input tables",
            f"kernel {kernel}, node {at} is {int(tables[kernel, at, 0]):#x}: bits beyond the "
            f"{1 << k} of a table of {k} inputs must be 0",
        )


def _check_range(node: NodeView, indices: np.ndarray) -> Iterator[Finding]:
    if not indices.size:
        return
    low, high = int(indices.min()), int(indices.max())
    if low < 0:
        yield "error", "input indices", f"holds {low}, must not be negative"
    shape, kernel = node.shapes.get("x"), node.attributes.get("kernel_shape")
    channels = shape[1] if shape is not None and len(shape) > 1 else None
    if channels is None or not kernel:
        return
    width = channels * math.prod(kernel)
    if high >= width:
        row = int(np.argwhere(indices >= width)[0][0])
        yield (
            "error",
            "input indices",
            f"row {row} reads bit {indices[row].max()} of a window of {width} bits "
            f"({channels} channels of {list(kernel)})",
        )


INDICES = (
    "indices",
    "TI",
    "Shape [K, k^depth]; leaf l of kernel n is bit indices[n, l] of the window, whose bits are "
    "numbered channel first: (c, w_1 .. w_d) is number (c * kernel_shape[0] + w_1) * "
    "kernel_shape[1] + w_2 and so on. 0 <= index < C * product of kernel_shape.",
)
TABLES = (
    "tables",
    "tensor(uint8)",
    "Shape [K, nodes, max(1, 2^k / 8)] with nodes = 1 + k + .. + k^(depth - 1), the nodes of each "
    "tree in the order leaves to root; packed as in LogicDense. Bits beyond 2^k are 0.",
)
INDEX_TYPES = {"TI": ("tensor(int32)", "tensor(uint16)")}

TREE_FORMULA = """\
bits_0[b, n, l, e] = window(b, e)[indices[n, l]]                        l = 0 .. k^depth - 1
bits_(i+1)[b, n, j, e] = bit address of tables[n, first_i + j], where
  address = sum over s of bits_i[b, n, k * j + s, e] << s
  first_0 = 0, first_(i+1) = first_i + k^(depth - 1 - i)
y[b, n, e] = bits_depth[b, n, 0, e]"""

TREE_NOTES = (
    "k is the number from 1 to 16 with k^depth = indices.shape[1]; at most 65536 leaves a tree.",
    "k = 1 makes chains: depth tables of one input, one after the other.",
    "A kernel may read a bit of the window more than once. The first child of a node is the least "
    "significant bit of its address.",
)
