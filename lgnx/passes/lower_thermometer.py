"""Thermometer to a comparison."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.passes.edit import Inserter, is_lgnx, replace

__all__ = ["LowerThermometerPass"]

_LAST = np.array([-1], np.int64)


class LowerThermometerPass(ir.passes.InPlacePass):
    """Replace Thermometer by standard operators.

    Rules:

    - ``Thermometer(x, t)`` becomes ``Greater(Unsqueeze(x, -1), t)``.
    - With ``strict = 0`` it becomes ``GreaterOrEqual``.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        nodes = [node for node in model.graph if is_lgnx(node, "Thermometer")]
        for node in nodes:
            x, thresholds = node.inputs
            assert x is not None
            y = node.outputs[0]
            insert = Inserter(model.graph, node, node.name or "thermometer")
            rank = None if x.shape is None else [*x.shape, 1]
            last = insert.constant("axis", _LAST)
            column = insert.op("Unsqueeze", [x, last], dtype=x.dtype, shape=rank)
            strict = node.attributes.get_int("strict", 1)
            compare = "Greater" if strict else "GreaterOrEqual"
            bits = insert.op(compare, [column, thresholds], dtype=ir.DataType.BOOL, shape=y.shape)
            replace(y, bits)
            model.graph.remove(node, safe=True)
        return ir.passes.PassResult(model, bool(nodes))
