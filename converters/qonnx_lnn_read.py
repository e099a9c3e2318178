"""LookupTable and LookupTableConv to layers of `lgnx.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from lgnx.converters.qonnx_graph import check_valid, finished, infer, opened
from lgnx.converters.qonnx_lnn import DOMAIN, nested_nodes
from lgnx.converters.qonnx_lnn_constants import Constants, short_names
from lgnx.converters.qonnx_lnn_nodes import LookupTable, NodeReader
from lgnx.converters.qonnx_lnn_planes import (
    Planes,
    numbers_of,
    planes_of,
    side_by_side,
    split_numbers,
    without_zeros,
)
from lgnx.converters.qonnx_windows import (
    Windows,
    channel_first,
    channels_first,
    channels_last,
    gather_windows,
    shape_of,
    transposed,
)
from lgnx.netlist.probe import constant_value
from lgnx.ops import DOMAIN as LGNX
from lgnx.ops import VERSION
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import pack_tables
from lgnx.passes.edit import Inserter, is_op, replace
from lgnx.passes.pipelines import PASSES

__all__ = ["read_lnn"]

_BOOL = ir.DataType.BOOL
_GENERAL = "qonnx.custom_op.general"
_SINCE = {"LookupTable": 3, "LookupTableConv": 1}  # versions of the domain
_NEWEST = 3
_TIDY = (
    "remove-casts",
    "merge-transposes",
    "recognise-group-sum",
    "merge-reshapes",
    "remove-unused",
)


def read_lnn(proto: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """Convert a model; ``where`` is its name in messages."""
    _check_domain(proto, where)
    model = opened(proto, where, DOMAIN)
    model.opset_imports[LGNX] = VERSION
    names = {node.name for node in model.graph}
    rewriter = _Rewriter(model, where)
    rewriter.run()
    for domain in (DOMAIN, _GENERAL):
        model.opset_imports.pop(domain, None)
    check_valid(model, where)
    for name in _TIDY:
        model.graph.meta.pop("lgnx.names", None)
        PASSES[name]()(model)
    rewriter.constants.rename()
    short_names(model.graph, LGNX, names)
    return finished(model, where, "qonnx-lnn")


def _check_domain(proto: onnx.ModelProto, where: str) -> None:
    version = next((e.version for e in proto.opset_import if e.domain == DOMAIN), None)
    if version is None:
        raise ModelError(f"{where}: does not import the domain {DOMAIN}")
    if version > _NEWEST:
        raise ModelError(f"{where}: imports {DOMAIN} {version}; known are 1 to {_NEWEST}")
    for node in nested_nodes(proto, DOMAIN):
        what = f"{where}: node {node.name!r} ({node.op_type})"
        raise ModelError(f"{what}: is inside the body of another node, and is not converted")
    for node in proto.graph.node:
        what = f"{where}: node {node.name!r} ({node.op_type})"
        if node.domain != DOMAIN:
            continue
        if node.op_type not in _SINCE:
            known = " and ".join(_SINCE)
            raise ModelError(f"{what}: operators of {DOMAIN} that are known are {known}")
        if version < _SINCE[node.op_type]:
            since = _SINCE[node.op_type]
            raise ModelError(f"{what}: is known as of version {since} of {DOMAIN}, not {version}")


class _Rewriter:
    def __init__(self, model: ir.Model, where: str) -> None:
        self.model, self.graph, self.reader = model, model.graph, NodeReader(where)
        self.planes: dict[ir.Value, Planes] = {}
        self.split: dict[tuple[ir.Value, int], Planes] = {}
        self.constants = Constants(model.graph)
        self.patches: dict[ir.Value, tuple[ir.Value, Windows]] = {}

    def run(self) -> None:
        """Rewrite every node, from the inputs to the outputs."""
        handlers: dict[tuple[str, str], Callable[[ir.Node], None]] = {
            (DOMAIN, "LookupTable"): self._lookup_table,
            (DOMAIN, "LookupTableConv"): self._lookup_table_conv,
            (_GENERAL, "Im2Col"): self._im2col,
            ("", "Cast"): self._cast,
            ("", "Concat"): self._concat,
            ("", "Greater"): self._compare,
            ("", "GreaterOrEqual"): self._compare,
        }
        infer(self.model)
        for node in list(self.graph):
            handler = handlers.get((node.domain, node.op_type)) if node.inputs else None
            if handler is not None:
                handler(node)
            elif node.domain.startswith("qonnx."):
                self.reader.fail(node, "domain", f"is {node.domain}, of which Im2Col is known")

    def _input(self, node: ir.Node) -> tuple[ir.Value, list[Any]]:
        """X of a node and its shape."""
        x = node.inputs[0] if node.inputs else None
        if x is not None and (x.dtype is None or x.shape is None or not _is_known(x.shape)):
            infer(self.model)
        x = self.reader.input(node)
        return x, shape_of(x)

    def _lookup_table(self, node: ir.Node) -> None:
        x, shape = self._input(node)
        layer = self.reader.lookup_table(node, shape[-1])
        rows, k = layer.indices.shape
        insert = Inserter(self.graph, node, node.name or node.op_type)
        source = self.patches.get(x)
        if source is not None and layer.input_bits == 1 and not _fills(source[1]):
            planes, tables = planes_of(layer.table)
            image, windows = source
            inner = channel_first(layer.indices, shape_of(image)[-1], windows.places)
            kernels = inner.repeat(planes, 0), tables[:, None], 1
            bits = self._trees(insert, node, self._as_bits(node, image), windows, *kernels)
        else:
            found = self._bits(node, x, layer.input_bits)
            wires = found.wires[layer.indices].reshape(rows, k * layer.input_bits)
            table, wires = without_zeros(layer.table, wires)
            planes, tables = planes_of(table)
            constants = self._constants(insert, node, wires.repeat(planes, 0), tables)
            outer = [*shape[:-1], len(tables)]
            bits = self._logic(insert, node, "LogicDense", [found.bits, *constants], {}, outer)
        self._give(insert, node, bits, layer, planes)

    def _lookup_table_conv(self, node: ir.Node) -> None:
        x, shape = self._input(node)
        layer = self.reader.lookup_table_conv(node, shape[-1], shape[1:-1])
        insert = Inserter(self.graph, node, node.name or node.op_type)
        m, p, rank = layer.indices.shape
        if layer.table is None:
            self._check_static(node, shape)
            self._replace(node, gather_windows(insert, x, layer.windows, layer.indices[:, 0]))
            return
        leaves = layer.indices.reshape(m, p * rank)
        inner = channel_first(leaves, shape[-1], layer.windows.places)
        kernels = inner, pack_tables(layer.table), layer.depth
        bits = self._trees(insert, node, self._as_bits(node, x), layer.windows, *kernels)
        if layer.table.dtype != bool:
            kind = ir.DataType.from_numpy(layer.table.dtype)
            bits = insert.op("Cast", [bits], {"to": int(kind)}, dtype=kind, shape=bits.shape)
        self._replace(node, bits)

    def _im2col(self, node: ir.Node) -> None:
        x, shape = self._input(node)
        windows = self.reader.im2col(node, shape[1:-1])
        self._check_static(node, shape)
        size = windows.places * shape[-1]
        insert = Inserter(self.graph, node, node.name or node.op_type)
        patches = gather_windows(insert, x, windows, np.arange(size))
        self.patches[patches] = x, windows
        self._replace(node, patches)

    def _cast(self, node: ir.Node) -> None:
        """A Cast of patches is patches of a Cast."""
        found = self.patches.get(node.inputs[0]) if node.inputs[0] is not None else None
        if found is not None:
            x, windows = found
            kind = ir.DataType(node.attributes.get_int("to", 0))
            insert = Inserter(self.graph, node, node.name or node.op_type)
            cast = insert.op("Cast", [x], {"to": int(kind)}, dtype=kind, shape=x.shape)
            self.patches[node.outputs[0]] = cast, windows

    def _concat(self, node: ir.Node) -> None:
        """Numbers of bits side by side are numbers of bits side by side."""
        found = [self.planes.get(value) for value in node.inputs if value is not None]
        first = node.inputs[0]
        if not found or None in found or first is None or first.shape is None:
            return
        rank = len(first.shape)
        if node.attributes.get_int("axis", 0) % rank != rank - 1:
            return
        insert = Inserter(self.graph, node, node.name or node.op_type)
        parts = [part for part in found if part is not None]
        self.planes[node.outputs[0]] = side_by_side(insert, parts)

    def _compare(self, node: ir.Node) -> None:
        """``Unsqueeze(x, -1) > c`` is a Thermometer, where c is one for it."""
        left, c = node.inputs[0], constant_value(node.inputs[-1])
        inner = None if left is None else left.producer()
        if inner is None or not is_op(inner, "Unsqueeze") or c is None or not c.ndim or not c.size:
            return
        x, axes = inner.inputs[0], constant_value(inner.inputs[-1])
        if x is None or x.shape is None or axes is None or axes.size != 1:
            return
        rank = len(x.shape)
        pairs = zip(reversed(c.shape[:-1]), reversed(list(x.shape)), strict=False)
        fits = c.ndim <= rank + 1 and all(n in (1, extent) for n, extent in pairs)
        if axes.item() not in (-1, rank) or not fits or np.isnan(c.astype(np.float64)).any():
            return
        insert = Inserter(self.graph, node, node.name or node.op_type)
        strict = {} if is_op(node, "Greater") else {"strict": 0}
        shape = [*x.shape, c.shape[-1]]
        self._replace(
            node, self._logic(insert, node, "Thermometer", [x, node.inputs[1]], strict, shape)
        )

    def _check_static(self, node: ir.Node, shape: list[Any]) -> None:
        if not all(isinstance(n, int) for n in shape[1:]):
            self.reader.fail(node, "input X", "all extents but that of the batch must be known")

    def _logic(
        self,
        insert: Inserter,
        node: ir.Node,
        op: str,
        inputs: list[ir.Value | None],
        attributes: dict[str, Any],
        shape: list[Any],
    ) -> ir.Value:
        """Make an lgnx node that has the name of the one that it stands for."""
        y = insert.op(op, inputs, attributes, dtype=_BOOL, shape=shape, domain=LGNX)
        made = y.producer()
        assert made is not None
        made.name = node.name
        return y

    def _constants(
        self, insert: Inserter, node: ir.Node, indices: np.ndarray, tables: np.ndarray
    ) -> list[ir.Value]:
        """Indices, of the smallest type, and tables of an lgnx node."""
        smallest = indices.astype(np.uint16 if indices.max() < 1 << 16 else np.int32)
        new = {"indices": smallest, "tables": tables}
        pairs = zip(node.inputs[1:], new.items(), strict=True)
        return [
            self.constants.of(old, array, insert, field)
            for old, (field, array) in pairs
            if old is not None
        ]

    def _trees(
        self,
        insert: Inserter,
        node: ir.Node,
        x: ir.Value,
        windows: Windows,
        indices: np.ndarray,
        tables: np.ndarray,
        depth: int,
    ) -> ir.Value:
        """LogicConv of bits with the channels last."""
        images = channels_first(insert, x)
        constants = self._constants(insert, node, indices, tables)
        attributes = {**windows.attributes, "depth": depth}
        shape = [shape_of(x)[0], len(indices), *windows.counts(shape_of(images)[2:])]
        y = self._logic(insert, node, "LogicConv", [images, *constants], attributes, shape)
        return channels_last(insert, y)

    def _as_bits(self, node: ir.Node, x: ir.Value) -> ir.Value:
        if x.dtype == _BOOL:
            return x
        insert, moved = Inserter(self.graph, node, f"{x.name}/bits"), x.producer()
        if moved is not None and is_op(moved, "Transpose") and moved.inputs[0] is not None:
            order = moved.attributes.get_ints("perm", None)
            if order is not None:  # next to other Transposes it may go
                return transposed(insert, self._as_bits(node, moved.inputs[0]), list(order))
        return insert.op("Cast", [x], {"to": int(_BOOL)}, dtype=_BOOL, shape=x.shape)

    def _bits(self, node: ir.Node, x: ir.Value, n: int) -> Planes:
        """The n bits of each number of X."""
        if x.dtype == _BOOL and n != 1:
            self.reader.fail(node, "attribute input_bits", f"is {n}, must be 1 for bool")
        made = self.planes.get(x)
        if made is not None:
            missing = n - made.wires.shape[1]
            if missing < 0:
                has = f"X has values of {made.wires.shape[1]} bits"
                self.reader.fail(node, "attribute input_bits", f"is {n}, but {has}")
            wires = np.pad(made.wires, [(0, 0), (0, missing)], constant_values=-1)
            return Planes(made.bits, wires)
        if (x, n) not in self.split:
            if n == 1:
                found = Planes(self._as_bits(node, x), np.arange(shape_of(x)[-1])[:, None])
            else:
                found = split_numbers(Inserter(self.graph, node, f"{x.name}/bits"), x, n)
            self.split[x, n] = found
        return self.split[x, n]

    def _give(
        self, insert: Inserter, node: ir.Node, bits: ir.Value, layer: LookupTable, planes: int
    ) -> None:
        """Replace the output of a LookupTable by its bits, as numbers of the table's type."""
        if layer.table.dtype.kind == "b":
            self._replace(node, bits)
            return
        signed = int(layer.table.min()) < 0
        y = numbers_of(insert, bits, planes, layer.table.dtype, signed)
        self._replace(node, y)
        if not signed:
            rows = len(layer.table)
            self.planes[y] = Planes(bits, np.arange(rows * planes).reshape(rows, planes))

    def _replace(self, node: ir.Node, value: ir.Value) -> None:
        """Let a value take the place of the output of a node, and its name."""
        name = node.outputs[0].name
        replace(node.outputs[0], value)
        self.graph.remove(node, safe=True)
        value.name = name


def _is_known(shape: ir.Shape) -> bool:
    return all(isinstance(n, int) for n in list(shape)[1:])


def _fills(windows: Windows) -> bool:
    """Tell whether there is something else than 0 in the padding."""
    return bool(windows.fill) and any(windows.pads)
