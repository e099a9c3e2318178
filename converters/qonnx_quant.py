"""QONNX's Quant in ordinary ONNX, step by step as qonnx computes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from lgnx.passes.edit import Inserter

__all__ = ["quant_in_onnx"]

_ROUNDINGS = {"ROUND": "Round", "HALF_EVEN": "Round", "CEIL": "Ceil", "FLOOR": "Floor"}


def quant_in_onnx(
    insert: Inserter, node: ir.Node, constants: Sequence[np.ndarray | None]
) -> ir.Value | str:
    """Express a Quant of more than one bit.

    Parameters
    ----------
    insert
        Makes the nodes.
    node
        A Quant or IntQuant.
    constants
        Values of its inputs: scale, zero point and number of bits after the first.

    Returns
    -------
    onnx_ir.Value or str
        What it gives; or why it has no such form.
    """
    x = node.inputs[0]
    assert x is not None
    scale, zero, bits = constants[1:4]
    mode = node.attributes.get_string("rounding_mode", "ROUND").upper()
    if mode not in _ROUNDINGS:
        known = ", ".join(_ROUNDINGS)
        return f"attribute rounding_mode: is {mode}; with a form in ONNX are {known}"
    if scale is None or zero is None or bits is None or bits.size != 1:
        return "its scale, zero point and number of bits must be constant, the last a single one"
    n = float(bits.reshape(()))
    signed, narrow = (node.attributes.get_int(name, 0) for name in ("signed", "narrow"))
    low = -(2 ** (n - 1)) + (1 if narrow else 0) if signed else 0.0
    high = 2 ** (n - 1) - 1 if signed else 2**n - 1 - (1 if narrow else 0)
    steps: list[tuple[str, np.ndarray | None]] = [
        ("Div", scale),
        ("Add", zero),
        ("Min", np.array(high, np.float32)),
        ("Max", np.array(low, np.float32)),
        (_ROUNDINGS[mode], None),
        ("Sub", zero),
        ("Mul", scale),
    ]
    y = x
    for op, value in steps:
        inputs = [y] if value is None else [y, insert.constant(op.lower(), np.asarray(value))]
        y = insert.op(op, inputs, dtype=x.dtype, shape=x.shape)
    return y
