"""Binarised and few-bit QONNX networks whose neurons read few numbers: in, as truth tables.

As in LogicNets, a neuron that reads a handful of quantised numbers is a truth table: all its inputs
are tried.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from lgnx.converters.formats import Format, Option
from lgnx.converters.qonnx_lnn import DOMAIN, imports_domain
from lgnx.files import as_proto, load_model, model_name
from lgnx.graphs import all_nodes
from lgnx.ops.errors import InputError
from lgnx.ops.tables import MAX_INPUTS

__all__ = ["FORMAT", "from_qonnx"]

_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
_BORDERLINE = ("refuse", "nearest")


def from_qonnx(model: Any, *, max_fan_in: int = 8, borderline: str = "refuse") -> onnx.ModelProto:
    """Turn layers between quantisers into LogicDense.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; it is not changed.
    max_fan_in
        A layer is converted if each of its neurons reads at most so many bits; 1 to 16.
    borderline
        What becomes of a neuron whose result depends on the order in which a runtime adds:
        ``"refuse"`` the model, or ``"nearest"``, what the exact sum, rounded once, leads to.

    Returns
    -------
    onnx.ModelProto
        The model; what is no such layer is in it as ordinary ONNX.

    Raises
    ------
    ModelError
        If there is no such layer, if the result of a neuron depends on the order in which numbers
        are added and that is refused, or if what stays has operators of qonnx that have no form in
        ONNX.
    InputError
        If an argument is out of range.
    """
    if not 1 <= max_fan_in <= MAX_INPUTS:
        raise InputError(f"max_fan_in: is {max_fan_in}, must be 1 to {MAX_INPUTS}")
    if borderline not in _BORDERLINE:
        raise InputError(f"borderline: is {borderline!r}, must be {' or '.join(_BORDERLINE)}")
    from lgnx.converters.qonnx_binary_read import read_qonnx

    return read_qonnx(as_proto(model), model_name(model), max_fan_in, borderline == "nearest")


def _sniff(path: Path) -> bool:
    if imports_domain(path, DOMAIN) or not any(imports_domain(path, d) for d in _DOMAINS):
        return False
    return any(node.domain in _DOMAINS for node in all_nodes(load_model(path).graph))


FORMAT = Format(
    name="qonnx",
    title="QONNX: quantised networks whose neurons read few numbers",
    suffixes=(".onnx",),
    read=from_qonnx,
    read_options=(
        Option("max_fan_in", int, 8, "bits that a neuron of a converted layer may read, 1 to 16"),
        Option(
            "borderline",
            str,
            "refuse",
            "neurons whose result depends on the order of float additions: refuse, or take the "
            "nearest float of the exact sum",
            _BORDERLINE,
        ),
    ),
    reads="layers between quantisers: Thermometer and LogicDense; the rest is ordinary ONNX",
    extra="qonnx",
    python="lgnx.converters.qonnx_binary.from_qonnx(model)",
    sniff=_sniff,
)
