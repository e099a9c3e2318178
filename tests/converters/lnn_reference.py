"""The operators of qonnx.custom_op.lnn by their definition, and models that have them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from lgnx.ops import OPERATORS
from lgnx.verify.reference import run_reference

LNN = "qonnx.custom_op.lnn"
GENERAL = "qonnx.custom_op.general"


def lookup_table(
    x: np.ndarray, indices: np.ndarray, table: np.ndarray, input_bits: int = 1
) -> np.ndarray:
    """``y[..., m] = table[m, sum over k of x[..., indices[m, k]] * 2^(input_bits * k)]``."""
    assert x.size == 0 or int(x.max()) < 2**input_bits, "a number of x has more than input_bits"
    y = np.zeros((*x.shape[:-1], len(indices)), table.dtype)
    for place in np.ndindex(*x.shape[:-1]):
        for m, row in enumerate(indices.tolist()):
            address = sum(int(x[place][i]) * 2 ** (input_bits * k) for k, i in enumerate(row))
            y[(*place, m)] = table[m, address]
    return y


def windows(x: np.ndarray, kernel: Any, strides: Any, pads: Any, dilations: Any) -> np.ndarray:
    """[N, D.., C] to [N, O.., elements], spatial axes row-major, channels minor."""
    d = len(kernel)
    padded = np.pad(x, [(0, 0), *zip(pads[:d], pads[d:], strict=True), (0, 0)])
    counts = [
        (padded.shape[1 + a] - (kernel[a] - 1) * dilations[a] - 1) // strides[a] + 1
        for a in range(d)
    ]
    y = np.zeros((len(x), *counts, int(np.prod(kernel)) * x.shape[-1]), x.dtype)
    for n, *place in itertools.product(*map(range, (len(x), *counts))):
        elements = []
        for offset in itertools.product(*map(range, kernel)):
            at = [
                p * s + o * step
                for p, s, o, step in zip(place, strides, offset, dilations, strict=True)
            ]
            elements += padded[(n, *at)].tolist()
        y[(n, *place)] = elements
    return y


def lookup_table_conv(
    x: np.ndarray,
    indices: np.ndarray,
    table: np.ndarray | None = None,
    *,
    kernel_shape: list[int],
    strides: list[int] | None = None,
    pads: list[int] | None = None,
    tree_depth: int = 1,
) -> np.ndarray:
    """Trees of tables over the windows of x, or what they read if tree_depth is 0."""
    d = len(kernel_shape)
    seen = windows(x, kernel_shape, strides or [1] * d, pads or [0] * 2 * d, [1] * d)
    m, p, rank = indices.shape
    if tree_depth == 0:
        assert p == 1
        return seen[..., indices[:, 0]]
    assert table is not None
    assert table.shape == (m, sum(rank**i for i in range(tree_depth)), 2**rank)
    y = np.zeros((*seen.shape[:-1], m), table.dtype)
    for place in np.ndindex(*seen.shape[:-1]):
        for kernel in range(m):
            level = [int(seen[place][i]) for i in indices[kernel].ravel()]
            node = 0
            for _ in range(tree_depth):
                level, below = [], level
                for q in range(len(below) // rank):
                    children = below[q * rank : (q + 1) * rank]
                    level.append(
                        int(table[kernel, node, sum(b * 2**k for k, b in enumerate(children))])
                    )
                    node += 1
            y[(*place, kernel)] = level[0]
    return y


class LookupTable(OpRun):
    op_domain = LNN

    def _run(self, x, indices, table, input_bits=1, out_bits=0):
        return (lookup_table(x, indices, table, input_bits or 1),)


class LookupTableConv(OpRun):
    op_domain = LNN

    def _run(self, x, indices, table=None, **attributes):
        attributes.pop("channel_group_size", None)
        given = {name: value for name, value in attributes.items() if value is not None}
        return (lookup_table_conv(x, indices, table, **given),)


class Im2Col(OpRun):
    op_domain = GENERAL

    def _run(self, x, kernel_size, stride, pad_amount=None, dilations=None, **others):
        fill = others.get("pad_value") or 0
        pads = pad_amount or [0] * 4
        inner = np.pad(
            x.astype(np.float64) - fill, [(0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)]
        )
        y = windows(inner, kernel_size, stride, [0] * 4, dilations or [1, 1])
        return ((y + fill).astype(x.dtype),)


def run_lnn(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    """Outputs of a model with operators of the fork."""
    evaluator = ReferenceEvaluator(model, new_ops=[LookupTable, LookupTableConv, Im2Col])
    return list(evaluator.run(None, {evaluator.input_names[0]: x}))


def assert_same_outputs(a: onnx.ModelProto, b: onnx.ModelProto, *samples: np.ndarray) -> None:
    """Compare all outputs, their types and shapes; either model may be of either kind."""
    for x in samples:
        results = []
        for model in (a, b):
            foreign = any(node.domain == LNN for node in model.graph.node)
            results.append(run_lnn(model, x) if foreign else run_reference(model, x))
        for first, second in zip(*results, strict=True):
            assert (first.dtype, first.shape) == (second.dtype, second.shape)
            np.testing.assert_array_equal(first, second)


class Maker:
    """Builds models with nodes of the fork; their outputs carry a type and a rank."""

    def __init__(self, *shape: Any, dtype: Any = bool, batch: Any = "batch") -> None:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info("x", kind, [batch, *shape])]

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, op: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        names = [v if isinstance(v, str) else self.constant(v) for v in inputs]
        y = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [y], f"n_{y}", domain=domain, **attributes))
        return y

    def lnn(self, op: str, *inputs: Any, **attributes: Any) -> str:
        return self.op(op, *inputs, domain=LNN, **attributes)

    def model(self, *outputs: str, version: int = 3, opset: int = 18) -> onnx.ModelProto:
        values = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", self.inputs, values, self.constants)
        opsets = [("", opset), (LNN, version), (GENERAL, 1)]
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid(*o) for o in opsets], ir_version=10
        )


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def numbers(rng: np.random.Generator, dtype: Any, bits: int, *shape: int) -> np.ndarray:
    return rng.integers(0, 2**bits, shape, dtype=np.uint64).astype(dtype)


def structure(model: onnx.ModelProto) -> list[Any]:
    """Nodes with their names, attributes and constants, defaults filled in."""
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    found = []
    for node in model.graph.node:
        given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        operator = OPERATORS.get(node.op_type)
        given = dict(operator.with_defaults(given)) if operator else given
        inputs = [
            (name, arrays[name].dtype, arrays[name].tolist()) if name in arrays else name
            for name in node.input
        ]
        found.append((node.op_type, node.name, sorted(given.items()), inputs, list(node.output)))
    return found


def interface(model: onnx.ModelProto) -> list[Any]:
    return [v.SerializeToString() for v in (*model.graph.input, *model.graph.output)]


def clgn(make, rng: np.random.Generator) -> onnx.ModelProto:
    """Every layer that both can say, on numbers: what torchlogix's networks are made of."""
    m = make(2, 7, 6, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.float32([[[[0.2, 0.5]]], [[[-1.5, 0.25]]]])))
    y = m.op("Transpose", bits, perm=[0, 1, 4, 2, 3])
    y = m.op("Reshape", y, m.constant([0, 4, 7, 6]))
    y = m.op(
        "LogicConv",
        y,
        *m.trees(36, 8, 2, 2, rng),
        kernel_shape=[3, 3],
        strides=[1, 1],
        pads=[1, 1, 1, 1],
        dilations=[1, 1],
        depth=2,
    )
    y = m.op("OrPool", y, kernel_shape=[2, 3], strides=[2, 3], pads=[1, 0, 0, 0])
    y = m.op("LogicConv", y, *m.trees(32, 5, 3, 1, rng), kernel_shape=[2, 2])
    y = m.op("Reshape", y, m.constant([0, 15]))
    y = m.dense(m.dense(y, 15, 30, 4, rng), 30, 24, 2, rng)
    y = m.op("GroupSum", y, groups=4, bias=0.3, tau=2.7, beta=-0.1)
    return m.model(y)
