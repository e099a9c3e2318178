"""The networks that engines are compared on, the same for the same seed.

HEP, S and M are random; DIGITS (`network_digits.py`) is trained; CONV (`network_convolution.py`)
has a convolution.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.ops import DOMAIN
from lgnx.ops._operator import VERSION

SHAPES = {
    "HEP": (64, (512, 512, 512, 510), 5),
    "S": (784, (8000,) * 6, 10),
    "M": (784, (64000,) * 6, 10),
}
"""Inputs, gates of each layer, groups of the random networks."""

NAMES = (*SHAPES, "DIGITS", "CONV")

Layers = tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]


class Network(Protocol):
    """A network of two-input gates that gives counts.

    Attributes
    ----------
    name, title
        For files; for tables.
    n_inputs, groups
        Input bits; scores.
    shape
        Of a sample, as torch layers want it.
    widest
        Gates of the widest layer.
    layers
        For each layer the first inputs, the second inputs and the gate numbers, int32 [width]; None
        where there is more than dense layers. The numbers are those of Petersen et al.
        (arXiv:2210.08277): the outputs for ab = 00, 01, 10, 11, the first one most significant.
    digest
        Of the content.
    """

    name: str
    title: str
    n_inputs: int
    groups: int
    layers: Layers | None

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def widest(self) -> int: ...

    @property
    def digest(self) -> str: ...

    def model(self) -> onnx.ModelProto:
        """As an lgnx model, of the lowest level that can say it: bool x to int32 y."""

    def torch_model(self) -> Any:
        """As layers of torchlogix, where ``layers`` is None."""

    def samples(self, n: int) -> np.ndarray:
        """Input, bool [n, n_inputs]."""


@dataclass(frozen=True)
class LayerNetwork:
    """Dense layers of two-input gates.

    Attributes
    ----------
    name, title, n_inputs, groups, layers
        See `Network`.
    data
        Samples to take again and again; random ones where it is None.
    """

    name: str
    title: str
    n_inputs: int
    groups: int
    layers: Layers
    data: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample."""
        return (self.n_inputs,)

    @property
    def widest(self) -> int:
        """Gates of the widest layer."""
        return max(len(ids) for _, _, ids in self.layers)

    @functools.cached_property
    def digest(self) -> str:
        """Of the layers."""
        parts = hashlib.sha256(f"{self.n_inputs} {self.groups}".encode())
        for layer in self.layers:
            for array in layer:
                parts.update(np.ascontiguousarray(array, np.int32).tobytes())
        return parts.hexdigest()

    def tables(self, layer: int) -> np.ndarray:
        """Tables of a layer, uint8 [width, 1]: the output for a and b is bit a + 2 b."""
        ids = self.layers[layer][2]
        bits = [ids >> 3 & 1, ids >> 1 & 1, ids >> 2 & 1, ids & 1]
        return sum(bit << i for i, bit in enumerate(bits)).astype(np.uint8)[:, None]

    def indices(self, layer: int) -> np.ndarray:
        """Inputs of a layer, int32 [width, 2]."""
        return np.stack(self.layers[layer][:2], axis=1)

    def model(self) -> onnx.ModelProto:
        """Layer level."""
        return layer_model(self)

    def torch_model(self) -> Any:
        """Not needed: engines build layers themselves."""
        raise NotImplementedError

    def samples(self, n: int) -> np.ndarray:
        """Input, bool [n, n_inputs]."""
        if self.data is not None:
            return np.resize(self.data, (n, self.n_inputs))
        rng = np.random.default_rng(1)
        return rng.integers(0, 2, (n, self.n_inputs), np.uint8).view(bool)


def network(name: str, seed: int = 0) -> Any:
    """Give the network of a name.

    The gates of HEP, S and M are uniform over all sixteen. Every signal of a layer is used before
    any is used twice, as difflogic's unique connections do.
    """
    if name not in SHAPES:
        return importlib.import_module(
            {"DIGITS": "network_digits", "CONV": "network_convolution"}[name]
        ).load()
    n_inputs, widths, groups = SHAPES[name]
    rng = np.random.default_rng(seed)
    layers, fan_in = [], n_inputs
    for width in widths:
        rounds = -(-2 * width // fan_in)
        drawn = np.concatenate([rng.permutation(fan_in) for _ in range(rounds)])[: 2 * width]
        a, b = drawn[:width].astype(np.int32), drawn[width:].astype(np.int32)
        b = np.where(a == b, (b + 1) % fan_in, b).astype(np.int32)
        layers.append((a, b, rng.choice(16, width).astype(np.int32)))
        fan_in = width
    shape = " → ".join([f"{n_inputs}", _widths(widths), f"{groups}"])
    return LayerNetwork(name, f"random, {shape}", n_inputs, groups, tuple(layers))


def _widths(widths: tuple[int, ...]) -> str:
    if len(set(widths)) == 1:
        return f"{len(widths)} × {widths[0]:,}"
    return ", ".join(f"{width:,}" for width in widths)


def layer_model(
    net: LayerNetwork, dtype: int = TensorProto.BOOL, score: int = TensorProto.INT32
) -> onnx.ModelProto:
    """Write a network as a layer-level model; numbers are compared with 0.5 (or 0) first."""
    nodes, constants, value = [], {}, "x"
    if dtype != TensorProto.BOOL:
        kind = helper.tensor_dtype_to_np_dtype(dtype)
        limit = 0.5 if np.issubdtype(kind, np.floating) else 0
        constants["thresholds"] = np.full((net.n_inputs, 1), limit, kind)
        constants["flat"] = np.array([0, -1])
        nodes.append(helper.make_node("Thermometer", ["x", "thresholds"], ["t"], domain=DOMAIN))
        nodes.append(helper.make_node("Reshape", ["t", "flat"], ["bits"]))
        value = "bits"
    for layer in range(len(net.layers)):
        constants[f"i{layer}"], constants[f"t{layer}"] = net.indices(layer), net.tables(layer)
        inputs = [value, f"i{layer}", f"t{layer}"]
        value = f"h{layer}"
        nodes.append(helper.make_node("LogicDense", inputs, [value], value, domain=DOMAIN))
    nodes.append(
        helper.make_node(
            "GroupSum", [value], ["y"], "sum", domain=DOMAIN, groups=net.groups, dtype=score
        )
    )
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", dtype, ["batch", net.n_inputs])],
        [helper.make_tensor_value_info("y", score, ["batch", net.groups])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
