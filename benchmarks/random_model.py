"""Layer-level models of random gates, the same for the same seed, for the benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.ops import DOMAIN
from lgnx.ops._operator import VERSION


def random_model(
    n_inputs: int, widths: Sequence[int], groups: int, *, threshold: bool = False, seed: int = 0
) -> onnx.ModelProto:
    """Make a network of two-input gates that each depend on both inputs.

    Parameters
    ----------
    n_inputs
        Input bits, or float32 numbers with one threshold each.
    widths
        Gates of each layer.
    groups
        Of the group sum at the end.
    threshold
        Put a Thermometer with one threshold in front.
    seed
        Of the random gates.
    """
    rng = np.random.default_rng(seed)
    gates = np.array([0x1, 0x2, 0x4, 0x6, 0x7, 0x8, 0x9, 0xB, 0xD, 0xE], np.uint8)
    nodes, constants = [], {}
    value, width = "x", n_inputs
    if threshold:
        constants["thresholds"] = np.full((n_inputs, 1), 0.5, np.float32)
        constants["flat"] = np.array([0, -1])
        nodes.append(helper.make_node("Thermometer", ["x", "thresholds"], ["t"], domain=DOMAIN))
        nodes.append(helper.make_node("Reshape", ["t", "flat"], ["bits"]))
        value = "bits"
    for layer, n in enumerate(widths):
        first = rng.integers(0, width, n)
        second = (first + rng.integers(1, width, n)) % width
        constants[f"i{layer}"] = np.stack([first, second], axis=1).astype(np.int32)
        constants[f"t{layer}"] = rng.choice(gates, (n, 1))
        inputs = [value, f"i{layer}", f"t{layer}"]
        value = f"h{layer}"
        nodes.append(
            helper.make_node("LogicDense", inputs, [value], f"layer{layer}", domain=DOMAIN)
        )
        width = n
    nodes.append(helper.make_node("GroupSum", [value], ["y"], "sum", domain=DOMAIN, groups=groups))
    kind = TensorProto.FLOAT if threshold else TensorProto.BOOL
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("x", kind, ["batch", n_inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", groups])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
