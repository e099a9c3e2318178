"""The thermometer in hardware: which comparators there are, and which bits they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.fixed_point import (
    BIT,
    FixedPoint,
    check_dtype,
    check_port,
    comparison,
    fraction_bits_needed,
    parse_format,
    through_port,
)
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops import engine
from lgnx.ops.errors import InputError


@dataclass(frozen=True)
class Encoder:
    """The input side of a design.

    Attributes
    ----------
    port
        Format of each feature at the input port.
    form
        Format that the values of the model's input have.
    bits
        For each input of the netlist that is read: its feature, and the T of its comparator
        (code > T), or None where the feature itself is the bit.
    netlist
        The netlist over these bits alone, constants and equal comparators merged.
    constant
        How many of the model's thresholds always decide the same way in this format.
    warnings
        What a user should know.
    """

    port: FixedPoint
    form: FixedPoint
    bits: list[tuple[int, int | None]]
    netlist: Netlist
    constant: int
    warnings: list[str]


def encode(network: Network, input_format: str | None, port_format: str | None) -> Encoder:
    """Work out the comparators of a network.

    Raises
    ------
    InputError
        If a format is missing or does not fit, or if a threshold's decision cannot be made exactly
        in the port's format; the message says which width would do.
    """
    form = _input_format(network, input_format)
    port = parse_format(port_format) if port_format else form
    n = network.netlist.n_inputs
    if network.thresholds is None:
        if form != BIT or port != BIT:
            raise InputError(f"input format {form}: the model's input is bits, use bit")
        keys: list[tuple[int, int | None]] = [(i, None) for i in range(n)]
        return _merge(network.netlist, keys, [None] * n, port, form, [])
    check_dtype(form, network.input_dtype)
    check_port(form, port)
    codes = [
        (feature, threshold, comparison(threshold, network.strict, form))
        for feature, row in enumerate(network.thresholds)
        for threshold in row.tolist()
    ]
    outside = [(f, t) for f, t, code in codes if not form.lowest <= code < form.highest]
    _check_decisions(codes, form, port, network.strict)
    keys, fixed = [], []
    for feature, _, code in codes:
        always = True if code < form.lowest else False if code >= form.highest else None
        fixed.append(always)
        keys.append((feature, None if always is not None else _at_port(code, form, port)))
    warnings = []
    if outside:
        feature, threshold = outside[0]
        warnings.append(
            f"{len(outside)} of {network.thresholds.size} thresholds decide the same way for every "
            f"value of {form} (first: feature {feature}, {threshold:g})"
        )
    return _merge(network.netlist, keys, fixed, port, form, warnings)


def _input_format(network: Network, text: str | None) -> FixedPoint:
    if text:
        return parse_format(text)
    if network.thresholds is None:
        return BIT
    if network.input_dtype.kind in "iu":
        return parse_format(network.input_dtype.name)
    raise InputError(
        f"the model's input {network.input_name!r} is {network.input_dtype}: say in which "
        "fixed-point format its values come, for example ufixed<8,1>"
    )


def _check_decisions(
    codes: list[tuple[int, float, int]], form: FixedPoint, port: FixedPoint, strict: bool
) -> None:
    """Check that the port has the fraction bits that every decision needs."""
    needed = {
        (feature, threshold): fraction_bits_needed(code, form)
        for feature, threshold, code in codes
        if form.lowest <= code < form.highest
    }
    most = max(needed.values(), default=port.fraction_bits)
    if port.fraction_bits < most:
        wanted = FixedPoint(port.width + most - port.fraction_bits, most, port.signed)
        feature, threshold = max(needed, key=lambda place: needed[place])
        raise InputError(
            f"port format {port}: cannot decide x {'>' if strict else '>='} {threshold:g} of "
            f"feature {feature} for values in {form}; {wanted} can, and every other threshold too"
        )


def _at_port(code: int, form: FixedPoint, port: FixedPoint) -> int:
    if port.fraction_bits >= form.fraction_bits:
        scale = 1 << (port.fraction_bits - form.fraction_bits)
        return (code + 1) * scale - 1
    at_port = through_port(code, form, port)
    assert at_port is not None  # the decisions have been checked
    return at_port


def _merge(
    netlist: Netlist,
    keys: list[tuple[int, int | None]],
    fixed: list[bool | None],
    port: FixedPoint,
    form: FixedPoint,
    warnings: list[str],
) -> Encoder:
    """Put constants in, let equal bits be one, and drop what nothing reads."""
    literals = np.zeros(netlist.first_node + netlist.n_nodes, np.uint32)
    literals[:] = 2 * np.arange(len(literals), dtype=np.uint32)
    first: dict[tuple[int, int | None], int] = {}
    for i, (key, always) in enumerate(zip(keys, fixed, strict=True)):
        if always is not None:
            literals[1 + i] = int(always)
        else:
            literals[1 + i] = 2 * first.setdefault(key, 1 + i)
    parts = engine.optimize(
        netlist.n_inputs,
        netlist.kinds,
        literals[netlist.fanins >> 1] ^ (netlist.fanins & 1),
        literals[netlist.outputs >> 1] ^ (netlist.outputs & 1),
    )
    merged = Netlist(netlist.n_inputs, *parts)
    read = merged.fan_outs()[1 : merged.first_node] > 0
    live = np.flatnonzero(read)
    renumbered = np.zeros(merged.first_node + merged.n_nodes, np.uint32)
    renumbered[1 + live] = np.arange(1, len(live) + 1)
    renumbered[merged.first_node :] = np.arange(merged.n_nodes) + len(live) + 1
    compact = Netlist(
        len(live),
        merged.kinds,
        2 * renumbered[merged.fanins >> 1] + (merged.fanins & 1),
        2 * renumbered[merged.outputs >> 1] + (merged.outputs & 1),
    )
    bits = [keys[i] for i in live]
    return Encoder(port, form, bits, compact, sum(f is not None for f in fixed), warnings)
