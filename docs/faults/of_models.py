"""What can be wrong with a model as a whole, and with a node of any operator.

Each fault takes the good model of `good` and breaks it.
"""

from __future__ import annotations

from collections.abc import Callable

import onnx
from onnx import TensorProto, helper

from faults import Fault
from faults.run import one_node
from lgnx.ops import DOMAIN, OPERATORS

Break = Callable[[onnx.ModelProto], object]


def good() -> onnx.ModelProto:
    """Give a model of one LogicDense node."""
    return one_node(OPERATORS["LogicDense"], Fault("", {}), ["x"], extents=True)[0]


def broken(change: Break) -> onnx.ModelProto:
    """Give the good model with something wrong."""
    model = good()
    change(model)
    return model


def _truncated(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.raw_data = tensor.raw_data[:-1]


def _bytes_for_bits(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


FAULTS: list[tuple[str, Break]] = [
    ("no node is of the domain", lambda m: m.graph.node[0].CopyFrom(_plain())),
    ("the domain is not imported", lambda m: m.opset_import.pop()),
    ("another version is imported", lambda m: setattr(m.opset_import[1], "version", 2)),
    ("the operator is unknown", lambda m: setattr(m.graph.node[0], "op_type", "LogicDance")),
    (
        "an attribute is unknown",
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("axis", 1)),
    ),
    ("an attribute is of another type", lambda m: m.graph.node[0].CopyFrom(_sum(groups=2.0))),
    ("a required attribute is missing", lambda m: m.graph.node[0].CopyFrom(_sum())),
    ("a required input is missing", lambda m: m.graph.node[0].input.pop()),
    ("there are too many inputs", lambda m: m.graph.node[0].input.append("x")),
    ("an input is of a type that the operator does not take", _bytes_for_bits),
    ("an initializer cannot be read", _truncated),
]


def _plain() -> onnx.NodeProto:
    return helper.make_node("Identity", ["x"], ["y"], "node")


def _sum(**attributes: object) -> onnx.NodeProto:
    return helper.make_node("GroupSum", ["x"], ["y"], "node", domain=DOMAIN, **attributes)
