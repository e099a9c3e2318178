"""Layers of ordinary networks, as they stand in front of and behind logic: linear, convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from lgnx.converters.torch_standard._table import NUMBERS, Standard, register_in

__all__ = ["OPERATORS"]

OPERATORS: dict[str, Standard] = {}
operator = register_in(OPERATORS, NUMBERS)


@operator("MatMul")
def mat_mul(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Matrix product."""
    return A @ B


@operator("Gemm")
def gemm(
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> torch.Tensor:
    """Matrix product, scaled and added to."""
    A = A.t() if transA else A
    if transB and alpha == beta == 1 and (C is None or C.ndim == 1):
        return F.linear(A, B, C)
    y = A @ (B.t() if transB else B)
    y = y if alpha == 1 else y * alpha
    if C is None:
        return y
    return y + (C if beta == 1 else C * beta)


@operator("Relu")
def relu(X: torch.Tensor) -> torch.Tensor:
    """The larger of x and 0."""
    return F.relu(X)


@operator("LeakyRelu")
def leaky_relu(X: torch.Tensor, alpha: float = 0.01) -> torch.Tensor:
    """X, or alpha x below 0."""
    return F.leaky_relu(X, alpha)


@operator("Sigmoid")
def sigmoid(X: torch.Tensor) -> torch.Tensor:
    """Logistic function."""
    return X.sigmoid()


@operator("Tanh")
def tanh(input: torch.Tensor) -> torch.Tensor:
    """Hyperbolic tangent."""
    return input.tanh()


@operator("Softmax")
def softmax(input: torch.Tensor, axis: int = -1) -> torch.Tensor:
    """Exponentials that sum to 1."""
    return input.softmax(axis)


@operator("LogSoftmax")
def log_softmax(input: torch.Tensor, axis: int = -1) -> torch.Tensor:
    """Logarithm of softmax."""
    return input.log_softmax(axis)


@operator("BatchNormalization", only={"training_mode": (0,)})
def batch_normalization(
    X: torch.Tensor,
    scale: torch.Tensor,
    B: torch.Tensor,
    input_mean: torch.Tensor,
    input_var: torch.Tensor,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> torch.Tensor:
    """Normalise each channel, with fixed statistics."""
    return F.batch_norm(X, input_mean, input_var, scale, B, eps=epsilon)


def _padded(
    x: torch.Tensor, pads: Sequence[int], kernel: Sequence[int], filling: float
) -> tuple[torch.Tensor, list[int]]:
    """Give pads as torch takes them, the same at both ends; x is padded where they are not."""
    d = len(pads) // 2
    begin, end = list(pads[:d]), list(pads[d:])
    if begin == end and all(2 * n <= width for n, width in zip(begin, kernel, strict=True)):
        return x, begin
    around = [n for a in reversed(range(d)) for n in (begin[a], end[a])]
    return F.pad(x, around, value=filling), [0] * d


@operator("Conv", only={"auto_pad": ("NOTSET",)})
def conv(
    X: torch.Tensor,
    W: torch.Tensor,
    B: torch.Tensor | None = None,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> torch.Tensor:
    """Convolution along one, two or three axes."""
    d = W.ndim - 2
    X, padding = _padded(X, pads or [0] * (2 * d), W.shape[2:], 0.0)
    function: Any = (F.conv1d, F.conv2d, F.conv3d)[d - 1]
    return function(X, W, B, strides or 1, padding, dilations or 1, group)


@operator("MaxPool", only={"auto_pad": ("NOTSET",), "ceil_mode": (0,)})
def max_pool(
    X: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    ceil_mode: int = 0,
    storage_order: int = 0,
    auto_pad: str = "NOTSET",
) -> torch.Tensor:
    """Largest in each window."""
    d = len(kernel_shape)
    least = torch.finfo(X.dtype).min if X.is_floating_point() else torch.iinfo(X.dtype).min
    X, padding = _padded(X, pads or [0] * (2 * d), kernel_shape, least)
    function: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[d - 1]
    return function(X, kernel_shape, strides or [1] * d, padding, dilations or 1)


@operator("AveragePool", only={"auto_pad": ("NOTSET",), "ceil_mode": (0,)})
def average_pool(
    X: torch.Tensor,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    count_include_pad: int = 0,
    ceil_mode: int = 0,
    auto_pad: str = "NOTSET",
) -> torch.Tensor:
    """Mean of each window."""
    d = len(kernel_shape)
    around = list(pads or [0] * (2 * d))
    function: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[d - 1]
    steps = strides or [1] * d
    x, padding = _padded(X, around, kernel_shape, 0.0)
    if count_include_pad or around == padding * 2:
        return function(x, kernel_shape, steps, padding, count_include_pad=bool(count_include_pad))
    inside, _ = _padded(torch.ones_like(X), around, kernel_shape, 0.0)
    return function(x, kernel_shape, steps) / function(inside, kernel_shape, steps)


@operator("GlobalAveragePool")
def global_average_pool(X: torch.Tensor) -> torch.Tensor:
    """Mean of each channel."""
    return X.mean(tuple(range(2, X.ndim)), keepdim=True)
