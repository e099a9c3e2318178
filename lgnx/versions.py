"""Versions of the opset: which a model is of, and the conversion from one to another."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence
from typing import Any

import onnx

from lgnx import ops
from lgnx.files import as_proto, model_name
from lgnx.ops import DOMAIN, Operator
from lgnx.ops.errors import InputError, ModelError

__all__ = ["convert_version", "operators_of", "unknown_version", "version_of"]


def version_of(proto: onnx.ModelProto) -> int | None:
    """Version of the opset that a model imports; None if it does not import the opset."""
    return next((e.version for e in proto.opset_import if e.domain == DOMAIN), None)


def unknown_version(version: int) -> str | None:
    """Say what is wrong with a version that this release does not know; None if it knows it."""
    newest = ops.VERSION
    if 1 <= version <= newest:
        return None
    from lgnx import __version__

    known = f"version {newest}" if newest == 1 else f"versions 1 to {newest}"
    message = f"imports {DOMAIN} version {version}, this release knows {known}"
    if version < 1:
        return message
    return f"{message}; get one later than lgnx {__version__}: pip install --upgrade lgnx"


def operators_of(proto: onnx.ModelProto, where: str) -> dict[str, Operator]:
    """Give the operators of the version that a model imports, by name.

    Raises
    ------
    ModelError
        If this release does not know the version; ``where`` names the model in the message.
    """
    version = version_of(proto)
    if version is None:
        return ops.operators(ops.VERSION)
    message = unknown_version(version)
    if message:
        raise ModelError(f"{where}: {message}")
    return ops.operators(version)


def convert_version(model: Any, target: int | None = None) -> onnx.ModelProto:
    """Convert a model to another version of the opset, step by step, as onnx does for its own.

    Each step takes the nodes of operators that have another form in the next version through the
    adapter that stands with the newer form; all other nodes stay as they are. onnx's own
    ``version_converter`` changes nothing of this domain.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; it is not changed.
    target
        Version of the opset, newer or older; the newest by default.

    Raises
    ------
    InputError
        If this release does not know the target.
    ModelError
        If it does not know the version of the model, or a node has no counterpart in the target.
    """
    where = model_name(model)
    newest = ops.VERSION
    target = newest if target is None else target
    if not 1 <= target <= newest:
        raise InputError(f"target is version {target} of {DOMAIN}, must be 1 to {newest}")
    result = onnx.ModelProto()
    result.CopyFrom(as_proto(model))
    operators_of(result, where)
    version = version_of(result)
    if version is None or version == target:
        return result
    had_bodies = any(function.domain == DOMAIN for function in result.functions)
    kept = [function for function in result.functions if function.domain != DOMAIN]
    del result.functions[:]
    result.functions.extend(kept)
    direction = 1 if target > version else -1
    for step in range(version, target, direction):
        for nodes in _sequences(result):
            _convert(nodes, step, step + direction, where)
    for imports in (result.opset_import, *(f.opset_import for f in result.functions)):
        for entry in imports:
            if entry.domain == DOMAIN:
                entry.version = target
    if had_bodies:
        from lgnx.functions import attach_functions

        return attach_functions(result)
    return result


def _sequences(proto: onnx.ModelProto) -> Iterator[MutableSequence[onnx.NodeProto]]:
    """Every sequence of nodes: of the graph, of functions, and of the graphs inside nodes."""
    waiting: list[Any] = [proto.graph, *proto.functions]
    while waiting:
        holder = waiting.pop()
        yield holder.node
        for node in holder.node:
            for attribute in node.attribute:
                waiting += [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _convert(
    nodes: MutableSequence[onnx.NodeProto], version: int, following: int, where: str
) -> None:
    """Convert nodes from a version to the next, or to the one before."""
    here, there = ops.operators(version), ops.operators(following)
    made: list[onnx.NodeProto] = []
    for node in nodes:
        old, new = here.get(node.op_type), there.get(node.op_type)
        if node.domain != DOMAIN or old is None or old is new:
            made.append(node)
            continue
        what = f"{where}: node {node.name!r} ({node.op_type}): cannot be converted from version "
        what += f"{version} of {DOMAIN} to version {following}: "
        adapter = new.from_previous if new and following > version else old.to_previous
        if adapter is None:
            came = f"the operator came with version {old.schema.since_version}"
            raise ModelError(f"{what}{'there is no adapter' if new else came}")
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        try:
            adapted = adapter(copy)
        except InputError as error:
            raise ModelError(f"{what}{error}") from None
        for new_node in adapted:
            if not new_node.doc_string and not new_node.metadata_props:
                new_node.doc_string = node.doc_string
                new_node.metadata_props.extend(node.metadata_props)
        made += adapted
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in made]
    del nodes[:]
    nodes.extend(copies)
