"""Attaching function bodies, so that any ONNX runtime can run a file."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper

from lgnx.files import as_proto, model_name
from lgnx.graphs import all_nodes
from lgnx.ops import DOMAIN, Operator
from lgnx.ops.errors import ModelError
from lgnx.ops.logic_network import variant
from lgnx.versions import operators_of

OLDEST_OPSET = 18


def attach_functions(model: Any) -> onnx.ModelProto:
    """Write the definition of every lgnx operator that a model uses into the model.

    Such a file runs in stock onnxruntime and in onnx's ReferenceEvaluator. Where the lgnx library
    is registered, its kernels are used all the same.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; it is not changed. Definitions that it has
        already are written anew.

    Raises
    ------
    ModelError
        If the model's ONNX opset is older than 18, if it is of a later version of this opset than
        this release knows, if a node is of an unknown lgnx operator, or if LogicNetwork nodes of
        different forms (with and without thresholds, packed words, groups) would need different
        definitions under one name.
    """
    source = as_proto(model)
    result = onnx.ModelProto()
    result.CopyFrom(source)
    opsets = {entry.domain: entry.version for entry in result.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 0))
    known = operators_of(result, model_name(model))
    used: dict[str, onnx.NodeProto] = {}
    for node in all_nodes(result.graph):
        if node.domain != DOMAIN:
            continue
        if node.op_type not in known:
            raise ModelError(
                f"{model_name(model)}: node {node.name!r}: {DOMAIN} has no operator {node.op_type}"
            )
        _write_defaults(node, known[node.op_type])
        first = used.setdefault(node.op_type, node)
        if node.op_type == "LogicNetwork" and variant(first) != variant(node):
            raise ModelError(
                f"{model_name(model)}: LogicNetwork nodes {first.name!r} and {node.name!r} differ "
                "in having thresholds, packed words or groups, so one definition cannot serve "
                "both; attach the functions to the layer-level or bitwise-level file instead"
            )
    if used and opset < OLDEST_OPSET:
        raise ModelError(
            f"{model_name(model)}: imports ONNX opset {opset}, definitions need "
            f"{OLDEST_OPSET} or later"
        )
    kept = [function for function in result.functions if function.domain != DOMAIN]
    del result.functions[:]
    result.functions.extend(kept)
    result.functions.extend(known[name].function(node, opset) for name, node in used.items())
    # Functions came with version 8 of the file format.
    result.ir_version = max(result.ir_version, 8)
    return result


def _write_defaults(node: onnx.NodeProto, operator: Operator) -> None:
    """Give a node every attribute, since onnx's evaluator does not know a function's defaults."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    for name, value in operator.with_defaults(given).items():
        if name not in given:
            node.attribute.append(helper.make_attribute(name, value))
