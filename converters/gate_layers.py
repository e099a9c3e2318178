"""A netlist as layers of gates of two inputs, each reading the layer before it only."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["gate_layers"]

_AND, _XOR = 0x8, 0x6
_BUFFER, _NOT = 0xA, 0x5


def gate_layers(netlist: Netlist) -> list[tuple[np.ndarray, np.ndarray]]:
    """Put the gates of a netlist into layers.

    A value that is read later than one layer on is handed on by gates that repeat it. Of the
    earliest and the latest layer that each gate can stand in, all take the one that needs fewer of
    those. Gates that no output needs are left out.

    Returns
    -------
    list
        For each layer indices int64 [N, 2] into the layer before, the netlist's inputs at first,
        and tables uint8 [N, 1]. The gates of the last layer are the outputs, in order.
    """
    needed = _needed(netlist)
    earliest = np.zeros(len(needed), np.int64)
    earliest[netlist.first_node :] = netlist.levels()
    drivers = netlist.outputs >> 1
    depth = max(1, int(earliest[drivers].max(initial=0)))
    latest = _latest(netlist, needed, earliest, depth)
    choices = [(levels, _last_use(netlist, needed, levels, depth)) for levels in (earliest, latest)]
    levels, last = min(choices, key=lambda choice: int((choice[1] - choice[0]).clip(0).sum()))
    inner, tables = _gates(netlist)
    nodes = np.flatnonzero(needed[netlist.first_node :]) + netlist.first_node
    nodes = nodes[np.argsort(levels[nodes], kind="stable")]
    starts = np.searchsorted(levels[nodes], np.arange(depth + 2))
    place = np.arange(len(needed)) - 1  # of the inputs in layer 0
    place[0] = 0
    alive = np.arange(1, netlist.first_node)
    layers = []
    for level in range(1, depth):
        own = nodes[starts[level] : starts[level + 1]] - netlist.first_node
        alive = alive[last[alive] >= level]
        indices = np.concatenate([place[inner[own]], np.stack([place[alive]] * 2, 1)])
        passed = np.full(len(alive), _BUFFER, np.uint8)
        layers.append((indices, np.concatenate([tables[own], passed])[:, None]))
        alive = np.concatenate([own + netlist.first_node, alive])
        place[alive] = np.arange(len(alive))
    complement = (netlist.outputs & 1).astype(bool)
    at_end = levels[drivers] == depth
    ends = np.where(at_end, drivers, netlist.first_node) - netlist.first_node
    rows = inner[ends] if len(inner) else np.zeros((len(drivers), 2), np.int64)
    own_tables = tables[ends] if len(tables) else np.zeros(len(drivers), np.uint8)
    handed = np.where(drivers == 0, 0x0, _BUFFER).astype(np.uint8)
    sources = np.where(at_end[:, None], rows, drivers[:, None])
    final = np.where(at_end, own_tables, handed) ^ np.where(complement, 0xF, 0x0).astype(np.uint8)
    return [*layers, (place[sources], final[:, None])]


def _needed(netlist: Netlist) -> np.ndarray:
    """Whether each variable is needed by an output."""
    needed = np.zeros(netlist.first_node + netlist.n_nodes, bool)
    needed[netlist.outputs >> 1] = True
    wires = netlist.fanins >> 1
    for members in _by_level(netlist)[::-1]:
        used = members[needed[members + netlist.first_node]]
        needed[wires[used].ravel()] = True
    return needed


def _by_level(netlist: Netlist) -> list[np.ndarray]:
    """Numbers of the nodes of each level."""
    levels = netlist.levels()
    order = np.argsort(levels, kind="stable")
    bounds = np.searchsorted(levels[order], np.arange(1, int(levels.max(initial=0)) + 2))
    return np.split(order, bounds[1:-1]) if netlist.n_nodes else []


def _latest(netlist: Netlist, needed: np.ndarray, earliest: np.ndarray, depth: int) -> np.ndarray:
    """The last layer that each node can stand in; 0 for the inputs."""
    latest = np.full(len(needed), depth, np.int64)
    drivers = netlist.outputs >> 1
    # Only what reaches the last layer at the earliest is a gate there: others may be outputs of
    # several kinds, and would be there twice.
    handed = drivers[earliest[drivers] < depth]
    latest[handed] = depth - 1
    wires = (netlist.fanins >> 1).astype(np.int64)
    for members in _by_level(netlist)[::-1]:
        used = members[needed[members + netlist.first_node]]
        limits = latest[used + netlist.first_node] - 1
        for slot in (0, 1):
            np.minimum.at(latest, wires[used, slot], limits)
    latest[: netlist.first_node] = 0
    return latest


def _last_use(netlist: Netlist, needed: np.ndarray, levels: np.ndarray, depth: int) -> np.ndarray:
    """The last layer in which each variable must be there, to be read by the next."""
    last = levels.copy()
    wires = (netlist.fanins >> 1).astype(np.int64)
    used = np.flatnonzero(needed[netlist.first_node :])
    for slot in (0, 1):
        np.maximum.at(last, wires[used, slot], levels[used + netlist.first_node] - 1)
    drivers = netlist.outputs >> 1
    handed = drivers[levels[drivers] < depth]
    last[handed] = np.maximum(last[handed], depth - 1)
    last[0] = 0
    return last


def _gates(netlist: Netlist) -> tuple[np.ndarray, np.ndarray]:
    """Variables int64 [n_nodes, 2] that the nodes read, and their tables uint8 [n_nodes]."""
    wires = (netlist.fanins >> 1).astype(np.int64)
    flips = (netlist.fanins & 1).astype(bool)
    address = np.arange(4)
    slots = np.stack([address & 1, address >> 1], 1).astype(bool)  # [4, 2]
    # A constant fan-in is false, whatever the slot reads in its place.
    values = (slots & (wires != 0)[:, None]) ^ flips[:, None]  # [n, 4, 2]
    xor = (netlist.kinds == XOR_KIND)[:, None]
    outputs = np.where(xor, values[..., 0] ^ values[..., 1], values[..., 0] & values[..., 1])
    tables = np.packbits(outputs, axis=1, bitorder="little")[:, 0]
    other = wires[:, ::-1]
    return np.where(wires == 0, other, wires), tables.astype(np.uint8)
