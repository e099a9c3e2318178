"""``qonnx.custom_op.lnn``: lookup tables as a fork of QONNX has them, in and out.

The operators are LookupTable, version 3, and LookupTableConv, version 1. They are no part of QONNX
itself, so this format is only written when it is asked for. Nothing is registered in that domain:
neither onnx nor qonnx need to know it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import onnx

from lgnx.converters.formats import Format
from lgnx.files import as_proto, load_model, model_name, save_model
from lgnx.graphs import all_graphs

__all__ = ["FORMAT", "from_lnn", "imports_domain", "nested_nodes", "to_lnn"]

DOMAIN = "qonnx.custom_op.lnn"


def from_lnn(model: Any) -> onnx.ModelProto:
    """Turn a model with LookupTable and LookupTableConv into one of the layer level.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; it is not changed.

    Raises
    ------
    ModelError
        If a node of that domain, or of another one of qonnx, is not valid, or has no form in
        `lgnx.ops`; the message names it.
    """
    from lgnx.converters.qonnx_lnn_read import read_lnn

    return read_lnn(as_proto(model), model_name(model))


def to_lnn(model: Any) -> onnx.ModelProto:
    """Turn a model of the layer level into LookupTable, LookupTableConv and ordinary ONNX.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; it is not changed.

    Raises
    ------
    ModelError
        If the model is not valid, or has a node that cannot be said so; the message names it.
    """
    from lgnx.converters.qonnx_lnn_write import write_lnn

    return write_lnn(as_proto(model), model_name(model))


def imports_domain(path: Path, domain: str) -> bool:
    """Tell whether a file is a model that imports a domain."""
    data = path.read_bytes()
    if domain.encode() not in data:
        return False
    return any(entry.domain == domain for entry in load_model(path).opset_import)


def nested_nodes(model: onnx.ModelProto, domain: str) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a domain that are in the bodies of other nodes."""
    for graph in islice(all_graphs(model.graph), 1, None):
        yield from (node for node in graph.node if node.domain == domain)


def _sniff(path: Path) -> bool:
    return imports_domain(path, DOMAIN)


def _write(model: Any, path: Path) -> list[Path]:
    save_model(to_lnn(model), path)
    return [path]


FORMAT = Format(
    name="qonnx-lnn",
    title="ONNX with LookupTable and LookupTableConv of qonnx.custom_op.lnn (a fork of QONNX)",
    suffixes=(".onnx",),
    read=from_lnn,
    write=_write,
    reads="layers: LogicDense, LogicConv, OrPool, GroupSum, Thermometer and ordinary ONNX",
    writes="LookupTable, LookupTableConv and ordinary ONNX; needs --to qonnx-lnn",
    python="lgnx.converters.qonnx_lnn.from_lnn(model), to_lnn(model)",
    sniff=_sniff,
)
