"""GroupSum to BitCount and arithmetic."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx import helper

from lgnx.ops import DOMAIN
from lgnx.passes.edit import Inserter, batch_dim, is_lgnx, replace

__all__ = ["LowerGroupSumPass"]


class LowerGroupSumPass(ir.passes.InPlacePass):
    """Replace GroupSum over rows of bits by counts on packed words.

    Rules:

    - ``GroupSum(x)``, x of rank 2, becomes ``BitCount(PackBits(x), batch)``, cast to the type of
      the scores, then Add (bias), Div (tau), Add (beta), of which those with the default value are
      left out.
    - A GroupSum over another rank is left alone.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        nodes = [node for node in model.graph if self._applies(node)]
        for node in nodes:
            self._lower(model.graph, node)
        return ir.passes.PassResult(model, bool(nodes))

    @staticmethod
    def _applies(node: ir.Node) -> bool:
        x = node.inputs[0] if node.inputs else None
        return is_lgnx(node, "GroupSum") and x is not None and len(x.shape or ()) == 2

    @staticmethod
    def _lower(graph: ir.Graph, node: ir.Node) -> None:
        x, y = node.inputs[0], node.outputs[0]
        assert x is not None
        assert x.shape is not None
        groups = node.attributes.get_int("groups")
        dtype = ir.DataType(node.attributes.get_int("dtype", int(ir.DataType.FLOAT)))
        shape = [batch_dim(x), groups]
        insert = Inserter(graph, node, node.name or "group_sum")
        batch = insert.batch_of(x)
        words = insert.op(
            "PackBits", [x], dtype=ir.DataType.UINT64, shape=[x.shape[1], None], domain=DOMAIN
        )
        score = insert.op(
            "BitCount",
            [words, batch],
            {"groups": groups},
            dtype=ir.DataType.INT32,
            shape=shape,
            domain=DOMAIN,
        )
        if dtype != ir.DataType.INT32:
            score = insert.op("Cast", [score], {"to": int(dtype)}, dtype=dtype, shape=shape)
        kind = helper.tensor_dtype_to_np_dtype(int(dtype))
        for name, op, default in (("bias", "Add", 0.0), ("tau", "Div", 1.0), ("beta", "Add", 0.0)):
            value = node.attributes.get_float(name, default)
            if value != default:
                constant = insert.constant(name, np.array(np.float32(value), kind))
                score = insert.op(op, [score, constant], dtype=dtype, shape=shape)
        replace(y, score)
        graph.remove(node, safe=True)
