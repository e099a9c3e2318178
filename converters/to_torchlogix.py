"""Models as modules of torchlogix, to go on training them there."""

from __future__ import annotations

import importlib.metadata
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.formats import Format
from lgnx.converters.gate_numbers import checked_confidence, gate_logits
from lgnx.converters.layer_chain import read_chain
from lgnx.converters.layer_steps import Chain, Compare, Conv, Dense, Pool, Reshape, Sum
from lgnx.converters.torchlogix import import_torchlogix
from lgnx.ops.errors import InputError, MissingExtraError, ModelError
from lgnx.ops.tables import unpack_tables

if TYPE_CHECKING:
    import torch

__all__ = ["FORMAT", "to_torchlogix"]

_OLDEST = (0, 2, 2)
_RANKS = {"raw": (2,), "light": (2, 4, 6), "warp": (2, 4, 6)}
_WAY_OUT = "lgnx.lower(model, to='network') makes gates of it, which become dense layers"


def to_torchlogix(
    model: Any, *, confidence: float = 0.951, parametrization: str | None = None
) -> torch.nn.Sequential:
    """Turn a model into a torchlogix module, to go on training it.

    Each layer becomes a layer of torchlogix with the same connections. Its weights choose the same
    tables, so in evaluation mode the module computes what the model computes. A table of 3 or 5
    inputs becomes one of 4 or 6, a wider one gates of two inputs. The gates of a network-level
    model become dense layers, with gates that hand values on.

    Parameters
    ----------
    model
        Path, bytes or ModelProto, of the layer or the network level.
    confidence
        How sure the soft outputs of training mode are: the probability that a table gives the bit
        it gives in evaluation. torchlogix begins with 0.951, too. Near 1 gradients vanish; in a
        deep network outputs fade with low ones.
    parametrization
        ``"raw"``, ``"light"`` or ``"warp"``; None for raw where tables have two inputs, and light
        where they have more. raw has gates of two inputs only, wider tables become several then.

    Returns
    -------
    torch.nn.Sequential
        In evaluation mode. It takes numbers as the model does, and bits as float32 0 and 1; it
        gives bits and scores as float32. An ArgMax at the end is left out, with a warning.

    Raises
    ------
    ModelError
        If the model is wrong or torchlogix has no such layers; the node and the reason are named.
    InputError
        If an argument is wrong.
    MissingExtraError
        If torch or torchlogix is not installed, or an older torchlogix is.
    """
    confidence = checked_confidence(confidence)
    if parametrization not in (None, *_RANKS):
        raise InputError(f"parametrization is {parametrization!r}, must be raw, light or warp")
    import_torchlogix()
    _check_version()
    import torch

    chain = read_chain(model)
    if chain.left_out:
        warnings.warn(f"{chain.where}: {chain.left_out} is left out", stacklevel=2)
    maker = _Maker(chain, confidence, parametrization)
    with torch.random.fork_rng(devices=[]):
        layers = [layer for step in chain.steps for layer in maker.layers(step)]
    return torch.nn.Sequential(*layers).eval()


def _check_version() -> None:
    version = importlib.metadata.version("torchlogix")
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdecimal())
    if numbers < _OLDEST:
        needed = ".".join(map(str, _OLDEST))
        raise MissingExtraError(
            f"lgnx.to_torchlogix makes layers of torchlogix {needed} or later; {version} is "
            f"installed: pip install 'torchlogix>={needed}'"
        )


class _Maker:
    """Makes the layers of one model."""

    def __init__(self, chain: Chain, confidence: float, parametrization: str | None) -> None:
        self.chain = chain
        self.confidence = confidence
        self.parametrization = parametrization

    def layers(self, step: Any) -> list[torch.nn.Module]:
        """Give the layers of a step of the chain."""
        if isinstance(step, Reshape):
            return step.modules()
        if isinstance(step, Compare):
            return [self._binarization(step)]
        if isinstance(step, Dense):
            return self._dense(step)
        if isinstance(step, Conv):
            return [self._conv(step)]
        return [self._pool(step) if isinstance(step, Pool) else self._sum(step)]

    def _binarization(self, step: Compare) -> torch.nn.Module:
        import torch
        from torchlogix.layers import FixedBinarization

        thresholds = step.thresholds
        if not step.strict:
            thresholds = self._below(step)
        if thresholds.ndim == 2 and len(step.shape) == 3:
            thresholds = thresholds.reshape(1, 1, *thresholds.shape)  # not one row for a channel
        return FixedBinarization(torch.from_numpy(thresholds.copy()), feature_dim=step.axis)

    def _below(self, step: Compare) -> np.ndarray:
        """The thresholds for ``>`` that are those for ``>=``: the numbers below them."""
        given = step.thresholds
        if given.dtype.kind == "f":
            lowest, below = given == -np.inf, np.nextafter(given, given.dtype.type(-np.inf))
        else:
            lowest = given == np.iinfo(given.dtype).min
            below = given - (~lowest).astype(given.dtype)
        if lowest.any():
            raise self.chain.refuse(
                step.name,
                "Thermometer",
                f"a bit is x >= {given[lowest].flat[0]}, which torchlogix, with x > t, cannot say",
            )
        return below

    # --- Tables

    def _rank(self, k: int) -> tuple[str, int] | None:
        """Parametrization and rank for tables of k inputs; None where there is none."""
        kind = self.parametrization or ("raw" if k <= 2 else "light")
        rank = next((rank for rank in _RANKS[kind] if rank >= k), None)
        return None if rank is None else (kind, rank)

    def _options(self, kind: str, rank: int) -> dict[str, Any]:
        return {
            "lut_rank": rank,
            "parametrization": kind,
            "parametrization_kwargs": {"residual_probability": self.confidence},
        }

    def _weights(self, kind: str, rank: int, tables: np.ndarray, k: int) -> torch.Tensor:
        """Weights [..., basis] that choose tables uint8 [..., nb] of k inputs."""
        import torch

        bits = unpack_tables(tables, k)
        # More inputs, that do not matter: the table again for each value of theirs.
        bits = np.tile(bits, 1 << (rank - k))
        if kind == "raw":
            return gate_logits(bits, self.confidence)
        # torchlogix has the first input as the most significant.
        order = np.arange(1 << rank)
        reversed_bits = sum((order >> i & 1) << (rank - 1 - i) for i in range(rank))
        signs = torch.from_numpy(np.where(bits[..., reversed_bits], 1.0, -1.0)).float()
        signs *= math.log(self.confidence) - math.log(1 - self.confidence)
        if kind == "light":
            return signs
        from torchlogix.functional import walsh_hadamard_transform

        flat = walsh_hadamard_transform(-signs.reshape(-1, 1 << rank), rank) / (1 << rank)
        return flat.reshape(signs.shape)

    def _dense(self, step: Dense) -> list[torch.nn.Module]:
        import torch
        from torchlogix.layers import LogicDense

        k = step.indices.shape[1]
        chosen = self._rank(k)
        if chosen is None:
            return [layer for gates in step.as_gates() for layer in self._dense(gates)]
        kind, rank = chosen
        # A layer that does not read all its inputs is made for fewer of them.
        layer = LogicDense(rank, len(step.indices), **self._options(kind, rank))
        slots = np.concatenate([step.indices, *[step.indices[:, :1]] * (rank - k)], axis=1)
        layer.in_dim = layer.connections.in_dim = step.in_dim
        layer.connections.indices = torch.from_numpy(np.ascontiguousarray(slots.T))
        with torch.no_grad():
            layer.weight.copy_(self._weights(kind, rank, step.tables, k))
        return [layer]

    def _conv(self, step: Conv) -> torch.nn.Module:
        import torch
        from torchlogix import layers

        a, d = step.attributes, len(step.sizes)
        operator = "LogicConvTranspose" if step.transposed else "LogicConv"
        depth = a["depth"]
        k = round(step.indices.shape[1] ** (1 / depth))
        chosen = self._rank(k)
        if d not in (2, 3):
            raise self._no_such(step, operator, f"slides along {d} axis, must slide along 2 or 3")
        if set(a["dilations"]) != {1}:
            raise self._no_such(step, operator, f"dilations are {a['dilations']}, must be 1")
        stride = self._single(step, operator, "strides")
        padding = self._single(step, operator, "pads")
        kernel = tuple(a["kernel_shape"])
        if chosen is None:
            most = max(_RANKS[self.parametrization or "light"])
            raise self._no_such(step, operator, f"tables have {k} inputs, must have 1 to {most}")
        if stride > min(kernel):
            raise self._no_such(
                step, operator, f"stride is {stride}, must not be more than the window {kernel}"
            )
        kind, rank = chosen
        more = {}
        if step.transposed:
            if len(set(kernel)) != 1:
                raise self._no_such(step, operator, f"window is {kernel}, must have equal sides")
            more["output_padding"] = tuple(a["output_padding"])
        leaves = _spread(step.indices, k, rank, depth)
        channel, *place = np.unravel_index(leaves, (step.channels, *kernel))
        coordinates = np.stack([*place, channel], -1)  # [K, rank^depth, d + 1]
        nodes = coordinates.reshape(len(leaves), -1, rank, d + 1).transpose(2, 0, 1, 3)
        with _drawn(torch.from_numpy(np.ascontiguousarray(nodes))):
            layer = getattr(layers, f"{operator}{d}d")(
                in_dim=step.sizes,
                channels=step.channels,
                num_kernels=len(step.indices),
                tree_depth=depth,
                receptive_field_size=kernel,
                stride=stride,
                padding=padding,
                **more,
                **self._options(kind, rank),
            )
        first = 0
        with torch.no_grad():
            for level, weight in enumerate(layer.tree_weights):
                count = k ** (depth - 1 - level)
                tables = np.moveaxis(step.tables[:, first : first + count], -1, 0)
                spread = np.stack([_spread(t, k, rank, depth - 1 - level) for t in tables], -1)
                weight.copy_(self._weights(kind, rank, spread.swapaxes(0, 1), k))
                first += count
        return layer

    def _pool(self, step: Pool) -> torch.nn.Module:
        from torchlogix import layers

        a = step.attributes
        kernel, strides, pads = (tuple(a[name]) for name in ("kernel_shape", "strides", "pads"))
        d = len(kernel)
        if d not in (2, 3):
            raise self._no_such(step, "OrPool", f"slides along {d} axis, must slide along 2 or 3")
        if pads[:d] != pads[d:]:
            raise self._no_such(
                step, "OrPool", f"pads {list(pads)} are not the same at both ends of the axes"
            )
        if any(2 * pad > extent for pad, extent in zip(pads, kernel, strict=False)):
            raise self._no_such(
                step, "OrPool", f"pads {list(pads[:d])} are more than half of the window {kernel}"
            )
        return getattr(layers, f"OrPooling{d}d")(kernel, strides, pads[:d])

    def _sum(self, step: Sum) -> torch.nn.Module:
        from torchlogix.layers import GroupSum

        beta = step.bias
        whole = float(step.bias).is_integer() and float(step.beta).is_integer()
        if step.beta != 0 and step.tau == 1 and whole:
            beta += step.beta
        elif step.beta != 0:
            raise self.chain.refuse(
                step.name,
                "GroupSum",
                f"beta {step.beta:g} is added after the division by tau {step.tau:g}; torchlogix "
                "adds before it, which rounds otherwise",
            )
        if step.dtype != np.float32 and step.dtype.kind not in "iu":
            raise self.chain.refuse(
                step.name, "GroupSum", f"scores are {step.dtype}, torchlogix has float32"
            )
        return GroupSum(step.groups, tau=step.tau, beta=beta)

    def _single(self, step: Conv, operator: str, name: str) -> int:
        """The one number that torchlogix has for an attribute of all axes."""
        values = set(step.attributes[name])
        if len(values) != 1:
            raise self._no_such(
                step, operator, f"{name} are {step.attributes[name]}, must be the same everywhere"
            )
        return values.pop()

    def _no_such(self, step: Any, operator: str, reason: str) -> ModelError:
        return self.chain.refuse(
            step.name, operator, f"torchlogix has no such layer: its {reason}; {_WAY_OUT}"
        )


@contextmanager
def _drawn(leaves: torch.Tensor) -> Iterator[None]:
    """Let convolutions that are made have these leaves, in place of those that they would draw."""
    from torchlogix.connections import FixedConvConnections

    own = FixedConvConnections._get_random_receptive_field_tensor
    FixedConvConnections._get_random_receptive_field_tensor = lambda connections: leaves
    try:
        yield
    finally:
        FixedConvConnections._get_random_receptive_field_tensor = own


def _spread(leaves: np.ndarray, k: int, rank: int, depth: int) -> np.ndarray:
    """Leaves [K, k^depth] to trees of more children: the first child of a node once more."""
    slots = [*range(k), *[0] * (rank - k)]
    trees = leaves.reshape(len(leaves), *[k] * depth)
    for axis in range(1, depth + 1):
        trees = trees.take(slots, axis=axis)
    return trees.reshape(len(leaves), -1)


FORMAT = Format(
    name="torchlogix-module",
    title="modules of torchlogix, to go on training",
    writes="a torch.nn.Sequential with the same discrete function; save it with torch.save",
    extra="torch",
    python="lgnx.to_torchlogix(model)",
)
