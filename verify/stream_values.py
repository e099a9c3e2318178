"""The values between the modules of a streaming design: where they are, and what they must be.

The nets that carry data from module to module, in beats; and, from the model, the netlists from the
values on one of them to those on the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.streaming import Plan
from lgnx.converters.verilog.streaming.layers import live_inputs
from lgnx.converters.verilog.streaming.prefix import StreamedNode
from lgnx.netlist.arithmetic import any_of
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.netlist.trees import build_trees
from lgnx.netlist.windows import leaf_sources, window_sources
from lgnx.verify import rtl_reference as reference
from lgnx.verify.rtl import Rtl

__all__ = ["Crossing", "crossings", "node_netlist", "pixels_netlist"]


@dataclass(frozen=True)
class Crossing:
    """A net of the top module over which the values of an image go.

    Attributes
    ----------
    net
        Its name.
    valid, ready
        Nets that are both 1 in the clock in which a beat crosses.
    source
        What gives the values, for messages.
    wanted
        From the values of the crossing before it to all values that the model has here; from the
        bits of the port, feature by feature, for the first one. None where they are the same.
    shape
        Of these values: of a map, or their number where they are the bits of the port.
    beats
        Which of these values each bit of each beat must have, int64 [beats, width]; -1 where it
        does not matter.
    """

    net: str
    valid: str
    ready: str
    source: str
    wanted: Netlist | None
    shape: tuple[int, ...]
    beats: np.ndarray


def crossings(rtl: Rtl, plan: Plan) -> list[Crossing]:
    """List the nets that the values of an image cross between the port and the tail."""
    if not plan.layers:
        bits = sum(port.width for port in plan.ports)
        return [_collected(plan, (bits,), np.arange(bits))]
    result = []
    for number, layer in enumerate(plan.layers):
        node, name = layer.kernels.node, f"layer{number}"
        wanted = node_netlist(node)
        if number == 0:
            wanted = _on(pixels_netlist(rtl, plan), wanted)
        axes = layer.geometry
        channels = node.shape[0] if node.tables is None else len(node.tables)
        shape = (channels, axes.rows.out, axes.columns.out)
        result.append(
            Crossing(
                f"{name}_data",
                f"{name}_valid",
                f"{name}_ready",
                f"{node.op} {node.name!r}",
                wanted,
                shape,
                _beats(shape, layer.kernels.kept_out, layer.positions_out),
            )
        )
    channels, height, width = plan.map_shape
    # The tail reads the map pixel by pixel.
    order = np.arange(channels * height * width).reshape(plan.map_shape).transpose(1, 2, 0).ravel()
    return [*result, _collected(plan, plan.map_shape, order)]


def _collected(plan: Plan, shape: tuple[int, ...], values: np.ndarray) -> Crossing:
    """What the tail takes, all at once; of its bits, those count that it reads."""
    beats = np.full(len(values), -1, np.int64)
    read = live_inputs(plan.tail.netlist)
    if not plan.layers:
        thresholds = plan.tail.thresholds
        features = np.unique(read // (1 if thresholds is None else thresholds.shape[1]))
        ends = np.cumsum([0, *(port.width for port in plan.ports)])
        spans = [np.arange(ends[f], ends[f + 1]) for f in features.tolist()]
        read = np.concatenate([*spans, np.zeros(0, np.int64)])
    beats[read] = values[read]
    return Crossing("map_data", "map_valid", "map_ready", "the collector", None, shape, beats[None])


def _on(first: Netlist, second: Netlist) -> Netlist:
    """A netlist on what another gives."""
    builder, bits = NetlistBuilder.from_netlist(first)
    return builder.finish(builder.embed(second, bits))


def _beats(shape: tuple[int, int, int], kept: tuple[int, ...], positions: int) -> np.ndarray:
    """Values in each beat, where some channels of a map come, so many pixels at a time."""
    channels, height, width = shape
    groups = -(-width // positions)
    values = np.arange(channels * height * width).reshape(shape)[list(kept)]
    padded = np.pad(values, [(0, 0), (0, 0), (0, groups * positions - width)], constant_values=-1)
    return padded.transpose(1, 2, 0).reshape(height * groups, positions * len(kept))


def pixels_netlist(rtl: Rtl, plan: Plan) -> Netlist:
    """From the bits of the port, feature by feature, to those that the first layer reads."""
    front = plan.network
    encoder = reference.encoder_of(rtl, front)
    builder = NetlistBuilder(encoder.offsets[-1])
    bits = np.zeros(len(encoder.bits), np.uint32)
    if encoder.bits:
        bits = builder.embed(reference.encoder_netlist(encoder), builder.inputs())
    # The network before the layers gives the complements of what they read.
    return builder.finish(
        builder.not_(builder.embed(reference.model_netlist(front, encoder), bits))
    )


def node_netlist(node: StreamedNode) -> Netlist:
    """A LogicConv or OrPool as its operator defines it, from a map [C, H, W] to a map."""
    channels, *extents = node.shape
    builder = NetlistBuilder(int(np.prod(node.shape)))
    sources = window_sources(
        channels, extents, node.kernel_shape, node.strides, node.pads, node.dilations
    )
    # Padding is the literal behind the last one: 0.
    literals = np.append(builder.inputs(), np.uint32(0))
    if node.tables is None:
        windows = literals[sources.reshape(channels, -1, *sources.shape[3:])]
        return builder.finish(any_of(builder, np.moveaxis(windows, 1, 0)))
    assert node.indices is not None
    kernels, leaves = node.indices.shape
    bits = literals[leaf_sources(node.indices, sources)].reshape(kernels, leaves, -1)
    return builder.finish(build_trees(builder, bits, node.tables, node.depth))
