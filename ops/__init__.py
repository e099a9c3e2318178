"""The opset `lgnx.ops`, version 1: one operator a file.

The name of the ONNX domain is the import path of this package, so qonnx, which imports the module
a domain is named after and reads its `__all__`, finds the operators by itself.
"""

from __future__ import annotations

import atexit
from typing import Any

from onnx import defs

from lgnx.ops import (
    bit_count,
    group_sum,
    logic_conv,
    logic_conv_transpose,
    logic_dense,
    logic_network,
    or_pool,
    pack_bits,
    thermometer,
    unpack_bits,
)
from lgnx.ops._operator import DOMAIN, VERSION, Operator
from lgnx.ops.library import library_path as library_path
from lgnx.ops.library import register as register

EVERY_VERSION: list[Operator] = [
    module.OPERATOR
    for module in (
        thermometer,
        logic_dense,
        logic_conv,
        logic_conv_transpose,
        or_pool,
        group_sum,
        pack_bits,
        unpack_bits,
        bit_count,
        logic_network,
    )
]
"""The operators in every form that a version of the opset has, older ones first."""


def operators(version: int) -> dict[str, Operator]:
    """Give the operators of a version of the opset by name."""
    return {o.name: o for o in EVERY_VERSION if o.schema.since_version <= version}


OPERATORS: dict[str, Operator] = operators(VERSION)
"""The operators of the newest version by name."""

# qonnx takes the names from here and asks __getattr__ for each.
__all__ = [  # noqa: RUF022
    "Thermometer",
    "LogicDense",
    "LogicConv",
    "LogicConvTranspose",
    "OrPool",
    "GroupSum",
    "PackBits",
    "UnpackBits",
    "BitCount",
    "LogicNetwork",
]


def _register(schema: defs.OpSchema) -> None:
    """Make a schema known to onnx, if it is not."""
    key = (schema.name, schema.since_version, DOMAIN)
    if defs.has(*key) and defs.get_schema(*key).since_version == schema.since_version:
        return
    defs.register_schema(schema)
    # onnx would release the Python function that infers shapes after Python has ended, which
    # hangs (1.19) or crashes (1.20, 1.21).
    atexit.register(defs.deregister_schema, *key)


for _operator in EVERY_VERSION:
    _register(_operator.schema)


def __getattr__(name: str) -> Any:
    """Give the qonnx class of an operator; needs qonnx."""
    if name in OPERATORS:
        from lgnx.ops._qonnx import custom_op_class

        return custom_op_class(OPERATORS[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *OPERATORS])
