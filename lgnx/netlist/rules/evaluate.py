"""Run a single node with onnx's own reference implementation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper

from lgnx.netlist.rules.values import NotBooleanError

if TYPE_CHECKING:
    from onnx.reference import ReferenceEvaluator


def evaluate(node: ir.Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    """Run one node on values.

    Raises
    ------
    NotBooleanError
        If the values do not fit the node.
    """
    proto = ir.serde.serialize_node(node)
    del proto.metadata_props[:]
    names = [f"i{i}" if value is not None else "" for i, value in enumerate(inputs)]
    outputs = [f"o{i}" for i in range(len(node.outputs))]
    del proto.input[:], proto.output[:]
    proto.input.extend(names)
    proto.output.extend(outputs)
    proto.name = ""
    feeds = {name: value for name, value in zip(names, inputs, strict=True) if value is not None}
    evaluator = _evaluator(proto.SerializeToString(), tuple(feeds), tuple(outputs), opset)
    try:
        return [np.asarray(value) for value in evaluator.run(None, feeds)]
    except Exception as error:
        raise NotBooleanError(f"it fails on values of these shapes: {error}") from error


@functools.lru_cache(maxsize=256)
def _evaluator(
    node: bytes, inputs: tuple[str, ...], outputs: tuple[str, ...], opset: int
) -> ReferenceEvaluator:
    from onnx.reference import ReferenceEvaluator  # slow to import, and layers do without

    proto = onnx.NodeProto()
    proto.ParseFromString(node)
    # Types of graph inputs do not matter to the evaluator.
    graph = helper.make_graph(
        [proto],
        "node",
        [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in inputs],
        [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model)
