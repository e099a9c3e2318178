"""Layers of `lgnx.ops` to LookupTable and LookupTableConv."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import onnx
import onnx_ir as ir

from lgnx.converters.qonnx_lnn import DOMAIN, nested_nodes
from lgnx.converters.qonnx_lnn_constants import Constants
from lgnx.converters.qonnx_windows import (
    channel_last,
    channels_first,
    channels_last,
    shape_of,
)
from lgnx.files import as_ir
from lgnx.netlist.probe import constant_value
from lgnx.ops import DOMAIN as LGNX
from lgnx.ops._tree import fan_in
from lgnx.ops._windows import span
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import unpack_tables
from lgnx.passes.edit import Inserter, attributes_of, replace
from lgnx.passes.pipelines import PASSES, run_passes

__all__ = ["write_lnn"]

VERSION = 3
_BOOL = ir.DataType.BOOL
_MAX_BYTES = (1 << 31) - (1 << 20)  # protobuf takes no more in one file
_NO_FORM = {
    "LogicConvTranspose": "transposed convolutions have no form there",
    "LogicNetwork": "whole networks have no form there; convert the model that it was made from",
    "PackBits": "packed words have no form there; convert the model that it was made from",
    "UnpackBits": "packed words have no form there; convert the model that it was made from",
    "BitCount": "packed words have no form there; convert the model that it was made from",
}


def write_lnn(proto: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """Convert a model; ``where`` is its name in messages."""
    for node in nested_nodes(proto, LGNX):
        what = f"{where}: node {node.name!r} ({node.op_type})"
        raise ModelError(f"{what}: is inside the body of another node, and is not converted")
    for node in proto.graph.node:
        what = f"{where}: node {node.name!r} ({node.op_type})"
        if node.domain == LGNX and node.op_type in _NO_FORM:
            raise ModelError(f"{what}: not in {DOMAIN}: {_NO_FORM[node.op_type]}")
    model = as_ir(run_passes(proto, ()))  # checked, and with the types of all values
    model.graph.meta.pop("lgnx.names", None)
    _Rewriter(model, where).run()
    for name in ("merge-transposes", "merge-reshapes", "remove-unused"):
        model.graph.meta.pop("lgnx.names", None)
        PASSES[name]()(model)
    model.opset_imports.pop(LGNX, None)
    model.opset_imports[DOMAIN] = VERSION
    return ir.serde.serialize_model(model)


class _Rewriter:
    def __init__(self, model: ir.Model, where: str) -> None:
        self.graph, self.where = model.graph, where
        self.bytes = 0
        self.constants = Constants(model.graph)

    def run(self) -> None:
        """Rewrite every node."""
        handlers: dict[str, Callable[[ir.Node, Inserter], ir.Value]] = {
            "LogicDense": self._logic_dense,
            "LogicConv": self._logic_conv,
            "OrPool": self._or_pool,
            "GroupSum": self._group_sum,
            "Thermometer": self._thermometer,
        }
        for node in list(self.graph):
            if node.domain != LGNX:
                continue
            y, name = node.outputs[0], node.outputs[0].name
            value = handlers[node.op_type](node, Inserter(self.graph, node, node.name or "lnn"))
            replace(y, value)
            self.graph.remove(node, safe=True)
            value.name = name
        self.constants.rename()

    def _fail(self, node: ir.Node, message: str) -> NoReturn:
        raise ModelError(f"{self.where}: node {node.name!r} ({node.op_type}): {message}")

    def _logic_dense(self, node: ir.Node, insert: Inserter) -> ir.Value:
        indices, tables = self._constants(node)
        k = indices.shape[1]
        inputs = [
            node.inputs[0],
            self._indices(node, insert, indices),
            self._unpacked(node, insert, tables, k),
        ]
        shape = shape_of(node.outputs[0])
        return self._table(node, insert, "LookupTable", inputs, {"input_bits": 1}, shape)

    def _logic_conv(self, node: ir.Node, insert: Inserter) -> ir.Value:
        indices, tables = self._constants(node)
        a, x, y = attributes_of(node), node.inputs[0], shape_of(node.outputs[0])
        assert x is not None
        d, depth, (m, leaves) = len(a["kernel_shape"]), a["depth"], indices.shape
        k = fan_in(leaves, depth)
        assert k is not None
        channels = shape_of(x)[1]
        if not isinstance(channels, int):
            self._fail(node, f"the number of channels of {x.name!r} is not known")
        # Dilated windows are wider ones of which some elements are not read.
        kernel = [span(w, s) for w, s in zip(a["kernel_shape"], a["dilations"], strict=True)]
        channel, place = np.divmod(indices.astype(np.int64), math.prod(a["kernel_shape"]))
        at = np.unravel_index(place, a["kernel_shape"])
        at = tuple(w * s for w, s in zip(at, a["dilations"], strict=True))
        place = np.ravel_multi_index(at, kernel)
        pads, strides = list(a["pads"]), list(a["strides"])
        if d == 1:
            # One axis is two, of which the first has extent 1.
            kernel, strides, pads = [1, *kernel], [1, *strides], [0, pads[0], 0, pads[1]]
            x, y = self._with_axis(insert, "Unsqueeze", x), [*y[:2], 1, *y[2:]]
        places = math.prod(kernel)
        last = channel_last(channel * places + place, channels, places)
        images = channels_last(insert, x)
        inputs = [
            images,
            self._indices(node, insert, last.reshape(m, -1, k)),
            self._unpacked(node, insert, tables, k),
        ]
        attributes = {"tree_depth": depth, "kernel_shape": kernel, "strides": strides, "pads": pads}
        shape = [y[0], *y[2:], m]
        bits = self._table(node, insert, "LookupTableConv", inputs, attributes, shape)
        bits = channels_first(insert, bits)
        return self._with_axis(insert, "Squeeze", bits) if d == 1 else bits

    def _or_pool(self, node: ir.Node, insert: Inserter) -> ir.Value:
        a, x, y = attributes_of(node), node.inputs[0], shape_of(node.outputs[0])
        assert x is not None
        kind = ir.DataType.FLOAT
        numbers = insert.op("Cast", [x], {"to": int(kind)}, dtype=kind, shape=x.shape)
        attributes = {name: list(a[name]) for name in ("kernel_shape", "strides", "pads")}
        pooled = insert.op("MaxPool", [numbers], attributes, dtype=kind, shape=y)
        self._name(pooled, node)
        return insert.op("Cast", [pooled], {"to": int(_BOOL)}, dtype=_BOOL, shape=y)

    def _group_sum(self, node: ir.Node, insert: Inserter) -> ir.Value:
        a, x = attributes_of(node), node.inputs[0]
        assert x is not None
        *outer, width = shape_of(x)
        if not isinstance(width, int):
            self._fail(node, f"the number of bits of {x.name!r} is not known")
        kind, groups, rank = ir.DataType(a["dtype"]), a["groups"], len(outer) + 2
        grouped = [*outer, groups, width // groups]
        y = insert.reshape(x, [*[0] * len(outer), *grouped[-2:]], grouped)
        y = insert.op("Cast", [y], {"to": int(kind)}, dtype=kind, shape=grouped)
        axis, keep = insert.constant("axis", np.array([rank - 1])), {"keepdims": 0}
        y = insert.op("ReduceSum", [y, axis], keep, dtype=kind, shape=grouped[:-1])
        self._name(y, node)
        for name, op, default in (("bias", "Add", 0), ("tau", "Div", 1), ("beta", "Add", 0)):
            if a[name] != default:
                # The attribute is a float32, whatever the type of the scores.
                step = insert.constant(name, np.asarray(np.float32(a[name])).astype(kind.numpy()))
                y = insert.op(op, [y, step], dtype=kind, shape=grouped[:-1])
        return y

    def _thermometer(self, node: ir.Node, insert: Inserter) -> ir.Value:
        x, thresholds = node.inputs
        assert x is not None
        last = insert.constant("axis", np.array([-1]))
        spread = insert.op("Unsqueeze", [x, last], dtype=x.dtype, shape=[*shape_of(x), 1])
        op = "Greater" if attributes_of(node)["strict"] else "GreaterOrEqual"
        shape = shape_of(node.outputs[0])
        y = insert.op(op, [spread, thresholds], dtype=_BOOL, shape=shape)
        self._name(y, node)
        return y

    def _constants(self, node: ir.Node) -> tuple[np.ndarray, np.ndarray]:
        arrays = []
        for name, value in zip(("indices", "tables"), node.inputs[1:], strict=True):
            array = None if value is None or value.is_graph_input() else constant_value(value)
            if array is None:
                self._fail(node, f"its {name} are no constant")
            arrays.append(array)
        return arrays[0], arrays[1]

    def _indices(self, node: ir.Node, insert: Inserter, indices: np.ndarray) -> ir.Value:
        old = node.inputs[1]
        assert old is not None
        return self.constants.of(old, indices.astype(np.int32), insert, "indices")

    def _unpacked(self, node: ir.Node, insert: Inserter, tables: np.ndarray, k: int) -> ir.Value:
        old = node.inputs[2]
        assert old is not None
        self.bytes += (tables.size // tables.shape[-1]) << k
        if self.bytes > _MAX_BYTES:
            self._fail(node, "with its table the file would be larger than 2 GiB")
        return self.constants.of(old, unpack_tables(tables, k), insert, "table")

    def _table(
        self,
        node: ir.Node,
        insert: Inserter,
        op: str,
        inputs: Sequence[ir.Value | None],
        attributes: dict[str, Any],
        shape: list[Any],
    ) -> ir.Value:
        y = insert.op(op, inputs, attributes, dtype=_BOOL, shape=shape, domain=DOMAIN)
        self._name(y, node)
        return y

    def _name(self, value: ir.Value, node: ir.Node) -> None:
        """Give the node that makes a value the name of the one that it stands for."""
        made = value.producer()
        assert made is not None
        made.name = node.name

    def _with_axis(self, insert: Inserter, op: str, x: ir.Value) -> ir.Value:
        """Add axis 2, or remove it."""
        shape = shape_of(x)
        shape = [*shape[:2], 1, *shape[2:]] if op == "Unsqueeze" else [*shape[:2], *shape[3:]]
        axis = insert.constant("axis", np.array([2]))
        return insert.op(op, [x, axis], dtype=x.dtype, shape=shape)
