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
from lgnx.ops._operator import DOMAIN, Operator
from lgnx.ops._operator import VERSION as VERSION
from lgnx.ops.library import library_path as library_path
from lgnx.ops.library import register as register

OPERATORS: dict[str, Operator] = {
    module.OPERATOR.name: module.OPERATOR
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
}
"""The operators by name."""

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

for _operator in OPERATORS.values():
    if not defs.has(_operator.name, DOMAIN):
        defs.register_schema(_operator.schema)
        # onnx would release the Python function that infers shapes after Python has ended, which
        # hangs (1.19) or crashes (1.20, 1.21).
        atexit.register(defs.deregister_schema, _operator.name, VERSION, DOMAIN)


def __getattr__(name: str) -> Any:
    """Give the qonnx class of an operator; needs qonnx."""
    if name in OPERATORS:
        from lgnx.ops._qonnx import custom_op_class

        return custom_op_class(OPERATORS[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *OPERATORS])
