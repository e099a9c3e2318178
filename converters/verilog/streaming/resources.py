"""How large a streaming design will be, and folding factors that meet a target."""

from __future__ import annotations

from dataclasses import dataclass

from lgnx.converters.verilog.streaming.layers import Layer, live_inputs
from lgnx.converters.verilog.streaming.plan import Plan
from lgnx.converters.verilog.streaming.timing import sliced, timing
from lgnx.network import Network
from lgnx.ops.errors import InputError

__all__ = ["Resources", "choose", "estimate", "estimate_layers"]

# Fitted to what yosys's synth_xilinx makes: docs/streaming.md has both side by side.
LUTS_PER_GATE = 0.45
LUTS_PER_COUNTED_BIT = 0.8
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
    """Estimate the resources of a plan, the tail included."""
    layers, tail = estimate_layers(plan), _tail(plan.tail)
    return Resources(layers.luts + tail.luts, layers.registers + tail.registers, layers.memory_bits)


def estimate_layers(plan: Plan) -> Resources:
    """Estimate what stands before the tail.

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
    beat = sum(plan.stream["slots"][-1])
    registers += 2 * beat + len(live_inputs(plan.tail.netlist))  # the collector's
    luts += beat
    return Resources(round(luts), round(registers), round(memory))


def _tail(network: Network) -> Resources:
    """The network behind the layers: bits, gates, counts and the class, each in registers."""
    outputs, inputs = network.netlist.n_outputs, len(live_inputs(network.netlist))
    counts = network.groups * network.group_size.bit_length() if network.groups else outputs
    luts = max(LUTS_PER_GATE * network.netlist.n_nodes, outputs)
    if network.groups:
        luts += LUTS_PER_COUNTED_BIT * outputs + 2 * counts  # the class, and the slice behind it
    luts += counts
    return Resources(round(luts), inputs + outputs + 4 * counts, 0)


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
