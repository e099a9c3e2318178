"""LogicDense to bitwise operators on packed words."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.probe import constant_value
from lgnx.ops import DOMAIN
from lgnx.passes.bitwise_gates import Gates, emit_gates, simplified_gates
from lgnx.passes.edit import Inserter, batch_dim, is_lgnx, replace
from lgnx.passes.words import WORDS

__all__ = ["LowerLogicDensePass"]


class LowerLogicDensePass(ir.passes.InPlacePass):
    """Replace LogicDense by Gather and Bitwise operators on words of 64 samples.

    Rules:

    - The bits are packed (PackBits), the layer runs on words, the result is unpacked (UnpackBits);
      another pass cancels the pairs between layers.
    - A layer of one or two inputs: gates of one function together, as two Gathers and at most two
      bitwise operators.
    - A layer of more inputs is decomposed into two-input gates, by level and function.
    - Bits of a rank other than 2 are reshaped to rows around the layer.
    - A layer whose indices or tables are not constant is left alone.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            if is_lgnx(node, "LogicDense"):
                modified |= self._lower(model.graph, node)
        return ir.passes.PassResult(model, modified)

    @staticmethod
    def _lower(graph: ir.Graph, node: ir.Node) -> bool:
        x, y = node.inputs[0], node.outputs[0]
        indices, tables = (constant_value(value) for value in node.inputs[1:3])
        if x is None or x.shape is None or indices is None or tables is None:
            return False
        n, width = len(indices), x.shape[-1]
        if not isinstance(width, int):
            return False
        insert = Inserter(graph, node, node.name or "logic_dense")
        rows = x
        if len(x.shape) != 2:
            rows = insert.reshape(x, [-1, width], [None, width])
        batch = insert.batch_of(rows)
        words = insert.op("PackBits", [rows], dtype=WORDS, shape=[width, None], domain=DOMAIN)
        result = emit_gates(insert, words, _layer(indices, tables, width))
        bits = insert.op(
            "UnpackBits",
            [result, batch],
            dtype=ir.DataType.BOOL,
            shape=[batch_dim(rows), n],
            domain=DOMAIN,
        )
        if len(x.shape) != 2:
            leading = insert.op("Shape", [x], {"start": 0, "end": -1}, dtype=ir.DataType.INT64)
            last = insert.constant("width", np.array([n], np.int64))
            shape = insert.op("Concat", [leading, last], {"axis": 0}, dtype=ir.DataType.INT64)
            bits = insert.op("Reshape", [bits, shape], dtype=ir.DataType.BOOL, shape=y.shape)
        replace(y, bits)
        graph.remove(node, safe=True)
        return True


def _layer(indices: np.ndarray, tables: np.ndarray, n_inputs: int) -> Gates:
    """Give the gates of a layer."""
    n, k = indices.shape
    if k > 2:
        builder = NetlistBuilder(n_inputs)
        return simplified_gates(builder.finish(builder.lut(tables, builder.inputs()[indices])))
    pairs = np.concatenate([indices, indices], axis=1)[:, :2].astype(np.int64)
    codes = tables[:, 0].astype(np.int64)
    if k == 1:
        codes = codes | codes << 2  # a table of two inputs that ignores x1
    order = np.argsort(codes, kind="stable")
    groups = []
    for code in np.unique(codes):
        members = order[codes[order] == code]
        groups.append((int(code), pairs[members, 0], pairs[members, 1]))
    position = np.empty(n, np.int64)
    position[order] = np.arange(n)
    return Gates(n_inputs, groups, 2 * (n_inputs + position))
