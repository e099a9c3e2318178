"""The layers that a chain is made of, see `layer_chain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.gate_layers import gate_layers
from lgnx.netlist.build import NetlistBuilder
from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = [
    "Chain",
    "Compare",
    "Conv",
    "Dense",
    "Pool",
    "Reshape",
    "Step",
    "Sum",
    "dense_layers",
]


@dataclass(frozen=True)
class Compare:
    """A thermometer: bits ``x > thresholds``, put behind each other along an axis.

    Attributes
    ----------
    thresholds
        Broadcast with x[..., None]; last axis B.
    shape
        Of the numbers of a sample.
    axis
        Of the batch: its entries become B bits each.
    """

    name: str
    thresholds: np.ndarray
    strict: bool
    shape: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class Dense:
    """A layer of tables: indices [N, k], tables uint8 [N, nb]."""

    name: str
    indices: np.ndarray
    tables: np.ndarray
    in_dim: int

    def as_gates(self) -> list[Dense]:
        """Give layers of gates of two inputs that compute the same."""
        builder = NetlistBuilder(self.in_dim)
        outputs = builder.lut(self.tables, builder.inputs()[self.indices])
        return dense_layers(self.name, gate_layers(builder.finish(outputs)), self.in_dim)


def dense_layers(
    name: str, layers: Sequence[tuple[np.ndarray, np.ndarray]], width: int
) -> list[Dense]:
    """Name the layers of `gate_layers`, the first of which reads so many bits."""
    found = []
    for indices, tables in layers:
        found.append(Dense(name, indices, tables, width))
        width = len(indices)
    return found


@dataclass(frozen=True)
class Conv:
    """A convolution of trees of tables, or a transposed one; as of `LogicConv`."""

    name: str
    indices: np.ndarray
    tables: np.ndarray
    channels: int
    sizes: tuple[int, ...]
    attributes: dict[str, Any]
    transposed: bool


@dataclass(frozen=True)
class Pool:
    """Pooling by OR; as of `OrPool`."""

    name: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Reshape:
    """Another shape of a sample, from the one it had."""

    before: tuple[int, ...]
    shape: tuple[int, ...]

    def modules(self) -> list[torch.nn.Module]:
        """Give modules of torch that do it."""
        from torch import nn

        flat: list[nn.Module] = [] if len(self.before) == 1 else [nn.Flatten()]
        return flat if len(self.shape) == 1 else [*flat, nn.Unflatten(1, self.shape)]


@dataclass(frozen=True)
class Sum:
    """Counts by group, (count + bias) / tau + beta."""

    name: str
    groups: int
    bias: float
    tau: float
    beta: float
    dtype: np.dtype


Step = Compare | Dense | Conv | Pool | Reshape | Sum


@dataclass
class Chain:
    """The layers of a model, in order.

    Attributes
    ----------
    where
        How messages call the model.
    shape, dtype
        Of one sample.
    left_out
        The ArgMax at the end, if there is one: modules give the scores.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype
    steps: list[Step] = field(default_factory=list)
    left_out: str = ""

    def refuse(self, name: str, kind: str, reason: str) -> ModelError:
        """Make an error that names the model and a node."""
        return ModelError(f"{self.where}: node {name!r} ({kind}): {reason}")
