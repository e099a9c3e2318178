"""The nets that a design shares with its model, as one netlist from the bits of the port."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.logic import Logic
from lgnx.converters.verilog.stages import partition
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.verify.rtl import Rtl
from lgnx.verify.rtl_reference import (
    argmax_netlist,
    at_least,
    encoder_netlist,
    logic_of,
    popcount_netlist,
)

__all__ = ["DesignNets", "Net", "design_nets", "port_bits"]


@dataclass(frozen=True)
class Net:
    """A net of the design.

    Attributes
    ----------
    where
        The part of the design, such as ``"logic, stage 2"``.
    name
        With its instances: ``lgnx_top.network.stage2.level3``.
    bits
        Its bits among the outputs of the netlist, low first.
    """

    where: str
    name: str
    bits: slice


@dataclass(frozen=True)
class DesignNets:
    """All nets, from the input on, and the netlist whose outputs they are."""

    netlist: Netlist
    nets: tuple[Net, ...]


def design_nets(rtl: Rtl, network: Network) -> DesignNets:
    """Give the nets of a design, by the network that it was written from."""
    logic = logic_of(rtl, network)
    encoder = logic.encoder
    builder = NetlistBuilder(encoder.offsets[-1])
    named: list[tuple[str, str, np.ndarray]] = []
    core = f"{rtl.top}.core" if rtl.core != rtl.top else rtl.top
    outputs = encoder.netlist.outputs  # constants, where no bit is read
    if encoder.bits:
        bits = builder.embed(encoder_netlist(encoder), builder.inputs())
        named += [("thermometer", f"{core}.{name}", bits) for name in ("encoder.y", "encoded")]
        register = "thermometer, its register"
        named += [(register, f"{core}.{name}", bits) for name in ("bits", "network.x")]
        stages, outputs = _stages(logic, rtl.cutting.compact, builder, bits)
        named += [(where, f"{core}.network.{name}", literals) for where, name, literals in stages]
    results = _results(rtl, network, builder, outputs, core, logic.digits)
    named += results
    if rtl.handshake == "axi-stream":
        ports = [literals for where, _, literals in results if where == "output"]
        filled = np.zeros(-(-sum(map(len, ports)) // 8) * 8, np.uint32)  # up to whole bytes
        filled[: sum(map(len, ports))] = np.concatenate(ports)
        for name in ("skid.s_data", "skid.data", "skid.spare", "skid.m_data", "m_axis_tdata"):
            named.append(("output", f"{rtl.top}.{name}", filled))
        named += [
            (where, name.replace(".core.", ".", 1), part)
            for where, name, part in results
            if where == "output"
        ]
    nets, place = [], 0
    for where, name, literals in named:
        nets.append(Net(where, name, slice(place, place + len(literals))))
        place += len(literals)
    everything = np.concatenate([literals for _, _, literals in named]).astype(np.uint32)
    return DesignNets(builder.finish(everything), tuple(nets))


def port_bits(rtl: Rtl, x: np.ndarray) -> np.ndarray:
    """Give what the port carries, bit by bit, bool[batch, width]."""
    codes = rtl.input.codes(x)
    fields = [
        codes[:, feature, None] >> np.arange(port.width, dtype=codes.dtype) & codes.dtype.type(1)
        for feature, port in enumerate(rtl.input.ports)
    ]
    return np.concatenate(fields, axis=1).astype(np.bool_)


def _stages(
    logic: Logic, compact: bool, builder: NetlistBuilder, bits: np.ndarray
) -> tuple[list[tuple[str, str, np.ndarray]], np.ndarray]:
    """Give the nets of the logic, and its outputs."""
    netlist, numbers = logic.encoder.netlist, logic.stage_of_node
    every = 2 * np.arange(netlist.first_node + netlist.n_nodes, dtype=np.uint32)
    whole = Netlist(netlist.n_inputs, netlist.kinds, netlist.fanins, every)
    literals = builder.embed(whole, bits)  # of each variable
    named = []
    outputs = netlist.outputs
    stages = zip(partition(netlist, numbers), logic.stages(compact), strict=True)
    for number, (part, stage) in enumerate(stages):
        where = f"logic, stage {number}"
        named.append((where, f"stage{number}.x", _of(literals, part.inputs)))
        for level in stage.levels:
            named.append((where, f"stage{number}.{level.name}", _of(literals, level.literals)))
        outputs = _of(literals, part.outputs)
        named.append((where, f"stage{number}.y", outputs))
        named.append((where, f"logic{number}", outputs))
        named.append((f"{where}, its register", f"held{number}", outputs))
    return named, outputs


def _of(literals: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Literals of the netlist's own literals, by those of its variables."""
    return literals[own >> 1] ^ (own & 1)


def _results(
    rtl: Rtl,
    network: Network,
    builder: NetlistBuilder,
    outputs: np.ndarray,
    core: str,
    digits: bool,
) -> list[tuple[str, str, np.ndarray]]:
    """Give the nets behind the logic."""
    if not network.groups:
        names = ("network.y", "results", "y")
        return [("output", f"{core}.{name}", outputs) for name in names]
    planes = list(outputs.reshape(network.groups, -1))
    if not digits and network.group_size > 1:
        count = popcount_netlist(network.group_size)
        planes = [builder.embed(count, group) for group in planes]
    counts = np.concatenate(planes)
    named = [("counts", f"{core}.{name}", counts) for name in ("network.y", "results")]
    named.append(("counts, their register", f"{core}.counts", counts))
    if rtl.scores:
        named.append(("output", f"{core}.scores", counts))
    if rtl.class_index:
        best = builder.embed(argmax_netlist(network.groups, len(planes[0])), counts)
        named.append(("class", f"{core}.argmax.x", counts))
        named += [("class", f"{core}.{name}", best) for name in ("argmax.index", "largest")]
        named.append(("output", f"{core}.class_index", best))
    if rtl.trigger:
        literal = at_least(builder, planes[rtl.trigger.group], rtl.trigger.at_least)
        named.append(("output", f"{core}.trigger", np.array([literal], np.uint32)))
    return named
