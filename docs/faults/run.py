"""Asking lgnx.check and the kernels about faults."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

import lgnx
from faults import Fault
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops._operator import Operator
from lgnx.ops.errors import Problem

OURS = re.compile(rf"{re.escape(DOMAIN)} \w+ 'node': (.*)", re.DOTALL)
MISSING = "is not a registered function/op"


def one_node(
    operator: Operator, fault: Fault, fed: Collection[str], *, extents: bool
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """Make a model of the faulty node alone.

    Parameters
    ----------
    fed
        The inputs that are no initializers.
    extents
        Whether the model says how large they are.

    Returns
    -------
    tuple
        The model, and what to feed.
    """
    arrays, attributes = operator.example
    formal = [value.name for value in operator.schema.inputs]
    given = {**dict(zip(formal, arrays, strict=False)), **attributes, **fault.change}
    inputs = {name: given.pop(name) for name in formal if given.get(name) is not None}
    given = {name: value for name, value in given.items() if name not in formal}
    names = [name if name in inputs else "" for name in formal]
    while not names[-1]:
        names.pop()
    node = helper.make_node(operator.name, names, ["y"], "node", domain=DOMAIN, **given)
    infos = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(array.dtype),
            array.shape if extents else [None] * array.ndim,
        )
        for name, array in inputs.items()
        if name in fed
    ]
    y = helper.make_tensor_value_info("y", output_type(operator, given), None)
    constants = [numpy_helper.from_array(a, n) for n, a in inputs.items() if n not in fed]
    graph = helper.make_graph([node], "graph", infos, [y], constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    with contextlib.suppress(Exception):  # what is wrong may have no shape
        model = onnx.shape_inference.infer_shapes(model)
    return model, {name: array for name, array in inputs.items() if name in fed}


def output_type(operator: Operator, attributes: dict[str, Any]) -> int:
    """Give the ONNX element type of the output."""
    kind = operator.schema.outputs[0].type_str
    if kind.startswith("tensor("):
        return TensorProto.DataType.Value(kind[len("tensor(") : -1].upper())
    return operator.with_defaults(attributes)["dtype"]


def checked(operator: Operator, fault: Fault) -> list[Problem]:
    """Give what lgnx.check finds where all but x are initializers."""
    fed = {operator.schema.inputs[0].name, *fault.computed}
    return lgnx.check(one_node(operator, fault, fed, extents=True)[0])


def kernel_error(operator: Operator, fault: Fault) -> str | None:
    """Give the error of the kernel, where all inputs are fed that can be.

    Returns
    -------
    str or None
        The message; that of onnxruntime where it does not come to the kernel; None if it runs.
    """
    constant = [name for name, why in operator.constants.items() if why == "always"]
    fed = {value.name for value in operator.schema.inputs} - set(constant) | set(fault.computed)
    model, feeds = one_node(operator, fault, fed, extents=False)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    lgnx.ops.register(options)
    try:
        session = ort.InferenceSession(model.SerializeToString(), options)
        session.run(None, feeds)
    except Exception as error:
        return str(error)
    return None
