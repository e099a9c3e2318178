"""LogicConv: trees of truth tables that slide over the spatial axes of their input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from lgnx.ops._operator import (
    Finding,
    NodeView,
    Operator,
    attribute,
    input_dims,
    schema,
    set_output,
)
from lgnx.ops._tree import (
    INDEX_TYPES,
    INDICES,
    TABLES,
    TREE,
    TREE_FORMULA,
    TREE_NOTES,
    check_tree,
    evaluate_tree,
)
from lgnx.ops._windows import (
    DILATIONS,
    KERNEL_SHAPE,
    STRIDES,
    check_axes,
    defaults_along_axes,
    extents,
    inferred,
    known,
    pads_attribute,
    sound,
    span,
)
from lgnx.ops.errors import InputError

# Every number of spatial axes is treated as three, with axes of extent 1 in front. A leaf that lies
# in the padding reads the bit behind the last one of its sample, which is 0.
WINDOWS = """
  last = Constant <value_ints = [-1]> ()
  zero = Constant <value_ints = [0]> ()
  one = Constant <value_ints = [1]> ()
  last_three = Constant <value_ints = [-3]> ()
  limit = Constant <value_ints = [9223372036854775807]> ()
  ones = Constant <value_ints = [1, 1, 1]> ()
  zeros = Constant <value_ints = [0, 0, 0]> ()
  kernel_given = Constant <value_ints: ints = @kernel_shape> ()
  strides_given = Constant <value_ints: ints = @strides> ()
  dilations_given = Constant <value_ints: ints = @dilations> ()
  pads = Constant <value_ints: ints = @pads> ()
  d = Shape (kernel_given)
  pads_begin = Slice (pads, zero, d)
  pads_end = Slice (pads, d, limit)
  kernel_long = Concat <axis = 0> (ones, kernel_given)
  strides_long = Concat <axis = 0> (ones, strides_given)
  dilations_long = Concat <axis = 0> (ones, dilations_given)
  begin_long = Concat <axis = 0> (zeros, pads_begin)
  end_long = Concat <axis = 0> (zeros, pads_end)
  kernel = Slice (kernel_long, last_three, limit)
  strides = Slice (strides_long, last_three, limit)
  dilations = Slice (dilations_long, last_three, limit)
  begin = Slice (begin_long, last_three, limit)
  end = Slice (end_long, last_three, limit)
  batch = Shape <start = 0, end = 1> (x)
  channels = Shape <start = 1, end = 2> (x)
  sizes_given = Shape <start = 2> (x)
  sizes_long = Concat <axis = 0> (ones, sizes_given)
  sizes = Slice (sizes_long, last_three, limit)
  gaps = Sub (kernel, ones)
  gaps_dilated = Mul (gaps, dilations)
"""

GATHERED = """
  kernel_1, kernel_2, kernel_3 = Split <axis = 0, num_outputs = 3> (kernel)
  dilation_1, dilation_2, dilation_3 = Split <axis = 0, num_outputs = 3> (dilations)
  size_1, size_2, size_3 = Split <axis = 0, num_outputs = 3> (sizes)
  column = Constant <value_ints = [-1, 1, 1, 1]> ()
  axis_1 = Constant <value_ints = [1, -1, 1, 1]> ()
  axis_2 = Constant <value_ints = [1, 1, -1, 1]> ()
  axis_3 = Constant <value_ints = [1, 1, 1, -1]> ()
  indices64 = Cast <to = 7> (indices)
  leaf = Reshape (indices64, column)
  window_3 = Mod (leaf, kernel_3)
  rest_3 = Div (leaf, kernel_3)
  window_2 = Mod (rest_3, kernel_2)
  rest_2 = Div (rest_3, kernel_2)
  window_1 = Mod (rest_2, kernel_1)
  channel = Div (rest_2, kernel_1)
  offset_1 = Mul (window_1, dilation_1)
  offset_2 = Mul (window_2, dilation_2)
  offset_3 = Mul (window_3, dilation_3)
  corner_1 = Reshape (starts_1, axis_1)
  corner_2 = Reshape (starts_2, axis_2)
  corner_3 = Reshape (starts_3, axis_3)
  at_1 = Add (corner_1, offset_1)
  at_2 = Add (corner_2, offset_2)
  at_3 = Add (corner_3, offset_3)
"""

# position_a is where along axis a of x a leaf lies, inside_a whether it is a bit of x there.
LEAVES = """
  inside_12 = And (inside_1, inside_2)
  inside = And (inside_12, inside_3)
  plane = Mul (channel, size_1)
  plane_1 = Add (plane, position_1)
  row = Mul (plane_1, size_2)
  row_2 = Add (row, position_2)
  cell = Mul (row_2, size_3)
  cell_3 = Add (cell, position_3)
  volume = ReduceProd <keepdims = 1> (sizes, zero)
  sample_size = Mul (channels, volume)
  source = Where (inside, cell_3, sample_size)
  sample_shape = Concat <axis = 0> (batch, sample_size)
  samples = Reshape <allowzero = 1> (x, sample_shape)
  zero_bit = Constant <value = bool[1, 1] {0}> ()
  zero_shape = Concat <axis = 0> (batch, one)
  zero_column = Expand (zero_bit, zero_shape)
  sources = Concat <axis = 1> (samples, zero_column)
  n_kernels = Shape <start = 0, end = 1> (indices)
  n_leaves = Shape <start = 1, end = 2> (indices)
  n_positions = ReduceProd <keepdims = 1> (y_sizes, zero)
  negative_d = Neg (d)
  y_extents = Slice (y_sizes, negative_d, limit)
  found = Gather <axis = 1> (sources, source)
  leaves_shape = Concat <axis = 0> (batch, n_kernels, n_leaves, n_positions)
  leaves = Reshape <allowzero = 1> (found, leaves_shape)
"""


def _axis(a: int) -> str:
    return f"""
  first_{a} = Neg (begin_{a})
  count_{a} = Squeeze (y_size_{a})
  numbers_{a} = Range (start_number, count_{a}, step_number)
  steps_{a} = Mul (numbers_{a}, stride_{a})
  starts_{a} = Add (steps_{a}, first_{a})"""


def _inside(a: int) -> str:
    return f"""
  position_{a} = Identity (at_{a})
  not_before_{a} = GreaterOrEqual (at_{a}, zero)
  not_behind_{a} = Less (at_{a}, size_{a})
  inside_{a} = And (not_before_{a}, not_behind_{a})"""


BODY = (
    "\nLogicConv <kernel_shape: ints, strides: ints, pads: ints, dilations: ints, depth: int = 1>\n"
    "(x, indices, tables) => (y) {"
    + WINDOWS
    + """
  padded_begin = Add (sizes, begin)
  padded = Add (padded_begin, end)
  spans = Add (gaps_dilated, ones)
  room = Sub (padded, spans)
  steps = Div (room, strides)
  y_sizes = Add (steps, ones)
  y_size_1, y_size_2, y_size_3 = Split <axis = 0, num_outputs = 3> (y_sizes)
  begin_1, begin_2, begin_3 = Split <axis = 0, num_outputs = 3> (begin)
  stride_1, stride_2, stride_3 = Split <axis = 0, num_outputs = 3> (strides)
  start_number = Constant <value = int64 {0}> ()
  step_number = Constant <value = int64 {1}> ()"""
    + "".join(_axis(a) for a in (1, 2, 3))
    + GATHERED
    + "".join(_inside(a) for a in (1, 2, 3))
    + LEAVES
    + TREE
    + "\n}"
)


def extent(size: int, kernel: int, stride: int, begin: int, end: int, dilation: int) -> int:
    """Positions of a window along an axis of ``size`` bits: floor((padded - span) / stride) + 1."""
    return (size + begin + end - span(kernel, dilation)) // stride + 1


def output_extents(
    spatial: Sequence[Any],
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
) -> list[Any]:
    """Extents of the output along the spatial axes; None for those of which x's is not known."""
    d = len(kernel_shape)
    return extents(
        spatial,
        lambda a, n: extent(n, kernel_shape[a], strides[a], pads[a], pads[d + a], dilations[a]),
    )


_defaults = defaults_along_axes(strides=1, pads=0, dilations=1)


def _infer(context: Any) -> None:
    found, indices = inferred(context, _defaults), input_dims(context, 1)
    if found is None or min(found[1]["strides"]) < 1:
        return set_output(context, TensorProto.BOOL, None)
    x, a = found
    kernels = indices[0] if indices is not None and len(indices) == 2 else None
    spatial = known(output_extents(x[2:], **a))
    set_output(context, TensorProto.BOOL, [x[0], kernels, *spatial])


def logic_conv(
    x: np.ndarray,
    indices: np.ndarray,
    tables: np.ndarray,
    kernel_shape: Sequence[int],
    depth: int = 1,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
) -> np.ndarray:
    """Slide trees of truth tables over the spatial axes.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], d = 1, 2 or 3.
    indices
        Integer [K, k^depth], bits of the window, which are numbered channel first.
    tables
        uint8 [K, nodes, max(1, 2^k / 8)], the nodes of each tree from the leaves to the root.
    kernel_shape, strides, pads, dilations
        As in ONNX's Conv; what is padded is 0.

    Returns
    -------
    numpy.ndarray
        bool [B, K, E_1 .. E_d].

    Raises
    ------
    InputError
        If the window is larger than the padded input.
    """
    d = len(kernel_shape)
    strides, dilations = strides or [1] * d, dilations or [1] * d
    pads = pads or [0] * (2 * d)
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:d], pads[d:], strict=True)])
    reach = [(w - 1) * step + 1 for w, step in zip(kernel_shape, dilations, strict=True)]
    if any(r > n for r, n in zip(reach, padded.shape[2:], strict=True)):
        raise InputError(
            f"input x: a window of {reach} does not fit into {list(padded.shape[2:])}, the "
            "spatial axes with their padding"
        )
    counts = [(n - r) // s + 1 for n, r, s in zip(padded.shape[2:], reach, strides, strict=True)]
    y = np.zeros((len(x), len(indices), *counts), dtype=bool)
    width = x.shape[1] * int(np.prod(kernel_shape))
    for position in np.ndindex(*counts):
        window = tuple(
            slice(p * s, p * s + r, step)
            for p, s, r, step in zip(position, strides, reach, dilations, strict=True)
        )
        whole = (slice(None), slice(None))
        bits = padded[whole + window].reshape(len(x), width)
        y[whole + position] = evaluate_tree(bits[:, indices], tables, depth)
    return y


def check_room(node: NodeView) -> Iterator[Finding]:
    """Find a window that is larger than the padded input."""
    if not sound(node, "strides", "pads", "dilations") or "x" not in node.shapes:
        return
    a = {n: node.attributes[n] for n in ("kernel_shape", "strides", "pads", "dilations")}
    if min(a["strides"]) < 1:
        return
    sizes = node.shapes["x"][2:]
    for axis, (size, n) in enumerate(zip(sizes, output_extents(sizes, **a), strict=True)):
        if n is not None and n < 1:
            d = len(sizes)
            reach = span(a["kernel_shape"][axis], a["dilations"][axis])
            yield (
                "error",
                "attribute kernel_shape",
                f"a window of {reach} bits does not fit along axis {2 + axis} of x, which has "
                f"{size} bits and {a['pads'][axis]} + {a['pads'][d + axis]} of padding",
            )


def _check(node: NodeView) -> Iterator[Finding]:
    yield from check_axes(node, {"strides": 1, "pads": 0, "dilations": 1})
    yield from check_room(node)
    yield from check_tree(node)


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "LogicConv",
        "Convolution with K trees of truth tables: each output bit is the root of a tree of "
        "k-input tables whose leaves are bits of a window of the input, over all channels. "
        "1, 2 or 3 spatial axes, 1 <= k <= 16. Padding is 0.",
        [
            ("x", "tensor(bool)", "Bits, shape [B, C, D_1 .. D_d]."),
            INDICES,
            TABLES,
        ],
        ("tensor(bool)", "Bits, shape [B, K, E_1 .. E_d]."),
        _infer,
        types=INDEX_TYPES,
        attributes=[
            KERNEL_SHAPE,
            STRIDES,
            pads_attribute(""),
            DILATIONS,
            attribute("depth", 1, "Levels of the trees, >= 1."),
        ],
    ),
    reference=logic_conv,
    body=_body,
    check=_check,
    more_defaults=_defaults,
    formula=(
        "window(b, e)[c, w] = x[b, c, e * strides - pads + w * dilations] along every axis, 0 "
        "outside x\n" + TREE_FORMULA
    ),
    output_shape=(
        "bool [B, K, E_1 .. E_d] with K = indices.shape[0]\n"
        "E_a = floor((D_a + pads[a] + pads[d + a] - dilations[a] * (kernel_shape[a] - 1) - 1) "
        "/ strides[a]) + 1"
    ),
    caption="(w_0 AND w_1) OR (w_1 XOR w_2) as a tree, with one bit of padding at either end.",
    notes=[
        *TREE_NOTES,
        "pads may be larger than the window. A tree that sees nothing but padding gives what its "
        "tables say of zeros, which need not be 0.",
        "Bits behind the last whole step of the window are not read. Every E_a must be at least 1; "
        "B may be 0.",
        "There is no group attribute: a kernel reads the channels that its indices name.",
    ],
    constants={"indices": "to lower", "tables": "to lower"},
    example=(
        [
            np.array([[[0, 1, 1, 0, 1]]], bool),
            np.array([[0, 1, 1, 2]], np.int32),
            np.array([[[0x8], [0x6], [0xE]]], np.uint8),
        ],
        {"kernel_shape": [3], "pads": [1, 1], "depth": 2},
    ),
)
