"""C that turns the input into bits."""

from __future__ import annotations

import re
from fractions import Fraction
from string import Template
from typing import Any

import numpy as np

from lgnx.converters import c99_text as text
from lgnx.converters.c99_code import rows
from lgnx.converters.c99_gates import Gates
from lgnx.network import Network

TYPES = {
    "bool": "uint8_t",
    "float16": "uint16_t",
    "float32": "float",
    "float64": "double",
    **{f"{sign}int{n}": f"{sign}int{n}_t" for sign in ("", "u") for n in (8, 16, 32, 64)},
}

DENSE = 4
"""All inputs are packed, by vectors, where at least one of so many is read."""


def pack(network: Network, gates: Gates) -> tuple[str, dict[int, int], int]:
    """Write how the input becomes bits.

    Returns
    -------
    tuple
        C; the line of each variable that is read; the lines that are written.
    """
    used, limits = gates.used_inputs, network.thresholds
    if not used:
        return text.PACK_NOTHING, {}, 0
    per_feature = 1 if limits is None else limits.shape[1]
    half = network.input_dtype == np.float16
    kind = "int16_t" if half else TYPES[network.input_dtype.name]
    dense = DENSE * len(used) >= network.features * per_feature
    number = "row##i[j]" if dense else "*row"
    number = f"${{p}}_key({number})" if half else number
    tables, condition = "", f"{number} != 0"
    if limits is not None:
        if not dense:
            listed, index = limits.ravel()[used], "j"
        elif (limits == limits[:1]).all():
            listed, index = limits[0], "plane"
        else:
            listed, index = limits.T.ravel(), "plane * ${P}_INPUTS + first + j"
        condition = f"{number} {'>' if network.strict else '>='} ${{p}}_thresholds[{index}]"
        tables = _table(kind, "thresholds", [literal(t) for t in listed])
    if dense:
        # Lines of a tile stay in the first cache while all their words are written.
        widest = max(16, 256 // per_feature)
        portions = {"tile": _tile(network.features, widest), "small": _tile(network.features, 32)}
        filled = _set(text.PACK_DENSE, condition=condition, planes=per_feature, **portions)
        slots = {1 + i: i % per_feature * network.features + i // per_feature for i in used}
        return tables + filled, slots, network.features * per_feature
    width = 16 if network.features <= 1 << 16 else 32
    tables += _table(f"uint{width}_t", "read", [i // per_feature for i in used])
    filled = _set(text.PACK_SPARSE, condition=condition, used=len(used))
    return tables + filled, {1 + i: at for at, i in enumerate(used)}, len(used)


def _set(template: str, **values: object) -> str:
    return Template(template).safe_substitute(values)


def _table(kind: str, name: str, items: list[Any]) -> str:
    return f"static const {kind} ${{p}}_{name}[] = {{\n{rows(items)}}};\n\n"


def _tile(features: int, most: int) -> int:
    """Inputs that are packed together: about equal portions, in whole vectors of bytes."""
    portions = -(-features // most)
    return min(features, -(-features // portions // 16) * 16)


def literal(value: Any) -> str:
    """A number as C; float16 as its key."""
    if value.dtype == np.float16:
        bits = int(np.asarray(value).view(np.uint16))
        return str(-(bits & 0x7FFF) if bits & 0x8000 else bits)
    if value.dtype.kind == "f":
        suffix = "f" if value.dtype == np.float32 else ""
        if np.isinf(value):
            return f"{'-' if value < 0 else ''}1.0{suffix} / 0.0{suffix}"
        shown = str(value)
        if len(shown) > 12 or Fraction(shown) != Fraction(float(value)):
            shown = re.sub(r"\.?0*p", "p", float(value).hex())
        return shown + suffix
    number, bits = int(value), 8 * value.dtype.itemsize
    if value.dtype.kind == "u":
        return f"UINT{bits}_C({number})" if bits > 16 else str(number)
    if number == -(1 << (bits - 1)):
        return f"(-INT{bits}_C({-number - 1}) - 1)"
    return f"{'-' if number < 0 else ''}INT{bits}_C({abs(number)})" if bits > 16 else str(number)
