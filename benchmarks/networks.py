"""The networks that engines are compared on: HEP, S and M, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

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
"""Inputs, gates of each layer, groups."""


@dataclass(frozen=True)
class RandomNetwork:
    """Layers of two-input gates.

    Attributes
    ----------
    n_inputs, groups
        Input bits; scores.
    layers
        For each layer the first inputs, the second inputs and the gate numbers, int32 [width]. The
        numbers are those of Petersen et al. (arXiv:2210.08277): the outputs for ab = 00, 01, 10,
        11, the first one most significant.
    """

    n_inputs: int
    groups: int
    layers: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]

    def tables(self, layer: int) -> np.ndarray:
        """Tables of a layer, uint8 [width, 1]: the output for a and b is bit a + 2 b."""
        ids = self.layers[layer][2]
        bits = [ids >> 3 & 1, ids >> 1 & 1, ids >> 2 & 1, ids & 1]
        return sum(bit << i for i, bit in enumerate(bits)).astype(np.uint8)[:, None]

    def indices(self, layer: int) -> np.ndarray:
        """Inputs of a layer, int32 [width, 2]."""
        return np.stack(self.layers[layer][:2], axis=1)


def network(name: str, seed: int = 0) -> RandomNetwork:
    """Make a network whose gates are uniform over all sixteen.

    Every signal of a layer is used before any is used twice, as difflogic's unique connections do.
    """
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
    return RandomNetwork(n_inputs, groups, tuple(layers))


def layer_model(
    net: RandomNetwork, dtype: int = TensorProto.BOOL, score: int = TensorProto.INT32
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
