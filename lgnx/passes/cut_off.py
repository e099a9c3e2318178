"""Words of which nobody sees the bits beyond the batch."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.passes.edit import is_lgnx, is_op


def cut_off_words(graph: ir.Graph) -> set[ir.Value]:
    """Find the words of which all that is made ends in UnpackBits or BitCount.

    These cut off the bits beyond the batch. Operators on the way must leave the samples where they
    are, which is along the last axis.
    """
    result: set[ir.Value] = set()

    def hides(node: ir.Node) -> bool:
        if is_lgnx(node, "UnpackBits", "BitCount"):
            return True
        return _keeps_samples(node) and all(value in result for value in node.outputs)

    for node in reversed(graph):
        for value in node.outputs:
            if not value.is_graph_output() and all(hides(user) for user in value.consumers()):
                result.add(value)
    return result


def _keeps_samples(node: ir.Node) -> bool:
    """Tell whether an operator leaves the last axis of its first input alone."""
    if is_op(node, "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "Identity"):
        return True
    x = node.inputs[0] if node.inputs else None
    if node.domain != "" or x is None or x.shape is None:
        return False
    last = len(x.shape) - 1
    constants = [constant_value(value) for value in node.inputs[1:]]
    given = node.attributes
    match node.op_type, constants:
        case (("Gather" | "Concat" | "Split"), _):
            return given.get_int("axis", 0) % (last + 1) != last
        case "Transpose", _:
            return list(given.get_ints("perm", [0]))[-1] == last
        case "Reshape", [np.ndarray() as target]:
            rows = [n for n in list(x.shape)[:-1] if isinstance(n, int)]
            known = len(rows) == last and target.size > 0 and target[-1] == -1
            return bool(known and np.prod(rows) == np.prod(target[:-1]) != 0)
        case "Slice", [np.ndarray(), np.ndarray(), np.ndarray() as axes, *_]:
            return last not in axes % (last + 1)
        case "Pad", [np.ndarray() as pads, *rest]:
            return len(rest) < 2 and not pads.reshape(2, -1)[:, last].any()
        case "Tile", [np.ndarray() as repeats]:
            return bool(repeats[-1] == 1)
    return False
