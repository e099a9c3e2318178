"""The frame of every model that a converter makes: opsets, IR version, who made it."""

from __future__ import annotations

import importlib.metadata

import onnx
from onnx import helper

from lgnx.ops import DOMAIN, VERSION

__all__ = ["new_model"]

_OPSET, _IR_VERSION = 18, 10


def new_model(graph: onnx.GraphProto) -> onnx.ModelProto:
    """Give a model of a graph of ONNX operators and those of lgnx."""
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(DOMAIN, VERSION)],
        ir_version=_IR_VERSION,
        producer_name="lgnx",
        producer_version=importlib.metadata.version("lgnx"),
    )
