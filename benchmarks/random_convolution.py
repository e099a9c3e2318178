"""A layer-level model of a convolutional logic gate network with random gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.ops import DOMAIN
from lgnx.ops._operator import VERSION

# Each depends on both its inputs.
_GATES = np.array([0x1, 0x2, 0x4, 0x6, 0x7, 0x8, 0x9, 0xB, 0xD, 0xE], np.uint8)


def random_convolution(
    channels: int, side: int, blocks: Sequence[int], widths: Sequence[int], groups: int
) -> onnx.ModelProto:
    """Make the network of "Convolutional Differentiable Logic Gate Networks" (2024).

    Parameters
    ----------
    channels, side
        Input bits [channels, side, side].
    blocks
        Kernels of each block: a LogicConv of 3 x 3 windows, padded by 1, with trees of depth 3 of
        two-input gates, then an OrPool of 2 x 2. Each tree reads two channels.
    widths
        Gates of the dense layers that follow.
    groups
        Of the group sum at the end.
    """
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, np.ndarray] = {}

    def add(op: str, x: str, domain: str = DOMAIN, **parts: Any) -> str:
        name = f"{op}_{len(nodes)}"
        arrays = {k: v for k, v in parts.items() if isinstance(v, np.ndarray)}
        constants.update({f"{name}.{k}": v for k, v in arrays.items()})
        inputs = [x, *(f"{name}.{k}" for k in arrays)]
        attributes = {k: v for k, v in parts.items() if k not in arrays}
        nodes.append(helper.make_node(op, inputs, [name], name, domain=domain, **attributes))
        return name

    y, width = "x", channels
    for kernels in blocks:
        # Four leaves in each of two channels.
        picked = rng.integers(0, width, (kernels, 2)).repeat(4, axis=1)
        y = add(
            "LogicConv",
            y,
            indices=(9 * picked + rng.integers(0, 9, picked.shape)).astype(np.int32),
            tables=rng.choice(_GATES, (kernels, 7, 1)),
            kernel_shape=[3, 3],
            pads=[1] * 4,
            depth=3,
        )
        y = add("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
        width, side = kernels, side // 2
    width *= side * side
    y = add("Reshape", y, domain="", shape=np.array([0, width]))
    for n in widths:
        first = rng.integers(0, width, n)
        indices = np.stack([first, (first + rng.integers(1, width, n)) % width], axis=1)
        y = add(
            "LogicDense", y, indices=indices.astype(np.int32), tables=rng.choice(_GATES, (n, 1))
        )
        width = n
    y = add("GroupSum", y, groups=groups, dtype=TensorProto.INT32)
    shape = ["batch", channels, side << len(blocks), side << len(blocks)]
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, shape)],
        [helper.make_tensor_value_info(y, TensorProto.INT32, ["batch", groups])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
