"""Arithmetic of sizes: what networks compute from the shapes of their tensors.

torch traces a size as a Python number that may be a symbol. So sizes are kept as numpy arrays of
Python numbers, and become tensors only where an operator computes with them as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from onnx import TensorProto

from lgnx.converters.torch_standard._table import Standard, register_in

__all__ = ["OPERATORS", "as_sizes", "integers", "sizes_as_tensor"]

OPERATORS: dict[str, Standard] = {}
operator = register_in(OPERATORS)


def as_sizes(value: Any) -> np.ndarray:
    """Give numbers, or nested lists of them, as an array of Python numbers."""
    return np.array(value, dtype=object)


def integers(value: Any) -> list[Any]:
    """Give sizes, a tensor of them, a number or a list as a flat list."""
    if isinstance(value, torch.Tensor):
        return value.flatten().tolist()
    if isinstance(value, np.ndarray):
        return value.reshape(-1).tolist()
    return list(value) if isinstance(value, (list, tuple)) else [value]


def sizes_as_tensor(value: Any) -> torch.Tensor:
    """Give sizes as an int64 tensor."""
    sizes = as_sizes(value)
    numbers = [torch.scalar_tensor(n, dtype=torch.int64) for n in sizes.reshape(-1).tolist()]
    if not numbers:
        return torch.zeros(sizes.shape, dtype=torch.int64)
    return torch.stack(numbers).reshape(sizes.shape)


@operator("Shape")
def shape(data: torch.Tensor, start: int = 0, end: int | None = None) -> np.ndarray:
    """Give the sizes of the axes from ``start`` to before ``end``."""
    return as_sizes(list(data.shape[start:end]))


@operator("Size")
def size(data: torch.Tensor) -> np.ndarray:
    """Give the number of elements."""
    return as_sizes(data.numel())


@operator("ConstantOfShape", sizes=("input",))
def constant_of_shape(input: Any, value: torch.Tensor | None = None) -> torch.Tensor:
    """Fill a tensor with one value, the float32 0 by default."""
    filling = torch.zeros(1) if value is None else value
    return filling.reshape(()).expand(integers(input)).clone()


@operator("Range", sizes=("start", "limit", "delta"), types=frozenset({int(TensorProto.INT64)}))
def range_(start: Any, limit: Any, delta: Any) -> torch.Tensor:
    """Count; int64 only."""
    (first,), (last,), (step,) = integers(start), integers(limit), integers(delta)
    return torch.arange(first, last, step)


def sizes_gather(data: Any, indices: Any, axis: int = 0) -> np.ndarray:
    """Gather."""
    return as_sizes(np.take(as_sizes(data), np.asarray(indices, np.int64), axis))


def sizes_slice(
    data: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None
) -> np.ndarray:
    """Slice of one axis."""
    (start,), (end,) = integers(starts), integers(ends)
    step = 1 if steps is None else integers(steps)[0]
    return as_sizes(data)[slice(*_bounds(start, end, step, len(as_sizes(data))))]


def _bounds(start: int, end: int, step: int, n: int) -> tuple[int, int | None, int]:
    """Bounds of Python's slices where ONNX clamps ``end`` far below the first element."""
    return start, None if step < 0 and end < -n else end, step


def sizes_concat(inputs: Sequence[Any], axis: int) -> np.ndarray:
    """Concatenation."""
    return np.concatenate([as_sizes(value) for value in inputs], axis)


def sizes_unsqueeze(data: Any, axes: Any) -> np.ndarray:
    """Axes of size 1."""
    return np.expand_dims(as_sizes(data), tuple(integers(axes)))


def sizes_squeeze(data: Any, axes: Any = None) -> np.ndarray:
    """Axes of size 1 removed."""
    return np.squeeze(as_sizes(data), None if axes is None else tuple(integers(axes)))


def sizes_reshape(data: Any, shape: Any, allowzero: int = 0) -> np.ndarray:
    """Reshape."""
    return as_sizes(data).reshape(integers(shape))


def sizes_same(input: Any) -> np.ndarray:
    """Sizes as they are."""
    return as_sizes(input)


def sizes_cast(input: Any, to: int) -> np.ndarray:
    """Sizes as they are: they have one type."""
    return as_sizes(input)


def sizes_add(A: Any, B: Any) -> np.ndarray:
    """Sum."""
    return as_sizes(as_sizes(A) + as_sizes(B))


def sizes_sub(A: Any, B: Any) -> np.ndarray:
    """Difference."""
    return as_sizes(as_sizes(A) - as_sizes(B))


def sizes_mul(A: Any, B: Any) -> np.ndarray:
    """Product."""
    return as_sizes(as_sizes(A) * as_sizes(B))


def sizes_div(A: Any, B: Any) -> np.ndarray:
    """Quotient of sizes, which are not negative."""
    return as_sizes(as_sizes(A) // as_sizes(B))


def sizes_prod(
    data: Any, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> np.ndarray:
    """Product of all sizes."""
    return as_sizes(np.prod(as_sizes(data), keepdims=bool(keepdims)))
