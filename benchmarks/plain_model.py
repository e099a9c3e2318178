"""A random network in standard ONNX operators on bytes: what a user without lgnx would write."""

from __future__ import annotations

import numpy as np
import onnx
from networks import LayerNetwork
from onnx import TensorProto, helper, numpy_helper


def plain_model(net: LayerNetwork) -> onnx.ModelProto:
    """Write a layer as two Gathers, and a look-up in its tables by BitShift, on uint8."""
    nodes, value = [helper.make_node("Cast", ["x"], ["bits"], to=TensorProto.UINT8)], "bits"
    constants = {"one": np.array(1, np.uint8)}
    for layer in range(len(net.layers)):
        indices = net.indices(layer)
        constants[f"a{layer}"], constants[f"b{layer}"] = indices[:, 0], indices[:, 1]
        constants[f"t{layer}"] = net.tables(layer)[:, 0]
        for side in "ab":
            gathered = f"{side}_of{layer}"
            nodes.append(helper.make_node("Gather", [value, f"{side}{layer}"], [gathered], axis=1))
        b, address, shifted = f"b_of{layer}", f"address{layer}", f"shifted{layer}"
        value = f"h{layer}"
        nodes += [
            helper.make_node("Add", [b, b], [f"twice{layer}"]),
            helper.make_node("Add", [f"twice{layer}", f"a_of{layer}"], [address]),
            helper.make_node("BitShift", [f"t{layer}", address], [shifted], direction="RIGHT"),
            helper.make_node("BitwiseAnd", [shifted, "one"], [value]),
        ]
    constants["groups"] = np.array([0, net.groups, -1])
    constants["axis"] = np.array([2])
    nodes += [
        helper.make_node("Cast", [value], ["numbers"], to=TensorProto.INT32),
        helper.make_node("Reshape", ["numbers", "groups"], ["grouped"]),
        helper.make_node("ReduceSum", ["grouped", "axis"], ["y"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "plain",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", net.n_inputs])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["batch", net.groups])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
