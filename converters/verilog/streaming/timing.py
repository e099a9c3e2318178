"""Clocks that a plan takes, and where registers break its handshakes."""

from __future__ import annotations

from collections.abc import Sequence

from lgnx.converters.verilog.streaming.layers import Layer, kernel_stages
from lgnx.converters.verilog.streaming.plan import Plan
from lgnx.converters.verilog.streaming.schedule import (
    Fold,
    Part,
    Pipe,
    Slice,
    Split,
    Timing,
    Window,
    run_schedule,
)

__all__ = ["sliced", "timing"]


def timing(plan: Plan, every: int) -> Timing:
    """Run the handshakes of a design up to its collector."""
    parts: list[Part] = [Slice()]
    stream = plan.stream
    beats = stream["beats"]
    if plan.layers and stream["beats_per_pixel_group"] > 1:
        parts.append(Fold(stream["beats_per_pixel_group"]))
    for number, layer in enumerate(plan.layers):
        if layer.positions < layer.positions_in:
            width = layer.kernels.node.shape[2]
            whole, row = -(-width // layer.positions), layer.positions_in // layer.positions
            parts.append(Split([min(row, whole - i) for i in range(0, whole, row)]))
        parts.append(Window(layer.geometry))
        if layer.kernels.netlist is not None:
            registers = max(0, len(kernel_stages(layer, every)) - 1)
            parts += [Pipe(registers)] if registers else []
        if sliced(plan.layers, number):
            parts.append(Slice())
        beats = layer.geometry.columns.groups * layer.geometry.rows.groups
    return run_schedule(parts, beats)


def sliced(layers: Sequence[Layer], number: int) -> bool:
    """Tell whether registers in both directions stand behind a layer.

    They do where a beat goes on to another layer, apart from a pooling that takes what kernels
    give.
    """
    if number == len(layers) - 1:
        return False
    here, behind = layers[number].kernels.node.op, layers[number + 1].kernels.node.op
    return not (here == "LogicConv" and behind == "OrPool")
