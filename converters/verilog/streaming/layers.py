"""Streamed layers: geometry, and the netlist of the kernels at one position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.stages import Stage, cut, stages_by_level
from lgnx.converters.verilog.streaming.geometry import Axis, Geometry
from lgnx.converters.verilog.streaming.prefix import StreamedNode
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.netlist.trees import build_trees
from lgnx.ops import engine

__all__ = [
    "Kernels",
    "Layer",
    "compact_kernels",
    "kernel_stages",
    "layer_kernels",
    "live_inputs",
    "place_layers",
]


@dataclass(frozen=True)
class Kernels:
    """A streamed node with what is left of it where channels that nothing reads are gone.

    Attributes
    ----------
    node
        The node.
    kept_in, kept_out
        Channels that are streamed to it and from it.
    netlist
        Of a LogicConv: from the bits of one window, bit (column * rows + row tap) *
        len(kept_in) + i, with columns that the dilation leaves out, to the channels kept_out.
    """

    node: StreamedNode
    kept_in: tuple[int, ...]
    kept_out: tuple[int, ...]
    netlist: Netlist | None


@dataclass(frozen=True)
class Layer:
    """Kernels in their place of a stream.

    Attributes
    ----------
    positions_in
        Pixels in a beat that arrives.
    geometry
        Its horizontal axis takes as many at a time as strides allow, perhaps fewer.
    """

    kernels: Kernels
    positions_in: int
    geometry: Geometry

    @property
    def positions(self) -> int:
        """Pixels that the windows take at a time."""
        return self.geometry.columns.parallel

    @property
    def positions_out(self) -> int:
        """Pixels in a beat that leaves."""
        return self.geometry.columns.windows


def layer_kernels(nodes: Sequence[StreamedNode], kept: Sequence[int]) -> list[Kernels]:
    """Make the netlists of all layers, from the last one, of which ``kept`` channels are read."""
    result: list[Kernels] = []
    out = tuple(kept)
    for node in reversed(nodes):
        if node.op == "OrPool":
            result.append(Kernels(node, out, out, None))
            continue
        whole = _netlist(node, out)
        read = live_inputs(whole)
        channels = node.shape[0]
        used = np.unique(read % channels) if len(read) else np.zeros(1, np.int64)
        result.append(Kernels(node, tuple(used.tolist()), out, _renumbered(whole, channels, used)))
        out = tuple(used.tolist())
    return result[::-1]


def _netlist(node: StreamedNode, out: Sequence[int]) -> Netlist:
    """Kernels over all channels of a window, simplified."""
    assert node.indices is not None
    assert node.tables is not None
    channels = node.shape[0]
    (rows, columns), gap = node.kernel_shape, node.dilations[1]
    span = (columns - 1) * gap + 1
    chosen = np.asarray(out, np.int64)
    channel, row, column = np.unravel_index(
        node.indices[chosen].astype(np.int64), (channels, rows, columns)
    )
    builder = NetlistBuilder(span * rows * channels)
    places = (column * gap * rows + row) * channels + channel
    leaves = builder.inputs()[places]
    roots = build_trees(builder, leaves[:, :, None], node.tables[chosen], node.depth)
    netlist = builder.finish(roots)
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs)
    return Netlist(netlist.n_inputs, *parts)


def _renumbered(netlist: Netlist, channels: int, used: np.ndarray) -> Netlist:
    """The netlist over windows of fewer channels."""
    places = netlist.n_inputs // channels
    variables = np.zeros(netlist.first_node + netlist.n_nodes, np.uint32)
    inside = np.zeros((places, channels), np.uint32)
    inside[:, used] = 1 + np.arange(places * len(used)).reshape(places, len(used))
    variables[1 : netlist.first_node] = inside.ravel()
    n = places * len(used)
    variables[netlist.first_node :] = n + 1 + np.arange(netlist.n_nodes)
    return Netlist(
        n,
        netlist.kinds,
        2 * variables[netlist.fanins >> 1] + (netlist.fanins & 1),
        2 * variables[netlist.outputs >> 1] + (netlist.outputs & 1),
    )


def place_layers(kernels: Sequence[Kernels], positions: int) -> list[Layer]:
    """Give each layer its geometry, where so many pixels of the image come at a time."""
    layers = []
    for part in kernels:
        node = part.node
        _, height, width = node.shape
        top, left, bottom, right = node.pads
        fitting = _fitting(positions, node.strides[1])
        rows = Axis(height, node.kernel_shape[0], node.strides[0], top, bottom, node.dilations[0])
        columns = Axis(
            *(width, node.kernel_shape[1], node.strides[1], left, right, node.dilations[1]),
            parallel=fitting,
        )
        layers.append(Layer(part, positions, Geometry(rows, columns)))
        positions = columns.windows
    return layers


def _fitting(positions: int, stride: int) -> int:
    """Largest part of a beat that the stride divides, or that divides the stride."""
    parts = (n for n in range(positions, 0, -1) if positions % n == 0)
    return next(n for n in parts if n % stride == 0 or stride % n == 0)


def compact_kernels(layer: Layer) -> Netlist:
    """A layer's kernels on the bits of the window that matter."""
    netlist = layer.kernels.netlist
    assert netlist is not None
    return netlist.over_inputs(live_inputs(netlist))


def kernel_stages(layer: Layer, every: int) -> list[Stage]:
    """Stages of the logic of a layer's kernels; none where no bit of the window matters."""
    compact = compact_kernels(layer)
    if not compact.n_inputs:
        return []
    return cut(compact, stages_by_level(compact, every))


def live_inputs(netlist: Netlist) -> np.ndarray:
    """Numbers of the inputs that something reads, int64."""
    return np.flatnonzero(netlist.fan_outs()[1 : netlist.first_node])
