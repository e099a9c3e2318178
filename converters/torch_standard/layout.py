"""Operators that move data and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from onnx_ir import DataType
from onnx_ir.tensor_adapters import to_torch_dtype

from lgnx.converters.torch_standard import shapes
from lgnx.converters.torch_standard._table import Standard, register_in
from lgnx.converters.torch_standard.shapes import integers

__all__ = ["OPERATORS"]

OPERATORS: dict[str, Standard] = {}
operator = register_in(OPERATORS)


@operator("Identity", on_sizes=shapes.sizes_same)
def identity(input: torch.Tensor) -> torch.Tensor:
    """Give the input."""
    return input


@operator("Dropout", only={"training_mode": (False,)})
def dropout(
    data: torch.Tensor, ratio: Any = None, training_mode: Any = None, seed: int = 0
) -> torch.Tensor:
    """Give the input, as at inference."""
    return data


@operator("Cast", on_sizes=shapes.sizes_cast)
def cast(input: torch.Tensor, to: int) -> torch.Tensor:
    """Convert to the ONNX element type ``to``."""
    return input.to(to_torch_dtype(DataType(to)))


@operator("CastLike")
def cast_like(input: torch.Tensor, target_type: torch.Tensor) -> torch.Tensor:
    """Convert to another tensor's dtype."""
    return input.to(target_type.dtype)


@operator("Reshape", sizes=("shape",), on_sizes=shapes.sizes_reshape)
def reshape(data: torch.Tensor, shape: Any, allowzero: int = 0) -> torch.Tensor:
    """Give the elements another shape; -1 is what is left, 0 keeps an extent."""
    wanted = integers(shape)
    if not allowzero:
        wanted = [data.shape[a] if _is(n, 0) else n for a, n in enumerate(wanted)]
    return data.reshape(wanted)


def _is(n: Any, number: int) -> bool:
    """Tell whether a size is a number; a symbol is not."""
    return isinstance(n, int) and n == number


@operator("Flatten")
def flatten(input: torch.Tensor, axis: int = 1) -> torch.Tensor:
    """Give a matrix: the axes before ``axis`` and those from there on."""
    axis = axis % input.ndim if axis < 0 else axis
    if axis == 1:
        return input.flatten(1)
    rows = input.shape[:axis].numel()
    return input.reshape(rows, input.shape[axis:].numel())


@operator("Transpose")
def transpose(data: torch.Tensor, perm: Sequence[int] | None = None) -> torch.Tensor:
    """Permute the axes; reverse them by default."""
    return data.permute(tuple(reversed(range(data.ndim))) if perm is None else tuple(perm))


@operator("Concat", on_sizes=shapes.sizes_concat)
def concat(inputs: Sequence[torch.Tensor], axis: int) -> torch.Tensor:
    """Join tensors along an axis."""
    return torch.cat(list(inputs), axis)


@operator("Slice", sizes=("starts", "ends", "axes", "steps"), on_sizes=shapes.sizes_slice)
def slice_(
    data: torch.Tensor, starts: Any, ends: Any, axes: Any = None, steps: Any = None
) -> torch.Tensor:
    """Take every step-th element from start to before end, along each axis named."""
    first, last = integers(starts), integers(ends)
    along = list(range(len(first))) if axes is None else integers(axes)
    step = [1] * len(first) if steps is None else integers(steps)
    for axis, begin, end, by in zip(along, first, last, step, strict=True):
        if by > 0:
            where = [slice(None)] * data.ndim
            where[axis] = slice(begin, end, by)
            data = data[tuple(where)]
        else:
            n = data.shape[axis]
            bounds = slice(begin, None if end < -n else end, by)
            taken = torch.tensor(range(n)[bounds], dtype=torch.int64, device=data.device)
            data = data.index_select(axis, taken)
    return data


def _needs_python(indices: np.ndarray) -> bool:
    """Tell whether constant indices are to be given as Python numbers, which may be negative."""
    return indices.ndim == 0 or bool((indices < 0).any())


def gather_computed(data: torch.Tensor, indices: torch.Tensor, axis: int = 0) -> torch.Tensor:
    """Gather with numbers of which it is not known whether they are negative."""
    numbers = indices.long()
    return gather(data, torch.where(numbers < 0, numbers + data.shape[axis], numbers), axis)


@operator(
    "Gather",
    literal={"indices": _needs_python},
    computed={"indices": gather_computed},
    on_sizes=shapes.sizes_gather,
)
def gather(data: torch.Tensor, indices: Any, axis: int = 0) -> torch.Tensor:
    """Take elements along an axis by their numbers, negative ones from the end."""
    axis = axis % data.ndim
    if isinstance(indices, int):
        return data.select(axis, indices)
    if not isinstance(indices, torch.Tensor):
        return gather_computed(data, torch.tensor(indices, device=data.device), axis)
    if indices.ndim == 1:
        return data.index_select(axis, indices.long())
    taken = data.index_select(axis, indices.long().flatten())
    return taken.reshape([*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]])


@operator("GatherND", only={"batch_dims": (0,)})
def gather_nd(data: torch.Tensor, indices: torch.Tensor, batch_dims: int = 0) -> torch.Tensor:
    """Take elements, or what is behind the first axes, by the numbers along those axes."""
    return data[tuple(indices.long().unbind(-1))]


@operator("GatherElements")
def gather_elements(data: torch.Tensor, indices: torch.Tensor, axis: int = 0) -> torch.Tensor:
    """Take one element along an axis for each number."""
    numbers = indices.long()
    return data.gather(axis, torch.where(numbers < 0, numbers + data.shape[axis], numbers))


@operator("Pad", sizes=("pads", "axes"), only={"mode": ("constant",)})
def pad(
    data: torch.Tensor,
    pads: Any,
    constant_value: torch.Tensor | None = None,
    axes: Any = None,
    mode: str = "constant",
    value: float = 0.0,
) -> torch.Tensor:
    """Put constants around a tensor; negative pads cut."""
    amounts = integers(pads)
    half = len(amounts) // 2
    along = list(range(half)) if axes is None else [a % data.ndim for a in integers(axes)]
    around = [0] * (2 * data.ndim)  # torch wants the last axis first
    for axis, begin, end in zip(along, amounts[:half], amounts[half:], strict=True):
        around[2 * (data.ndim - 1 - axis)] = begin
        around[2 * (data.ndim - 1 - axis) + 1] = end
    filling = value if constant_value is None else constant_value.item()
    return torch.nn.functional.pad(data, around, value=filling)


@operator("Split", sizes=("split",))
def split(
    input: torch.Tensor, split: Any = None, axis: int = 0, num_outputs: int = 0
) -> tuple[torch.Tensor, ...]:
    """Cut a tensor along an axis, into parts of the sizes given or as equal as can be."""
    if split is not None:
        return torch.split(input, integers(split), axis)
    return torch.split(input, -(-input.shape[axis] // num_outputs), axis)


@operator("Squeeze", sizes=("axes",), on_sizes=shapes.sizes_squeeze)
def squeeze(data: torch.Tensor, axes: Any = None) -> torch.Tensor:
    """Remove axes of size 1."""
    return data.squeeze() if axes is None else data.squeeze(tuple(integers(axes)))


@operator("Unsqueeze", sizes=("axes",), on_sizes=shapes.sizes_unsqueeze)
def unsqueeze(data: torch.Tensor, axes: Any) -> torch.Tensor:
    """Put in axes of size 1, numbered as in the result."""
    numbers = integers(axes)
    for axis in sorted(a % (data.ndim + len(numbers)) for a in numbers):
        data = data.unsqueeze(axis)
    return data


@operator("Expand", sizes=("shape",))
def expand(input: torch.Tensor, shape: Any) -> torch.Tensor:
    """Broadcast to a shape, and that shape to the tensor's own."""
    wanted = integers(shape)
    own = [1] * (len(wanted) - input.ndim) + list(input.shape)
    wanted = [1] * (len(own) - len(wanted)) + wanted
    return input.expand([n if _is(w, 1) else w for n, w in zip(own, wanted, strict=True)])


@operator("Tile", sizes=("repeats",))
def tile(input: torch.Tensor, repeats: Any) -> torch.Tensor:
    """Repeat along every axis."""
    return input.repeat(integers(repeats))


@operator("Where")
def where(condition: torch.Tensor, X: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    """Choose between two tensors."""
    return torch.where(condition, X, Y)
