"""Models with operators of qonnx, opened for rewriting."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import onnx_ir as ir
from onnx_ir.passes import common

from lgnx.check import find_problems, raise_errors
from lgnx.metadata import SOURCE_FORMAT, with_metadata
from lgnx.ops.errors import ModelError

__all__ = ["check_valid", "finished", "infer", "opened"]

_OPSET = 18


def opened(proto: onnx.ModelProto, where: str, domain: str) -> ir.Model:
    """Give a copy of a model that may be changed, of ONNX opset 18 or later.

    Bodies of the domain's operators and qonnx's annotations of types, which would not be true any
    more, are left out.

    Raises
    ------
    ModelError
        If it is not valid; ``where`` is its name.
    """
    for node in proto.graph.node:
        what = f"{where}: node {node.name!r} ({node.op_type})"
        if isinstance(node.domain, bytes):
            raise ModelError(f"{what}: its domain, {node.domain!r}, is no text")
        if not node.output:
            raise ModelError(f"{what}: has no output")
    plain = onnx.ModelProto()
    plain.CopyFrom(proto)
    kept = [function for function in proto.functions if function.domain != domain]
    del plain.functions[:], plain.graph.quantization_annotation[:]
    plain.functions.extend(kept)
    try:
        if any(entry.domain == "" and entry.version < _OPSET for entry in plain.opset_import):
            plain = onnx.version_converter.convert_version(plain, _OPSET)
        for tensor in _tensors(plain.graph):
            onnx.numpy_helper.to_array(tensor)
        model = ir.serde.deserialize_model(plain)
        model.graph.sort()
    except Exception as error:
        raise ModelError(f"{where}: not a valid ONNX model: {error}") from error
    return model


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    yield from (a.t for node in graph.node for a in node.attribute if a.HasField("t"))


def infer(model: ir.Model) -> None:
    """Infer types and shapes as far as that goes, while nodes are still unknown to onnx."""
    common.ShapeInferencePass(check_type=False, strict_mode=False)(model)
    _forget_made_up(model)


def _forget_made_up(model: ir.Model) -> None:
    for node in model.graph:
        for value in node.outputs:
            if value.shape is not None:  # names that onnx makes up would stay for good
                value.shape = ir.Shape([_named(extent) for extent in value.shape])


def _named(extent: int | ir.SymbolicDim) -> int | str | None:
    if isinstance(extent, int):
        return extent
    made_up = extent.value is None or extent.value.startswith("unk__")
    return None if made_up else extent.value


def check_valid(model: ir.Model, where: str) -> None:
    """Infer all types, and raise a ModelError that lists what is wrong with a model."""
    common.ShapeInferencePass(check_type=False, strict_mode=False)(model)
    raise_errors(find_problems(_serialized(model, where)), where)


def finished(model: ir.Model, where: str, source: str) -> onnx.ModelProto:
    """Give a model with the types of what nodes give, and the format it came from.

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    _forget_made_up(model)
    proto = _serialized(model, where)
    inner = [v for v in proto.graph.value_info if v.name not in model.graph.initializers]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(inner)
    return with_metadata(proto, {SOURCE_FORMAT: source})


def _serialized(model: ir.Model, where: str) -> onnx.ModelProto:
    try:
        return ir.serde.serialize_model(model)
    except Exception as error:
        raise ModelError(f"{where}: not a valid ONNX model: {error}") from error
