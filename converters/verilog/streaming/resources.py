"""How large a streaming design will be, and folding factors that meet a target."""

from __future__ import annotations

from dataclasses import dataclass

from lgnx.converters.verilog.streaming.layers import Layer, live_inputs
from lgnx.converters.verilog.streaming.plan import Plan
from lgnx.converters.verilog.streaming.timing import sliced, timing
from lgnx.ops.errors import InputError

__all__ = ["Resources", "choose", "estimate"]

# Fitted to what yosys's synth_xilinx makes: docs/streaming.md has both side by side.
LUTS_PER_GATE = 0.45
LUTS_PER_COUNTED_BIT = 1.0
CONTROL_LUTS = 24
CONTROL_REGISTERS = 16


@dataclass(frozen=True)
class Resources:
    """An estimate of what a design takes.

    Attributes
    ----------
    luts
        Look-up tables of six inputs, without those that serve as memory.
    registers
        Flip-flops.
    memory_bits
        Bits of line buffers.
    """

    luts: int
    registers: int
    memory_bits: int


def estimate(plan: Plan) -> Resources:
    """Estimate the resources of a plan, the tail included.

    Registers of windows and the copies of the kernels grow with the windows and with the positions
    per cycle; line buffers with the width of the image; none with its height. The map that the
    tail reads is kept in registers.
    """
    luts = registers = memory = 0.0
    for number, layer in enumerate(plan.layers):
        geometry, channels = layer.geometry, len(layer.kernels.kept_in)
        columns = geometry.columns
        bits = columns.parallel * channels
        out = columns.windows * len(layer.kernels.kept_out)
        height = 1 if layer.kernels.netlist is None else geometry.rows.kernel
        registers += (columns.older + columns.parallel) * height * channels + CONTROL_REGISTERS
        registers += geometry.stored_rows * bits  # behind the memories
        memory += geometry.stored_rows * bits * columns.beats if columns.beats > 1 else 0
        luts += CONTROL_LUTS + _kernel_luts(layer) + len(geometry.masked_taps) * bits
        if sliced(plan.layers, number):
            luts, registers = luts + out, registers + 2 * out
    size = 2 * (plan.stream["slots"][-1][0] + plan.stream["slots"][-1][1])
    registers += size + len(live_inputs(plan.tail.netlist))
    luts += size / 2 + LUTS_PER_GATE * plan.tail.netlist.n_nodes
    if plan.tail.groups:
        counted = plan.tail.netlist.n_outputs
        luts += LUTS_PER_COUNTED_BIT * counted
    return Resources(round(luts), round(registers), round(memory))


def _kernel_luts(layer: Layer) -> float:
    windows = layer.geometry.columns.windows
    if layer.kernels.netlist is not None:
        return LUTS_PER_GATE * windows * layer.kernels.netlist.n_nodes
    rows = layer.geometry.rows.kernel > 1
    columns = layer.geometry.columns.kernel > 1
    channels = len(layer.kernels.kept_out)
    return channels * (layer.positions * rows + windows * columns)


def choose(plan: Plan, every: int, cycles: int | None, luts: int | None) -> Plan:
    """Give the plan the positions per cycle that meet a target.

    Parameters
    ----------
    every
        Levels of logic between registers.
    cycles
        Clocks from image to image, at most: the fewest positions that do.
    luts
        Look-up tables, at most, as `estimate` has them: without ``cycles``, the most positions
        that do.

    Raises
    ------
    InputError
        If no number of positions does; the message says what the nearest one has.
    """
    for what, target in (("target cycles", cycles), ("target LUTs", luts)):
        if target is not None and target < 1:
            raise InputError(f"{what}: {target}, must be at least 1")
    width = plan.stream["width"]
    channels = plan.stream["channels_per_beat"]
    # Of the numbers of positions that make rows of as many beats, the smallest.
    numbers = sorted({-(-width // beats) for beats in range(1, width + 1)})
    plans = [plan.with_positions(positions, channels) for positions in numbers]
    sizes = [estimate(candidate).luts for candidate in plans]
    fitting = [p for p, size in zip(plans, sizes, strict=True) if luts is None or size <= luts]
    if not fitting:
        raise InputError(
            f"target LUTs: {luts:,}, but the smallest design is estimated to need {min(sizes):,}"
        )
    fastest = fitting[-1]
    if cycles is None:
        return fastest
    for candidate in fitting:
        if timing(candidate, every).interval <= cycles:
            return candidate
    found = timing(fastest, every).interval
    within = f" within {luts:,} LUTs" if luts is not None else ""
    raise InputError(
        f"target cycles: {cycles:,}, but the fastest design{within} takes an image every "
        f"{found:,} clocks, with {fastest.stream['positions_per_beat']} positions per cycle"
    )
