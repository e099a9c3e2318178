"""Nodes of `qonnx.custom_op.lnn`: what they hold, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import onnx_ir as ir

from lgnx.converters.qonnx_windows import Windows
from lgnx.netlist.probe import constant_value
from lgnx.ops._tree import MAX_LEAVES, node_count
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import MAX_INPUTS

__all__ = ["LookupTable", "LookupTableConv", "NodeReader"]

_X_TYPES = (ir.DataType.BOOL, ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32)


@dataclass(frozen=True)
class LookupTable:
    """``y[..., m] = table[m, sum over k of x[..., indices[m, k]] << (input_bits * k)]``.

    Attributes
    ----------
    indices
        int64 [M, K].
    table
        bool or integer [M, 2^(K * input_bits)].
    input_bits
        Bits of each number of x.
    """

    indices: np.ndarray
    table: np.ndarray
    input_bits: int


@dataclass(frozen=True)
class LookupTableConv:
    """Trees of tables that slide over x [N, D.., C].

    Attributes
    ----------
    windows
        How they slide.
    indices
        int64 [M, P, rank], numbers of the elements of a window, channel last.
    table
        bool or uint8 of 0 and 1, [M, nodes, 2^rank]; None where tree_depth is 0.
    depth
        Levels of the trees.
    """

    windows: Windows
    indices: np.ndarray
    table: np.ndarray | None
    depth: int


class NodeReader:
    """Reads nodes of a model that is called ``where`` in messages."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, node: ir.Node, field: str, message: str) -> NoReturn:
        """Raise the ModelError that names a node and a field of it."""
        raise ModelError(f"{self.where}: node {node.name!r} ({node.op_type}), {field}: {message}")

    def lookup_table(self, node: ir.Node, channels: int) -> LookupTable:
        """Give what a LookupTable holds whose x has so many channels.

        Raises
        ------
        ModelError
            If it is not valid, or needs a table of more than 16 bits.
        """
        a = self._attributes(node, {"input_bits": 1, "out_bits": 0})
        n, out = a["input_bits"], a["out_bits"]
        if not 1 <= n <= 32:
            self.fail(node, "attribute input_bits", f"is {n}, must be 1 to 32")
        if not 0 <= out <= 32:
            self.fail(node, "attribute out_bits", f"is {out}, must be 0 to 32")
        indices = self._indices(node, "[M, K]", channels, "the channels of X")
        kinds = "bool uint8 int8 uint16 int16 uint32 int32"
        table = self._constant(node, 2, "table", kinds)
        rows, k = indices.shape
        self._limit_inputs(node, k, n)
        self._check_shape(node, table, (rows, 1 << (k * n)))
        low, high = int(table.min()), int(table.max())
        if out and (low < 0 or high >> out):
            wrong = low if low < 0 else high
            self.fail(node, "input table", f"holds {wrong}, which does not fit out_bits {out}")
        return LookupTable(indices, table, n)

    def lookup_table_conv(
        self, node: ir.Node, channels: int, spatial: list[Any]
    ) -> LookupTableConv:
        """Give what a LookupTableConv holds whose x has such extents.

        Raises
        ------
        ModelError
            If it is not valid, or needs tables of more than 16 inputs.
        """
        a = self._attributes(
            node,
            {
                "tree_depth": 1,
                "kernel_shape": [],
                "strides": [],
                "pads": [],
                "channel_group_size": 0,
            },
        )
        d, depth = len(a["kernel_shape"]), a["tree_depth"]
        if d not in (2, 3):
            self.fail(node, "attribute kernel_shape", f"has {d} entries, must have 2 or 3")
        if len(spatial) != d:
            self.fail(
                node,
                "input X",
                f"has {len(spatial) + 2} axes, must have {d + 2}: batch, {d} and channels",
            )
        windows = Windows(
            tuple(a["kernel_shape"]),
            tuple(a["strides"] or [1] * d),
            tuple(a["pads"] or [0] * 2 * d),
            (1,) * d,
        )
        self.check_windows(node, windows, spatial)
        if depth < 0:
            self.fail(node, "attribute tree_depth", f"is {depth}, must not be negative")
        size = channels * windows.places
        indices = self._indices(node, "[M, P, rank]", size, "the elements of a window")
        m, p, rank = indices.shape
        if depth == 0:
            if p != 1:
                self.fail(node, "input indices", f"P is {p}, must be 1 for tree_depth 0")
            if len(node.inputs) > 2 and node.inputs[2] is not None:
                self.fail(node, "input table", "must be left out for tree_depth 0")
            return LookupTableConv(windows, indices, None, depth)
        self._limit_inputs(node, rank, 1)
        # A depth that no number of leaves fits is found without computing the power.
        leaves = 1 if rank == 1 else rank ** min(depth, 17)
        if leaves > MAX_LEAVES or depth > MAX_LEAVES:
            self.fail(
                node, "attribute tree_depth", f"is {depth}: more than {MAX_LEAVES} leaves a tree"
            )
        if p * rank != leaves:
            self.fail(
                node,
                "input indices",
                f"has shape {[m, p, rank]}, must be {[m, leaves // rank, rank]} for tree_depth "
                f"{depth}",
            )
        table = self._constant(node, 2, "table", "bool uint8")
        self._check_shape(node, table, (m, node_count(rank, depth), 1 << rank))
        if int(table.max()) > 1:
            self.fail(node, "input table", f"holds {int(table.max())}, must be 0 or 1")
        return LookupTableConv(windows, indices, table, depth)

    def input(self, node: ir.Node) -> ir.Value:
        """Give the X of a node, whose type and shape must be known.

        Raises
        ------
        ModelError
            If they are not, or X is none that lookup tables take.
        """
        x = node.inputs[0] if node.inputs else None
        if x is None:
            self.fail(node, "input X", "is missing")
        if x.dtype is None or x.shape is None:
            self.fail(node, "input X", f"the type or the shape of {x.name!r} is not known")
        if not len(x.shape) or not isinstance(x.shape[-1], int):
            self.fail(node, "input X", "must have a last axis of known extent, the channels")
        types = (*_X_TYPES, ir.DataType.FLOAT) if node.op_type == "Im2Col" else _X_TYPES
        if x.dtype not in types:
            names = ", ".join(kind.name.lower() for kind in types)
            self.fail(node, "input X", f"is {x.dtype.name.lower()}, must be {names}")
        return x

    def im2col(self, node: ir.Node, spatial: list[Any]) -> Windows:
        """Give the windows of an Im2Col of `qonnx.custom_op.general`.

        Raises
        ------
        ModelError
            If it is not valid.
        """
        a = self._attributes(
            node,
            {
                "kernel_size": [],
                "stride": [],
                "input_shape": "",
                "pad_amount": [0] * 4,
                "pad_value": 0,
                "depthwise": 0,
                "dilations": [1, 1],
            },
        )
        if len(spatial) != 2:
            self.fail(node, "input X", f"has {len(spatial) + 2} axes, must have 4")
        if len(a["kernel_size"]) != 2 or len(a["stride"]) != 2:
            self.fail(node, "attributes kernel_size and stride", "must have 2 entries each")
        windows = Windows(
            tuple(a["kernel_size"]),
            tuple(a["stride"]),
            tuple(a["pad_amount"]),
            tuple(a["dilations"]),
            a["pad_value"],
        )
        self.check_windows(node, windows, spatial)
        return windows

    def check_windows(self, node: ir.Node, windows: Windows, spatial: list[Any]) -> None:
        """Raise a ModelError for windows that are none, or do not fit into x."""
        problem = windows.problem(spatial)
        if problem:
            self.fail(node, *problem)

    def _attributes(self, node: ir.Node, defaults: dict[str, Any]) -> dict[str, Any]:
        kinds = {
            int: ir.AttributeType.INT,
            list: ir.AttributeType.INTS,
            str: ir.AttributeType.STRING,
        }
        given = {}
        for name, attribute in node.attributes.items():
            where = f"attribute {name}"
            if name not in defaults:
                self.fail(node, where, f"is unknown; there are: {', '.join(defaults)}")
            kind = kinds[type(defaults[name])]
            if attribute.type != kind:
                self.fail(node, where, f"is {attribute.type.name}, must be {kind.name}")
            given[name] = attribute.value
        return {**defaults, **given}

    def _constant(self, node: ir.Node, number: int, name: str, kinds: str) -> np.ndarray:
        value = node.inputs[number] if number < len(node.inputs) else None
        if value is None:
            self.fail(node, f"input {name}", "is missing")
        array = None if value.is_graph_input() else constant_value(value)
        if array is None:
            self.fail(node, f"input {name}", f"{value.name!r} is no constant")
        if array.dtype.name not in kinds.split():
            allowed = ", ".join(kinds.split())
            self.fail(node, f"input {name}", f"is {array.dtype}, must be {allowed}")
        return array

    def _indices(self, node: ir.Node, axes: str, extent: int, of: str) -> np.ndarray:
        indices = self._constant(node, 1, "indices", "int64 int32")
        if indices.ndim != axes.count(",") + 1 or not indices.size:
            self.fail(node, "input indices", f"has shape {list(indices.shape)}, must be {axes}")
        low, high = int(indices.min()), int(indices.max())
        if low < 0 or high >= extent:
            wrong = low if low < 0 else high
            self.fail(node, "input indices", f"holds {wrong}, must be 0 to {extent - 1}: {of}")
        return indices.astype(np.int64)

    def _limit_inputs(self, node: ir.Node, k: int, n: int) -> None:
        if k * n > MAX_INPUTS:
            each = f" of {n} bits each" if n > 1 else ""
            self.fail(
                node, "input indices", f"has {k} inputs{each} a table, at most {MAX_INPUTS} bits"
            )

    def _check_shape(self, node: ir.Node, table: np.ndarray, expected: tuple[int, ...]) -> None:
        if table.shape != expected:
            self.fail(
                node, "input table", f"has shape {list(table.shape)}, must be {list(expected)}"
            )
