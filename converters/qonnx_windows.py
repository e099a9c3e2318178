"""Windows of images with the channels last, as qonnx has them, and of images channel first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from lgnx.ops._windows import span
from lgnx.ops.logic_conv import output_extents
from lgnx.passes.edit import Inserter

__all__ = [
    "Windows",
    "channel_first",
    "channel_last",
    "channels_first",
    "channels_last",
    "gather_windows",
    "shape_of",
    "transposed",
]


@dataclass(frozen=True)
class Windows:
    """Windows that slide over the spatial axes, their attributes as in LogicConv.

    ``fill`` is what lies in the padding.
    """

    kernel_shape: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    fill: int = 0

    @property
    def places(self) -> int:
        """Elements of a window in one channel."""
        return math.prod(self.kernel_shape)

    @property
    def attributes(self) -> dict[str, list[int]]:
        """Attributes of LogicConv."""
        names = ("kernel_shape", "strides", "pads", "dilations")
        return {name: list(getattr(self, name)) for name in names}

    def counts(self, spatial: Sequence[Any]) -> list[Any]:
        """Positions along each axis; None where the extent of x is not known."""
        sizes = [n if isinstance(n, int) else None for n in spatial]
        return output_extents(sizes, self.kernel_shape, self.strides, self.pads, self.dilations)

    def problem(self, spatial: Sequence[Any]) -> tuple[str, str] | None:
        """Say which field is wrong, and why; None if windows fit."""
        d = len(spatial)
        for name, entries, least in (
            ("kernel_shape", d, 1),
            ("strides", d, 1),
            ("pads", 2 * d, 0),
            ("dilations", d, 1),
        ):
            values = getattr(self, name)
            if len(values) != entries:
                return f"attribute {name}", f"has {len(values)} entries, must have {entries}"
            if min(values) < least:
                return f"attribute {name}", f"holds {min(values)}, must be at least {least}"
        if any(n is not None and n < 1 for n in self.counts(spatial)):
            reach = [span(w, s) for w, s in zip(self.kernel_shape, self.dilations, strict=True)]
            return "input X", f"a window of {reach} does not fit into {list(spatial)} with its pads"
        return None


def shape_of(value: ir.Value) -> list[Any]:
    """Shape of a value of which one is known: numbers, and symbols for open extents."""
    assert value.shape is not None
    return list(value.shape)


def channel_first(indices: np.ndarray, channels: int, places: int) -> np.ndarray:
    """Numbers of the elements of a window, channel last to channel first."""
    place, channel = np.divmod(indices, channels)
    return channel * places + place


def channel_last(indices: np.ndarray, channels: int, places: int) -> np.ndarray:
    """Undo `channel_first`."""
    channel, place = np.divmod(indices, places)
    return place * channels + channel


def channels_first(insert: Inserter, x: ir.Value) -> ir.Value:
    """Give images [N, D.., C] as [N, C, D..]."""
    rank = len(shape_of(x))
    return transposed(insert, x, [0, rank - 1, *range(1, rank - 1)])


def channels_last(insert: Inserter, x: ir.Value) -> ir.Value:
    """Give images [N, C, D..] as [N, D.., C]."""
    return transposed(insert, x, [0, *range(2, len(shape_of(x))), 1])


def transposed(insert: Inserter, x: ir.Value, order: list[int]) -> ir.Value:
    """Give a value with its axes in another order."""
    shape = [shape_of(x)[axis] for axis in order]
    return insert.op("Transpose", [x], {"perm": order}, dtype=x.dtype, shape=shape)


def gather_windows(
    insert: Inserter, x: ir.Value, windows: Windows, indices: np.ndarray
) -> ir.Value:
    """Take elements of every window.

    Parameters
    ----------
    insert
        Makes the nodes.
    x
        Any type, [N, D.., C]; all extents but that of the batch are known.
    indices
        [...], numbers of elements of a window, channel last.

    Returns
    -------
    onnx_ir.Value
        [N, E.., ...].
    """
    kind = x.dtype
    batch, *sizes = shape_of(x)
    extents = [int(n) for n in sizes]
    d = len(extents) - 1
    begin, end = windows.pads[:d], windows.pads[d:]
    if any(windows.pads):
        if kind == ir.DataType.UINT16:  # onnxruntime's Pad does not take it
            x = insert.op("Cast", [x], {"to": 6}, dtype=ir.DataType.INT32, shape=x.shape)
        assert x.dtype is not None
        pads = insert.constant("pads", np.array([0, *begin, 0, 0, *end, 0], np.int64))
        fill = insert.constant("fill", np.array(windows.fill, x.dtype.numpy()))
        extents = [n + a + b for n, a, b in zip(extents, [*begin, 0], [*end, 0], strict=True)]
        x = insert.op("Pad", [x, pads, fill], dtype=x.dtype, shape=[batch, *extents])
    flat = insert.reshape(x, [0, math.prod(extents)], [batch, math.prod(extents)])
    place, channel = np.divmod(indices, extents[-1])
    coordinates = np.unravel_index(place, windows.kernel_shape)
    counts = windows.counts(sizes[:-1])
    position = np.zeros((*counts, *indices.shape), np.int64)
    for axis in range(d):
        starts = np.arange(counts[axis]) * windows.strides[axis]
        starts = starts.reshape(-1, *[1] * (d - 1 - axis + indices.ndim))
        offset = starts + coordinates[axis] * windows.dilations[axis]
        position = position * extents[axis] + offset
    position = position * extents[-1] + channel
    where = insert.constant("positions", position)
    shape = [batch, *position.shape]
    y = insert.op("Gather", [flat, where], {"axis": 1}, dtype=x.dtype, shape=shape)
    if x.dtype == kind:
        return y
    assert kind is not None
    return insert.op("Cast", [y], {"to": int(kind)}, dtype=kind, shape=shape)
