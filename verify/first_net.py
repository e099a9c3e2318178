"""Where a design first goes wrong: the first net that differs from the model's netlist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lgnx.network import Network
from lgnx.verify.design_nets import design_nets, port_bits
from lgnx.verify.rtl import Rtl

__all__ = ["NetDifference", "first_difference", "last_values"]


@dataclass(frozen=True)
class NetDifference:
    """The first net, from the input on, that is not what the model has there.

    Attributes
    ----------
    where
        The part of the design, such as ``"logic, stage 2"``.
    net
        Its name in the waves, with the bit: ``lgnx_top.network.stage2.level3[5]``.
    expected, actual
        0 or 1.
    others
        How many other bits of the same vector differ.
    """

    where: str
    net: str
    expected: int
    actual: int
    others: int

    def __str__(self) -> str:
        more = f" ({self.others} other bits of it differ, too)" if self.others else ""
        return f"{self.where}: {self.net} is {self.actual}, must be {self.expected}{more}"


def first_difference(
    rtl: Rtl, network: Network, sample: np.ndarray, waves: Path
) -> NetDifference | None:
    """Find the first net that differs.

    Parameters
    ----------
    network
        The network that the design was written from.
    sample
        ``[...]`` of the model's input.
    waves
        VCD file of this one sample; since the sample stays at the port, each net ends at its value.

    Returns
    -------
    NetDifference or None
        None if no net that the design shares with the netlist differs; then what is wrong lies
        behind them, or in its timing.
    """
    found = last_values(waves)
    design = design_nets(rtl, network)
    values = design.netlist.simulate(port_bits(rtl, sample[np.newaxis]))[0]
    for net in design.nets:
        actual, expected = found.get(net.name), values[net.bits]
        if actual is None or len(actual) != len(expected):
            continue  # the design was changed, or Verilator left the net out
        bits = np.flatnonzero(actual != expected)
        if len(bits):
            at = int(bits[0])
            name = f"{net.name}[{at}]" if len(actual) > 1 else net.name
            wanted, given = int(expected[at]), int(actual[at])
            return NetDifference(net.where, name, wanted, given, len(bits) - 1)
    return None


def last_values(path: Path) -> dict[str, np.ndarray]:
    """Give the last value of every net in a VCD file of Verilator, bool[bits], low first."""
    names: dict[str, list[tuple[str, int]]] = {}
    scopes: list[str] = []
    values: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "$scope":
            scopes.append(words[2])
        elif words[0] == "$upscope":
            scopes.pop()
        elif words[0] == "$var":
            name = ".".join([*scopes[1:], words[4]])
            names.setdefault(words[3], []).append((name, int(words[2])))
        elif re.fullmatch(r"b[01xz]+", words[0]) and len(words) == 2:
            values[words[1]] = words[0][1:]
        elif line[0] in "01" and len(words) == 1:
            values[line[1:]] = line[0]
    result = {}
    for code, text in values.items():
        for name, width in names.get(code, ()):
            bits = text.rjust(width, "0")[::-1]
            result[name] = np.frombuffer(bits.encode(), np.uint8) == ord("1")
    return result
