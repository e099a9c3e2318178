"""The thermometer in hardware: which comparators there are, and which bits they make."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lgnx.converters.verilog.counters import COUNTED
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
from lgnx.converters.verilog.input_spec import feature_formats
from lgnx.metadata import FEATURE_NAMES, names_of
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops import engine
from lgnx.ops.errors import InputError


@dataclass(frozen=True)
class Encoder:
    """The input side of a design.

    Attributes
    ----------
    ports
        Format of each feature at the input port.
    forms
        Format of the values of each feature of the model's input.
    bits
        For each input of the netlist that is read: its feature, and the T of its comparator
        (code > T), or None where the feature itself is the bit.
    netlist
        The netlist over these bits alone, constants and equal comparators merged. Its outputs
        stand in the order that their counters want.
    order
        Which output of the model each one is, int64 [n_outputs]; each stays in its group.
    decisions
        For each feature, for each of its thresholds: the T of its comparator, or True or False
        where it decides the same way for every value of the format. Empty for an input of bits.
    warnings
        What a user should know.
    """

    ports: tuple[FixedPoint, ...]
    forms: tuple[FixedPoint, ...]
    bits: list[tuple[int, int | None]]
    netlist: Netlist
    order: np.ndarray
    decisions: list[list[int | bool]]
    warnings: list[str]

    @property
    def offsets(self) -> list[int]:
        """Lowest bit of each feature at the port, and the port's width at the end."""
        return np.cumsum([0, *(port.width for port in self.ports)]).tolist()


def encode(
    network: Network,
    input_format: str | os.PathLike[str] | Mapping[str, Any] | None,
    port_format: str | os.PathLike[str] | Mapping[str, Any] | None,
) -> Encoder:
    """Work out the comparators of a network.

    Raises
    ------
    InputError
        If a format is missing or does not fit, or if a threshold's decision cannot be made exactly
        in the port's format; the message says which width would do.
    """
    features = network.features
    names = feature_names(network)
    forms = input_formats(network, input_format, names)
    ports = feature_formats(port_format, features, names, "port format") if port_format else forms
    n = network.netlist.n_inputs
    if network.thresholds is None:
        for form in {*forms, *ports} - {BIT}:
            raise InputError(f"input format {form}: the model's input is bits, use bit")
        keys: list[tuple[int, int | None]] = [(i, None) for i in range(n)]
        return _merge(network, keys, [None] * n, ports, forms, [], [])
    for form, port in dict.fromkeys(zip(forms, ports, strict=True)):
        check_dtype(form, network.input_dtype)
        check_port(form, port)
    rows = network.thresholds.tolist()
    codes = [
        [comparison(threshold, network.strict, form) for threshold in row]
        for row, form in zip(rows, forms, strict=True)
    ]
    _check_decisions(rows, codes, forms, ports, network.strict)
    keys, decisions = [], []
    for feature, (row, form, port) in enumerate(zip(codes, forms, ports, strict=True)):
        decided = [_decision(code, form, port) for code in row]
        decisions.append(decided)
        keys += [(feature, None if isinstance(d, bool) else d) for d in decided]
    fixed = [d if isinstance(d, bool) else None for row in decisions for d in row]
    warnings = []
    if any(d is not None for d in fixed):
        first = next(i for i, d in enumerate(fixed) if d is not None)
        feature, place = divmod(first, network.thresholds.shape[1])
        every = f"every value of {forms[feature]}"
        warnings.append(
            f"{sum(d is not None for d in fixed)} of {network.thresholds.size} thresholds decide "
            f"the same way for {every} (first: feature {feature}, {rows[feature][place]:g})"
        )
    return _merge(network, keys, fixed, ports, forms, decisions, warnings)


def input_literals(network: Network, encoder: Encoder) -> list[int]:
    """For each input of the model's netlist the bit that it is, as a literal, or a constant."""
    place = {key: 2 * (1 + i) for i, key in enumerate(encoder.bits)}
    if network.thresholds is None:
        return [place.get((i, None), 0) for i in range(network.netlist.n_inputs)]
    # What no output reads has no comparator; any value will do.
    return [
        int(decision) if isinstance(decision, bool) else place.get((feature, decision), 0)
        for feature, row in enumerate(encoder.decisions)
        for decision in row
    ]


def feature_names(network: Network) -> tuple[str, ...] | None:
    """Names of the features that the model's metadata holds, if any."""
    value = network.metadata.get(FEATURE_NAMES)
    return None if value is None else names_of(FEATURE_NAMES, value, network.features)


def input_formats(
    network: Network,
    source: str | os.PathLike[str] | Mapping[str, Any] | None,
    names: tuple[str, ...] | None,
) -> tuple[FixedPoint, ...]:
    """Give the format of each feature: the user's, or that of the model's integers or bits.

    Raises
    ------
    InputError
        If the model takes floats and no format is given, or the one given does not fit.
    """
    if source:
        return feature_formats(source, network.features, names, "input format")
    if network.thresholds is None:
        return (BIT,) * network.features
    if network.input_dtype.kind in "iu":
        return (parse_format(network.input_dtype.name),) * network.features
    raise InputError(
        f"the model's input {network.input_name!r} is {network.input_dtype}: say in which "
        "fixed-point format its values come, for example ufixed<8,1>"
    )


def _decision(code: int, form: FixedPoint, port: FixedPoint) -> int | bool:
    if code < form.lowest:
        return True
    return False if code >= form.highest else _at_port(code, form, port)


def _check_decisions(
    rows: list[list[float]],
    codes: list[list[int]],
    forms: tuple[FixedPoint, ...],
    ports: tuple[FixedPoint, ...],
    strict: bool,
) -> None:
    """Check that each port has the fraction bits that every decision needs."""
    if forms == ports:
        return
    for feature, (row, form, port) in enumerate(zip(codes, forms, ports, strict=True)):
        needed = {
            place: fraction_bits_needed(code, form)
            for place, code in enumerate(row)
            if form.lowest <= code < form.highest
        }
        most = max(needed.values(), default=port.fraction_bits)
        if port.fraction_bits >= most:
            continue
        # Where all features have one format, name the one that will do for all of them.
        alike = [f for f in range(len(forms)) if (forms[f], ports[f]) == (form, port)]
        most = max(
            fraction_bits_needed(code, form)
            for f in alike
            for code in codes[f]
            if form.lowest <= code < form.highest
        )
        wanted = FixedPoint(port.width + most - port.fraction_bits, most, port.signed)
        threshold = rows[feature][max(needed, key=lambda place: needed[place])]
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
    network: Network,
    keys: list[tuple[int, int | None]],
    fixed: list[bool | None],
    ports: tuple[FixedPoint, ...],
    forms: tuple[FixedPoint, ...],
    decisions: list[list[int | bool]],
    warnings: list[str],
) -> Encoder:
    """Put constants in, let equal bits be one, and drop what nothing reads."""
    netlist = network.netlist
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
    order = _order(merged.outputs, network.groups)
    read = merged.fan_outs()[1 : merged.first_node] > 0
    live = np.flatnonzero(read)
    compact = replace(merged, outputs=merged.outputs[order]).over_inputs(live)
    bits = [keys[i] for i in live]
    return Encoder(ports, forms, bits, compact, order, decisions, warnings)


def _order(outputs: np.ndarray, groups: int) -> np.ndarray:
    """Order the bits of each group so that equal and constant ones meet in a counter.

    Counters of constants vanish, and those of equal or opposite bits are small.
    """
    if not groups:
        return np.arange(len(outputs))
    size = len(outputs) // groups
    order = np.argsort(
        (outputs.astype(np.int64) - 2).reshape(groups, size) % (1 << 33), kind="stable"
    )
    # Counter i of n in front reads the bits i, i + n, i + 2 n, ...
    place, front = np.arange(size), size // COUNTED * COUNTED
    place[:front] = place[:front].reshape(-1, COUNTED).T.ravel()
    return (order[:, place] + size * np.arange(groups)[:, None]).ravel()
