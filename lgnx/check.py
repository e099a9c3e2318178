"""Checking a model: everything that is wrong with it, at once."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lgnx.files import as_proto, model_name
from lgnx.graphs import all_graphs, all_nodes
from lgnx.ops import DOMAIN, VERSION, operators
from lgnx.ops._operator import NodeView, Operator
from lgnx.ops.errors import ModelError, Problem
from lgnx.versions import unknown_version, version_of


def check(model: Any) -> list[Problem]:
    """Find everything that is wrong with a model.

    Beyond onnx's own checker this looks at what that cannot see: ranges of indices, sizes of
    tables, groups that do not divide, unknown attributes, versions, validity of programs.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model.

    Returns
    -------
    list
        All problems, errors before warnings, each with node and field; empty for a good model.

    Raises
    ------
    ModelError
        If the file cannot be read as ONNX at all.
    """
    proto = as_proto(model)
    problems = find_problems(proto)
    if all(node.domain != DOMAIN for node in all_nodes(proto.graph)):
        problems.insert(
            0, Problem("error", "model", "graph", f"has no node of the domain {DOMAIN}")
        )
    return problems


def find_problems(proto: onnx.ModelProto) -> list[Problem]:
    """Find what is wrong with a model, whether it has lgnx nodes or not; errors first."""
    return problems_and_types(proto)[0]


def problems_and_types(
    proto: onnx.ModelProto,
) -> tuple[list[Problem], onnx.ModelProto | None]:
    """Find what is wrong with a model, as `find_problems`; give what was made on the way, too.

    Returns
    -------
    tuple
        The problems, and the model with the types and shapes of all values, None where onnx could
        not infer them.
    """
    problems = list(_domain_problems(proto))
    data = _serialized(proto)
    views = _Values(proto, data)
    version = version_of(proto) or VERSION
    known = {} if unknown_version(version) else operators(version)
    for number, node in enumerate(all_nodes(proto.graph)):
        if node.domain == DOMAIN and known:
            name = node.name or f"{node.op_type}#{number}"
            problems += _node_problems(node, name, views, known)
    # onnx stops at its first complaint, so it is asked last and only where we found nothing.
    if not any(problem.severity == "error" for problem in problems):
        problems += _onnx_problems(data)
    problems.sort(key=lambda problem: problem.severity != "error")
    return problems, views.inferred


def check_or_raise(model: Any) -> list[Problem]:
    """Check a model; give the warnings.

    Raises
    ------
    ModelError
        If there are errors; the message names the file and lists them.
    """
    problems = check(model)
    raise_errors(problems, model_name(model))
    return problems


def raise_errors(problems: list[Problem], where: str) -> None:
    """Raise a ModelError that lists the errors among the problems, if there are any."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        listed = (
            "".join(f"\n  {problem}" for problem in errors)
            if len(errors) > 1
            else (f" {errors[0]}")
        )
        raise ModelError(f"{where}:{listed}", errors)


def _domain_problems(proto: onnx.ModelProto) -> Iterator[Problem]:
    imports = {entry.domain: entry.version for entry in proto.opset_import}
    uses = any(node.domain == DOMAIN for node in all_nodes(proto.graph))
    if uses and DOMAIN not in imports:
        yield Problem("error", "model", "opset_import", f"does not import the domain {DOMAIN}")
    elif DOMAIN in imports and (message := unknown_version(imports[DOMAIN])) is not None:
        yield Problem("error", "model", "opset_import", message)


class _Values:
    """Constants, shapes and dtypes of a graph, as far as they can be known."""

    def __init__(self, proto: onnx.ModelProto, data: bytes | onnx.ModelProto) -> None:
        self.inferred: onnx.ModelProto | None = None
        self.constants: dict[str, np.ndarray] = {}
        self.unreadable: dict[str, str] = {}
        for graph in all_graphs(proto.graph):
            for tensor in graph.initializer:
                self._add(tensor.name, tensor)
        for node in all_nodes(proto.graph):
            if node.op_type == "Constant" and node.domain == "":
                for attribute in node.attribute:
                    if attribute.name == "value":
                        self._add(node.output[0], attribute.t)
        with contextlib.suppress(Exception):  # a broken model is what the checks are about to name
            proto = self.inferred = onnx.shape_inference.infer_shapes(data, data_prop=True)
        self.types: dict[str, onnx.TypeProto.Tensor] = {}
        for value in [*proto.graph.input, *proto.graph.value_info, *proto.graph.output]:
            self.types[value.name] = value.type.tensor_type

    def _add(self, name: str, tensor: onnx.TensorProto) -> None:
        try:
            self.constants[name] = numpy_helper.to_array(tensor)
        except Exception as error:
            self.unreadable[name] = str(error)

    def shape(self, name: str) -> list[int | None] | None:
        if name in self.constants:
            return list(self.constants[name].shape)
        kind = self.types.get(name)
        if kind is None or not kind.HasField("shape"):
            return None
        return [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]

    def dtype(self, name: str) -> np.dtype | None:
        if name in self.constants:
            return self.constants[name].dtype
        kind = self.types.get(name)
        if kind is None or not kind.elem_type:
            return None
        try:
            return helper.tensor_dtype_to_np_dtype(kind.elem_type)
        except KeyError:
            return None


def _node_problems(
    node: onnx.NodeProto, name: str, values: _Values, operators: Mapping[str, Operator]
) -> Iterator[Problem]:
    operator = operators.get(node.op_type)
    if operator is None:
        known = ", ".join(operators)
        yield Problem("error", name, "op_type", f"is {node.op_type!r}; {DOMAIN} has: {known}")
        return
    attributes = yield from _attributes(node, name, operator)
    formal = [value.name for value in operator.schema.inputs]
    if len(node.input) > len(formal):
        yield Problem(
            "error", name, "inputs", f"has {len(node.input)}, {node.op_type} takes {len(formal)}"
        )
    present = dict(zip(formal, node.input, strict=False))
    present = {slot: value for slot, value in present.items() if value}
    for slot in operator.schema.inputs[: operator.schema.min_input]:
        if slot.name not in present:
            yield Problem("error", name, f"input {slot.name}", "is missing")
    for label, value in present.items():
        if value in values.unreadable:
            yield Problem("error", name, f"input {label}", values.unreadable[value])
    yield from _type_problems(name, operator, present, values)
    shapes = {slot: shape for slot, v in present.items() if (shape := values.shape(v)) is not None}
    dtypes = {slot: kind for slot, v in present.items() if (kind := values.dtype(v)) is not None}
    constants = {slot: values.constants[v] for slot, v in present.items() if v in values.constants}
    view = NodeView(attributes, constants, shapes, dtypes, frozenset(present))
    try:
        for severity, where, message in operator.check(view):
            yield Problem("error" if severity == "error" else "warning", name, where, message)
    except (ValueError, TypeError, IndexError) as error:  # inputs of a wrong type, named above
        yield Problem("error", name, "inputs", f"cannot be checked: {error}")


def _attributes(
    node: onnx.NodeProto, name: str, operator: Operator
) -> Generator[Problem, None, dict[str, Any]]:
    """Yield what is wrong with the attributes; return their values, defaults filled in."""
    formal = operator.schema.attributes
    given: dict[str, Any] = {}
    mistyped = set()
    for attribute in node.attribute:
        expected = formal.get(attribute.name)
        where = f"attribute {attribute.name}"
        if expected is None:
            known = ", ".join(formal) or "none"
            yield Problem(
                "error", name, where, f"is unknown; the attributes of {node.op_type} are: {known}"
            )
        elif (kind := _type_name(attribute)) != _enumerator(expected.type):
            wanted = _enumerator(expected.type)
            yield Problem("error", name, where, f"is {kind}, must be {wanted}")
            mistyped.add(attribute.name)
        else:
            given[attribute.name] = helper.get_attribute_value(attribute)
    for key, value in formal.items():
        if value.required and all(attribute.name != key for attribute in node.attribute):
            yield Problem("error", name, f"attribute {key}", "is missing")
    complete = operator.with_defaults(given)
    return {key: value for key, value in complete.items() if key not in mistyped}


def _type_name(attribute: onnx.AttributeProto) -> str:
    return onnx.AttributeProto.AttributeType.Name(attribute.type)


def _enumerator(kind: Any) -> str:  # the stubs of onnx do not know that it is an enum
    return kind.name


def _type_problems(
    name: str, operator: Operator, present: dict[str, str], values: _Values
) -> Iterator[Problem]:
    allowed = {c.type_param_str: c.allowed_type_strs for c in operator.schema.type_constraints}
    for slot in operator.schema.inputs:
        if slot.name not in present:
            continue
        dtype = values.dtype(present[slot.name])
        if dtype is None:
            continue
        code = helper.np_dtype_to_tensor_dtype(dtype)
        given = f"tensor({onnx.TensorProto.DataType.Name(code).lower()})"
        options = allowed.get(slot.type_str, [slot.type_str])
        if given not in options:
            listed = ", ".join(sorted(options))
            yield Problem("error", name, f"input {slot.name}", f"is {given}, must be {listed}")


def _serialized(proto: onnx.ModelProto) -> bytes | onnx.ModelProto:
    """The bytes that onnx asks for twice; the model where it cannot be written, as onnx says."""
    try:
        return proto.SerializeToString()
    except Exception:
        return proto


def _onnx_problems(model: bytes | onnx.ModelProto) -> Iterator[Problem]:
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        yield Problem("error", "model", "onnx checker", " ".join(str(error).split()))
