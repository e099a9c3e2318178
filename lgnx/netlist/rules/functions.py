"""Functions of one number, and a constant, on wires: kept as tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import mapped
from lgnx.netlist.rules.values import NotBooleanError, Symbols

_UNARY: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Floor": np.floor,
    "Round": np.rint,
    "Sign": np.sign,
}


def _unary(call: Call) -> list[Symbols]:
    return [mapped(call.raw(0), _UNARY[call.node.op_type])]


def _divided(call: Call, values: np.ndarray, c: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return values / c
    return (np.abs(values) // np.abs(c) * np.sign(values) * np.sign(c)).astype(values.dtype)


def _remainder(call: Call, values: np.ndarray, c: np.ndarray) -> np.ndarray:
    if call.node.attributes.get_int("fmod", 0) or values.dtype.kind == "f":
        return np.fmod(values, c)
    return np.mod(values, c)


_BINARY = {"Div": _divided, "Mod": _remainder}


def _binary(call: Call) -> list[Symbols]:
    scalar = call.with_scalar()
    if scalar is None or scalar[2] != 1:
        raise NotBooleanError("it divides by something else than one constant")
    x, c, _ = scalar
    if c == 0:
        raise NotBooleanError("it divides by 0")
    function = _BINARY[call.node.op_type]
    return [mapped(x, lambda values: function(call, values, c))]


RULES = {("", name): _unary for name in _UNARY} | {("", name): _binary for name in _BINARY}
