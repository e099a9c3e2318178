"""Single nodes, computed as onnxruntime and qonnx compute them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper

from lgnx.ops.errors import ModelError, require

__all__ = ["QONNX_DOMAINS", "is_elementwise", "is_quantiser", "run_node"]

QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
_QUANTISERS = ("BipolarQuant", "IntQuant", "MultiThreshold", "Quant")

# Of the one number that they read these never decrease, or never increase: a larger number does
# not lead to a smaller result and then to a larger one, as every step rounds without disorder.
_MONOTONE = frozenset(
    """
    Add BatchNormalization Ceil Clip Div Floor Identity LeakyRelu Max Min Mul Neg Relu Round Sub
    """.split()
)


def is_quantiser(node: ir.Node) -> bool:
    """Tell whether a node turns each number into one of a few."""
    if node.domain in QONNX_DOMAINS:
        return node.op_type in _QUANTISERS
    return node.domain == "" and node.op_type == "Sign"


def is_elementwise(node: ir.Node, data: int) -> bool:
    """Tell whether a node is a monotone function of each number of its input ``data`` alone.

    Its other inputs are constant.
    """
    if is_quantiser(node):
        return data == 0
    if node.domain != "" or node.op_type not in _MONOTONE or len(node.outputs) != 1:
        return False
    if node.op_type == "LeakyRelu" and node.attributes.get_float("alpha", 0.01) < 0:
        return False
    if node.op_type == "BatchNormalization" and node.attributes.get_int("training_mode", 0) != 0:
        return False
    return data == 0 or node.op_type in ("Add", "Max", "Min", "Mul", "Sub")


def run_node(node: ir.Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    """Run one node on values.

    Operators of ONNX are run by onnxruntime, those of qonnx by qonnx.

    Raises
    ------
    ModelError
        If it fails on them.
    """
    proto = ir.serde.serialize_node(node)
    del proto.metadata_props[:], proto.input[:], proto.output[:]
    proto.input.extend(f"i{i}" if v is not None else "" for i, v in enumerate(inputs))
    proto.output.extend(f"o{i}" for i in range(len(node.outputs)))
    feeds = {f"i{i}": value for i, value in enumerate(inputs) if value is not None}
    custom = node.domain in QONNX_DOMAINS
    if custom:
        proto.domain = QONNX_DOMAINS[0]
        require("qonnx", extra="qonnx")
    run = _run_qonnx if custom else _run_onnxruntime
    try:
        return run(proto, feeds, opset)
    except Exception as error:
        text = " ".join(str(error).split())
        raise ModelError(f"node {node.name!r} ({node.op_type}): cannot be run: {text}") from error


def _run_qonnx(proto: onnx.NodeProto, feeds: dict[str, np.ndarray], opset: int) -> list[np.ndarray]:
    from qonnx.custom_op.registry import getCustomOp

    context = dict(feeds)
    with np.errstate(all="ignore"):
        getCustomOp(proto).execute_node(context, None)
    return [np.asarray(context[name], np.float32) for name in proto.output]


def _run_onnxruntime(
    proto: onnx.NodeProto, feeds: dict[str, np.ndarray], opset: int
) -> list[np.ndarray]:
    types = tuple(
        (name, helper.np_dtype_to_tensor_dtype(value.dtype)) for name, value in feeds.items()
    )
    return _session(proto.SerializeToString(), types, opset)(feeds)


@functools.lru_cache(maxsize=64)
def _session(
    node: bytes, types: tuple[tuple[str, int], ...], opset: int
) -> Callable[[dict[str, np.ndarray]], list[np.ndarray]]:
    import onnxruntime

    proto = onnx.NodeProto.FromString(node)
    inputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in types]
    outputs = [onnx.ValueInfoProto(name=name) for name in proto.output]
    graph = helper.make_graph([proto], "node", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda feeds: [np.asarray(value) for value in session.run(None, feeds)]
