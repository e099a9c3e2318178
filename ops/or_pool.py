"""OrPool: OR over windows that slide over the spatial axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from lgnx.ops._operator import (
    Finding,
    NodeView,
    Operator,
    schema,
    set_output,
)
from lgnx.ops._windows import (
    KERNEL_SHAPE,
    STRIDES,
    check_axes,
    defaults_along_axes,
    inferred,
    known,
    pads_attribute,
    sound,
)
from lgnx.ops.errors import InputError
from lgnx.ops.logic_conv import check_room, output_extents

# Padded first: onnx's evaluator gets the extents of a MaxPool with uneven pads wrong.
BODY = """
OrPool <kernel_shape: ints, strides: ints, pads: ints> (x) => (y) {
  zero = Constant <value_ints = [0]> ()
  two = Constant <value_ints = [2]> ()
  outer = Constant <value_ints = [0, 0]> ()
  pads_given = Constant <value_ints: ints = @pads> ()
  entries = Shape (pads_given)
  d = Div (entries, two)
  begin = Slice (pads_given, zero, d)
  end = Slice (pads_given, d, entries)
  pads_all = Concat <axis = 0> (outer, begin, outer, end)
  numbers = Cast <to = 1> (x)
  padded = Pad (numbers, pads_all)
  largest = MaxPool <kernel_shape: ints = @kernel_shape, strides: ints = @strides> (padded)
  y = Cast <to = 9> (largest)
}"""

_defaults = defaults_along_axes(strides=1, pads=0)


def _infer(context: Any) -> None:
    found = inferred(context, _defaults)
    if found is None or min(found[1]["strides"]) < 1:
        return set_output(context, TensorProto.BOOL, None)
    x, a = found
    spatial = known(output_extents(x[2:], **a, dilations=[1] * len(a["kernel_shape"])))
    set_output(context, TensorProto.BOOL, [*x[:2], *spatial])


def or_pool(
    x: np.ndarray,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
) -> np.ndarray:
    """OR over windows.

    Parameters
    ----------
    x
        bool [B, C, D_1 .. D_d], d = 1, 2 or 3.
    kernel_shape, strides, pads
        As in ONNX's MaxPool, strides 1 by default; what is padded is 0.

    Returns
    -------
    numpy.ndarray
        bool [B, C, E_1 .. E_d].

    Raises
    ------
    InputError
        If the window is larger than the padded input.
    """
    d = len(kernel_shape)
    strides, pads = strides or [1] * d, pads or [0] * (2 * d)
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:d], pads[d:], strict=True)])
    if any(w > n for w, n in zip(kernel_shape, padded.shape[2:], strict=True)):
        raise InputError(
            f"input x: a window of {list(kernel_shape)} does not fit into "
            f"{list(padded.shape[2:])}, the spatial axes with their padding"
        )
    counts = [
        (n - w) // s + 1 for n, w, s in zip(padded.shape[2:], kernel_shape, strides, strict=True)
    ]
    y = np.zeros((*x.shape[:2], *counts), dtype=bool)
    for offset in np.ndindex(*kernel_shape):
        taken = [
            slice(o, o + (n - 1) * s + 1, s)
            for o, n, s in zip(offset, counts, strides, strict=True)
        ]
        where = (slice(None), slice(None), *taken)
        y |= padded[where]
    return y


def _check(node: NodeView) -> Iterator[Finding]:
    yield from check_axes(node, {"strides": 1, "pads": 0})
    if not sound(node, "strides", "pads"):
        return
    kernel, pads = node.attributes["kernel_shape"], node.attributes["pads"]
    for axis, width in enumerate(kernel):
        for value in (pads[axis], pads[len(kernel) + axis]):
            if value >= width:
                yield (
                    "error",
                    "attribute pads",
                    f"holds {value} along axis {axis}, must be less than the kernel's {width}",
                )
    attributes = {**node.attributes, "dilations": [1] * len(kernel)}
    yield from check_room(replace(node, attributes=attributes))


def _body(node: onnx.NodeProto | None) -> str:
    return BODY


OPERATOR = Operator(
    schema=schema(
        "OrPool",
        "Pooling of bits: OR over windows of each channel. 1, 2 or 3 spatial axes. Padding is 0.",
        [("x", "tensor(bool)", "Bits, shape [B, C, D_1 .. D_d].")],
        ("tensor(bool)", "Bits, shape [B, C, E_1 .. E_d]."),
        _infer,
        attributes=[KERNEL_SHAPE, STRIDES, pads_attribute(" and less than kernel_shape")],
    ),
    reference=or_pool,
    body=_body,
    check=_check,
    more_defaults=_defaults,
    formula=(
        "y[b, c, e] = OR over w, 0 <= w_a < kernel_shape[a], of x[b, c, e * strides + w - pads], "
        "0 outside x"
    ),
    output_shape=(
        "bool [B, C, E_1 .. E_d]\n"
        "E_a = floor((D_a + pads[a] + pads[d + a] - kernel_shape[a]) / strides[a]) + 1"
    ),
    caption="windows of two bits, the last of which reaches into the padding.",
    notes=[
        "Strides are 1 by default, as in ONNX; torch's default is the kernel's extents.",
        "The result is that of a MaxPool over the numbers 0 and 1: since pads are smaller than the "
        "window, it matters not whether padding is 0 or minus infinity.",
        "Bits behind the last whole step of the window are not read: there is no ceil_mode. Every "
        "E_a and C must be at least 1; B may be 0.",
    ],
    example=(
        [np.array([[[0, 0, 1, 0, 0]]], bool)],
        {"kernel_shape": [2], "strides": [2], "pads": [0, 1]},
    ),
)
