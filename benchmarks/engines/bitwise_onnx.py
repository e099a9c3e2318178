"""Packed words in standard ONNX operators, on stock onnxruntime: lgnx's own bitwise level.

The whole model packs and counts in standard operators as well, which takes most of its time; so its
gates are also timed alone, on words that are packed already.
"""

from __future__ import annotations

import time

import numpy as np
import onnx
import onnxruntime
from networks import Network
from onnx import TensorProto, helper

from engines.interface import Engine, Ready, UnavailableError
from lgnx.ops import DOMAIN
from lgnx.passes import lower


def prepare(net: Network, limit: float) -> Ready:
    """Load the bitwise level, and its gates alone."""
    if net.layers is None:
        raise UnavailableError("dense layers only")
    model = lower(net.model(), to="bitwise")
    start = time.perf_counter()
    whole = _session(model)
    seconds = {"load": time.perf_counter() - start}
    part = _session(_gates(model))

    def gates(x: np.ndarray) -> float:
        rng = np.random.default_rng(2)
        words = rng.integers(0, 1 << 64, (net.n_inputs, len(x) // 64), np.uint64, endpoint=False)
        start = time.perf_counter()
        part.run(None, {"words": words})
        return time.perf_counter() - start

    return Ready(lambda x: whole.run(None, {"x": x})[0], seconds, gates)


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _gates(model: onnx.ModelProto) -> onnx.ModelProto:
    """Cut out what lies between packing and counting."""
    nodes = [node for node in model.graph.node if node.domain != DOMAIN and node.op_type != "Shape"]
    own = {node.op_type: node for node in model.graph.node if node.domain == DOMAIN}
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["words"], [own["PackBits"].output[0]]),
            *nodes,
            helper.make_node("Identity", [own["BitCount"].input[0]], ["out"]),
        ],
        "gates",
        [helper.make_tensor_value_info("words", TensorProto.UINT64, ["bits", "words"])],
        [helper.make_tensor_value_info("out", TensorProto.UINT64, ["outputs", "words"])],
        model.graph.initializer,
    )
    opsets = [known for known in model.opset_import if known.domain != DOMAIN]
    return helper.make_model(graph, opset_imports=opsets, ir_version=model.ir_version)


ENGINES = (Engine("onnxruntime, bitwise ONNX of lgnx", 41, prepare, bits=1 << 25),)
