"""What a design may not exceed, and thresholds that cannot be meant."""

from __future__ import annotations

import numpy as np

from lgnx.converters.verilog.encoder import Encoder
from lgnx.network import Network
from lgnx.ops.errors import InputError

__all__ = ["WIDEST_PORT", "check_port_widths", "check_thresholds"]

WIDEST_PORT = 65_536
"""Bits that a Verilog tool must take in one port (IEEE 1364-2005, 4.3.1); more is not portable."""


def check_port_widths(ports: list[tuple[str, int]]) -> None:
    """Check that tools take the ports of a design.

    Parameters
    ----------
    ports
        Names and widths.

    Raises
    ------
    InputError
        If one is too wide.
    """
    for name, width in ports:
        if width > WIDEST_PORT:
            raise InputError(
                f"port {name}: would be {width:,} bits wide, must be at most {WIDEST_PORT:,}, "
                "which is what every Verilog tool takes"
            )


def check_thresholds(network: Network, encoder: Encoder) -> None:
    """Check that the input format can be meant: not all thresholds lie outside it.

    Single ones may; their decisions are constant, which the sidecar's warnings say.

    Raises
    ------
    InputError
        If all do.
    """
    decisions = [decision for row in encoder.decisions for decision in row]
    if network.thresholds is None or not all(isinstance(d, bool) for d in decisions):
        return
    finite = network.thresholds[np.isfinite(network.thresholds)]
    if not finite.size:
        return
    form = encoder.forms[0]
    lowest, highest = (float(form.value(code)) for code in (form.lowest, form.highest))
    raise InputError(
        f"input format {form}: goes from {lowest:g} to {highest:g}, but the thresholds, from "
        f"{finite.min():g} to {finite.max():g}, all lie outside it: no sample could change anything"
    )
