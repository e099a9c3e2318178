"""LogicConvTranspose: trees of truth tables over an input that is spread out by its strides."""

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
from lgnx.ops._tree import INDEX_TYPES, INDICES, TABLES, TREE, TREE_FORMULA, TREE_NOTES, check_tree
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
from lgnx.ops.logic_conv import GATHERED, LEAVES, WINDOWS, logic_conv


def _axis(a: int) -> str:
    return f"""
  count_{a} = Squeeze (y_size_{a})
  numbers_{a} = Range (start_number, count_{a}, step_number)
  starts_{a} = Sub (numbers_{a}, before_{a})"""


# Of the spread input only every strides-th bit is one of x.
def _inside(a: int) -> str:
    return f"""
  position_{a} = Div (at_{a}, stride_{a})
  between_{a} = Mod (at_{a}, stride_{a})
  on_x_{a} = Equal (between_{a}, zero)
  not_before_{a} = GreaterOrEqual (at_{a}, zero)
  not_behind_{a} = Less (position_{a}, size_{a})
  in_range_{a} = And (not_before_{a}, not_behind_{a})
  inside_{a} = And (in_range_{a}, on_x_{a})"""


BODY = (
    "\nLogicConvTranspose <kernel_shape: ints, strides: ints, pads: ints, output_padding: ints,\n"
    "  dilations: ints, depth: int = 1> (x, indices, tables) => (y) {"
    + WINDOWS
    + """
  added_given = Constant <value_ints: ints = @output_padding> ()
  added_long = Concat <axis = 0> (zeros, added_given)
  added = Slice (added_long, last_three, limit)
  room = Sub (sizes, ones)
  spread = Mul (room, strides)
  reached = Add (spread, gaps_dilated)
  longest = Add (reached, added)
  cut_begin = Sub (longest, begin)
  cut = Sub (cut_begin, end)
  y_sizes = Add (cut, ones)
  before = Sub (gaps_dilated, begin)
  y_size_1, y_size_2, y_size_3 = Split <axis = 0, num_outputs = 3> (y_sizes)
  before_1, before_2, before_3 = Split <axis = 0, num_outputs = 3> (before)
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


def output_extents(
    spatial: Sequence[Any],
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    output_padding: Sequence[int],
    dilations: Sequence[int],
) -> list[Any]:
    """Extents of the output along the spatial axes; None for those of which x's is not known."""
    d = len(kernel_shape)
    return extents(
        spatial,
        lambda a, n: (
            (n - 1) * strides[a]
            + span(kernel_shape[a], dilations[a])
            + output_padding[a]
            - pads[a]
            - pads[d + a]
        ),
    )


_NAMES = ("kernel_shape", "strides", "pads", "output_padding", "dilations")
_defaults = defaults_along_axes(strides=1, pads=0, output_padding=0, dilations=1)


def _infer(context: Any) -> None:
    found, indices = inferred(context, _defaults), input_dims(context, 1)
    if found is None:
        return set_output(context, TensorProto.BOOL, None)
    x, a = found
    kernels = indices[0] if indices is not None and len(indices) == 2 else None
    spatial = known(output_extents(x[2:], **a))
    set_output(context, TensorProto.BOOL, [x[0], kernels, *spatial])


def logic_conv_transpose(
    x: np.ndarray,
    indices: np.ndarray,
    tables: np.ndarray,
    kernel_shape: Sequence[int],
    depth: int = 1,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
) -> np.ndarray:
    """Spread the input out by the strides, and slide trees of truth tables over it.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], d = 1, 2 or 3.
    indices, tables
        As of LogicConv.
    kernel_shape, strides, pads, output_padding, dilations
        As in ONNX's ConvTranspose; what is spread or padded is 0.

    Returns
    -------
    numpy.ndarray
        bool [B, K, E_1 .. E_d].

    Raises
    ------
    InputError
        If the output would have no position.
    """
    d = len(kernel_shape)
    strides, dilations = strides or [1] * d, dilations or [1] * d
    pads, output_padding = pads or [0] * (2 * d), output_padding or [0] * d
    sizes = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], strides, strict=True)]
    spread = np.zeros((*x.shape[:2], *sizes), dtype=bool)
    every = (slice(None), slice(None), *(slice(None, None, s) for s in strides))
    spread[every] = x
    reach = [(w - 1) * step for w, step in zip(kernel_shape, dilations, strict=True)]
    around = [r - p for r, p in zip(reach, pads[:d], strict=True)]
    around += [r - p + o for r, p, o in zip(reach, pads[d:], output_padding, strict=True)]
    return logic_conv(
        spread, indices, tables, kernel_shape, depth, pads=around, dilations=dilations
    )


def _check(node: NodeView) -> Iterator[Finding]:
    smallest = {"strides": 1, "pads": 0, "output_padding": 0, "dilations": 1}
    yield from check_axes(node, smallest)
    yield from check_tree(node)
    if not sound(node, "strides", "pads", "output_padding", "dilations"):
        return
    a = {n: node.attributes[n] for n in _NAMES}
    d = len(a["kernel_shape"])
    for axis in range(d):
        reach = span(a["kernel_shape"][axis], a["dilations"][axis]) - 1
        for value in (a["pads"][axis], a["pads"][d + axis]):
            if value > reach:
                yield (
                    "error",
                    "attribute pads",
                    f"holds {value} along axis {axis}, must not be more than {reach}, the window "
                    "less one bit",
                )
        added, stride = a["output_padding"][axis], a["strides"][axis]
        if added >= max(1, stride):
            yield (
                "error",
                "attribute output_padding",
                f"is {added} along axis {axis}, must be less than the stride, {stride}",
            )
    sizes = node.shapes.get("x", [])[2:]
    for axis, (size, n) in enumerate(zip(sizes, output_extents(sizes, **a), strict=True)):
        if n is not None and n < 1:
            yield "error", "attribute pads", f"leave no output of the {size} bits of axis {axis}"


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "LogicConvTranspose",
        "Transposed convolution with K trees of truth tables: strides - 1 zeros are put between "
        "neighbouring bits along every spatial axis, then the trees slide over the result with "
        "stride 1. Windows and trees are those of LogicConv; the kernel is not flipped.",
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
            pads_attribute(" and <= dilations * (kernel_shape - 1)"),
            attribute(
                "output_padding",
                "INTS",
                "Added to the end of each spatial axis of the output, 0 <= entry < stride.",
                required=False,
            ),
            DILATIONS,
            attribute("depth", 1, "Levels of the trees, >= 1."),
        ],
    ),
    reference=logic_conv_transpose,
    body=_body,
    check=_check,
    more_defaults=_defaults,
    formula=(
        "p_a = e_a + w_a * dilations[a] - (dilations[a] * (kernel_shape[a] - 1) - pads[a])\n"
        "window(b, e)[c, w] = x[b, c, p / strides] where every p_a is divisible by strides[a] and "
        "the quotient lies in x, else 0\n" + TREE_FORMULA
    ),
    output_shape=(
        "bool [B, K, E_1 .. E_d] with K = indices.shape[0]\n"
        "E_a = (D_a - 1) * strides[a] + dilations[a] * (kernel_shape[a] - 1) + 1 - pads[a] - "
        "pads[d + a] + output_padding[a]"
    ),
    caption="the OR of neighbours in 1 0 0 0 1, the spread input, with a 0 at either end.",
    notes=[
        *TREE_NOTES,
        "Equal to LogicConv with stride 1 over the spread input, padded by "
        "dilations * (kernel_shape - 1) - pads at either side and by output_padding more at the "
        "end.",
        "The window is not flipped: entry w reads what entry kernel_shape - 1 - w of the kernel of "
        "ONNX's ConvTranspose is multiplied with.",
        "Every E_a must be at least 1; B may be 0.",
    ],
    constants={"indices": "to lower", "tables": "to lower"},
    example=(
        [
            np.array([[[1, 0, 1]]], bool),
            np.array([[0, 1]], np.int32),
            np.array([[[0xE]]], np.uint8),
        ],
        {"kernel_shape": [2], "strides": [2]},
    ),
)
