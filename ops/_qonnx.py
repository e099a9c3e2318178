"""qonnx classes of the operators, made when qonnx asks for them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lgnx.ops._operator import Operator
from lgnx.ops.errors import require

_KINDS = {"INT": "i", "FLOAT": "f", "INTS": "ints", "STRING": "s"}


@functools.cache
def custom_op_class(operator: Operator) -> type:
    """Make the qonnx CustomOp class of an operator.

    Raises
    ------
    MissingExtraError
        If qonnx is not installed.
    """
    base = require("qonnx.custom_op.base", extra="qonnx").CustomOp
    parameters = operator.schema.attributes
    formal = [value.name for value in operator.schema.inputs]

    def get_nodeattr_types(self: Any) -> dict[str, tuple[Any, ...]]:
        """Give type, necessity and default of each attribute, as qonnx wants them.

        qonnx gives None for an attribute that is absent and has no default here.
        """
        from onnx import helper

        result: dict[str, tuple[Any, ...]] = {}
        for name, value in parameters.items():
            enumerator: Any = value.type  # the stubs of onnx do not know that it is an enum
            kind = _KINDS[enumerator.name]
            fixed = bool(value.default_value.name)
            default = helper.get_attribute_value(value.default_value) if fixed else None
            result[name] = (kind, value.required, default)
        return result

    def make_shape_compatible_op(self: Any, model: Any) -> Any:
        """Give the node itself: its registered schema lets onnx infer the shape."""
        return self.onnx_node

    def infer_node_datatype(self: Any, model: Any) -> None:
        """Leave qonnx's datatypes alone: bool tensors carry no annotation."""

    def execute_node(self: Any, context: dict[str, np.ndarray], graph: Any) -> None:
        """Run the numpy reference."""
        node = self.onnx_node
        given = [context[name] if name else None for name in node.input]
        given += [None] * (len(formal) - len(given))
        stated = {name: self.get_nodeattr(name) for name in parameters}
        attributes = {name: value for name, value in stated.items() if value is not None}
        context[node.output[0]] = operator.reference(*given, **attributes)

    def verify_node(self: Any) -> list[str]:
        """Report what qonnx verifies: the inputs and outputs."""
        low, high = operator.schema.min_input, operator.schema.max_input
        good = low <= len(self.onnx_node.input) <= high
        return ["" if good else f"{operator.name} takes {low} to {high} inputs"]

    methods = (
        get_nodeattr_types,
        make_shape_compatible_op,
        infer_node_datatype,
        execute_node,
        verify_node,
    )
    body: dict[str, Any] = {method.__name__: method for method in methods}
    body["__doc__"] = operator.schema.doc
    body["__module__"] = "lgnx.ops"
    return type(operator.name, (base,), body)
