"""Where a design first goes wrong: the first net that differs from the model's netlist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lgnx.converters.verilog.encoder import Encoder
from lgnx.converters.verilog.stages import cut, partition
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.verify.rtl import Rtl
from lgnx.verify.rtl_reference import encoder_of, stage_numbers

__all__ = ["NetDifference", "expected_nets", "first_difference", "last_values"]

Nets = Iterator[tuple[str, str, np.ndarray]]


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
    for where, net, expected in expected_nets(rtl, network, sample[np.newaxis]):
        actual = found.get(net)
        if actual is None or len(actual) != expected.shape[1]:
            continue  # the design was changed, or Verilator left the net out
        bits = np.flatnonzero(actual != expected[0])
        if len(bits):
            at = int(bits[0])
            name = f"{net}[{at}]" if len(actual) > 1 else net
            return NetDifference(where, name, int(expected[0, at]), int(actual[at]), len(bits) - 1)
    return None


def expected_nets(rtl: Rtl, network: Network, x: np.ndarray) -> Nets:
    """Give, from the inputs on, each net that the netlist has too: part, name, bool[batch, bits].

    Parameters
    ----------
    x
        ``[batch, ...]`` of the model's input.
    """
    encoder = encoder_of(rtl, network)
    if not encoder.bits:
        return
    core = f"{rtl.top}.core" if rtl.core != rtl.top else rtl.top
    bits = _encoded(rtl, encoder, x)
    yield "thermometer", f"{core}.encoded", bits
    yield "thermometer, its register", f"{core}.bits", bits
    netlist = encoder.netlist
    values = _values(netlist, bits)
    numbers = stage_numbers(rtl, netlist)
    stages = zip(partition(netlist, numbers), cut(netlist, numbers), strict=True)
    for number, (part, stage) in enumerate(stages):
        where, inside = f"logic, stage {number}", f"{core}.network"
        for level in stage.levels:
            yield where, f"{inside}.stage{number}.{level.name}", values[:, level.variables]
        outputs = values[:, part.outputs >> 1] ^ (part.outputs & 1).astype(np.bool_)
        yield where, f"{inside}.logic{number}", outputs
        yield f"{where}, its register", f"{inside}.held{number}", outputs
    if network.groups:
        ones = outputs.reshape(len(x), network.groups, -1).sum(axis=2)
        width = rtl.scoring.width if rtl.scoring else network.group_size.bit_length()
        planes = (ones[:, :, None] >> np.arange(width) & 1).astype(np.bool_)
        counts = planes.reshape(len(x), -1)
        yield "counts", f"{core}.results", counts
        yield "counts, their register", f"{core}.counts", counts


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


def _encoded(rtl: Rtl, encoder: Encoder, x: np.ndarray) -> np.ndarray:
    codes = rtl.input.codes(x)
    bits = np.empty((len(x), len(encoder.bits)), np.bool_)
    for place, (feature, limit) in enumerate(encoder.bits):
        code = codes[:, feature]
        if encoder.ports[feature].signed:
            code = code.view(code.dtype.str.replace("u", "i"))
        bits[:, place] = (code & 1) if limit is None else code > limit
    return bits


def _values(netlist: Netlist, bits: np.ndarray) -> np.ndarray:
    """Values of all variables, bool[batch, variables]."""
    every = 2 * np.arange(netlist.first_node + netlist.n_nodes, dtype=np.uint32)
    return Netlist(netlist.n_inputs, netlist.kinds, netlist.fanins, every).simulate(bits)
