"""Writing the folder of a streaming design."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lgnx.converters.verilog.folder import check_folder, write_folder
from lgnx.converters.verilog.interface import Interface
from lgnx.converters.verilog.names import check_name
from lgnx.converters.verilog.port_limits import check_port_widths
from lgnx.converters.verilog.render import Module
from lgnx.converters.verilog.streaming.layers import kernel_stages
from lgnx.converters.verilog.streaming.plan import Source, plan_stream
from lgnx.converters.verilog.streaming.render import StreamDesign
from lgnx.converters.verilog.streaming.resources import choose
from lgnx.converters.verilog.streaming.timing import timing
from lgnx.converters.verilog.write import (
    THRESHOLDS,
    describe_input,
    describe_thresholds,
    design_rtl,
)
from lgnx.metadata import INPUT_SCALING
from lgnx.ops.errors import InputError

__all__ = ["write_streaming"]

LEVELS = 4  # of logic between registers, by default

_OF_TAIL = {"top": "tail", "static": "static"}


def write_streaming(
    model: Any,
    out_dir: str | os.PathLike[str],
    *,
    input_format: Source | None = None,
    port_format: Source | None = None,
    positions_per_cycle: int = 1,
    channels_per_cycle: int | None = None,
    target_cycles: int | None = None,
    target_luts: int | None = None,
    stages_every: int = LEVELS,
    compact: bool = False,
    tree_every: int | None = None,
    reset: str = "none",
    language: str = "verilog",
    outputs: str | None = None,
    trigger: str | None = None,
    top: str = "lgnx_top",
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write a model as Verilog that takes an image as a stream of beats.

    Convolutions and poolings at the beginning of the model keep rows in line buffers and work
    position by position; what follows is one network on the map that they give. A model that
    begins with something else is collected as it comes, and is one network as a whole.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model.
    positions_per_cycle
        Pixels of a row that come in a beat; so many kernels work beside each other.
    channels_per_cycle
        Channels that come in a beat; by default all.
    target_cycles, target_luts
        In place of ``positions_per_cycle``: the fewest that take at most so many clocks from image
        to image, or the most that are estimated to need at most so many look-up tables.
    stages_every
        Levels of logic between registers, in kernels and in the tail.
    compact
        Of the tail, see `lgnx.converters.verilog.write.write_rtl`.
    out_dir, input_format, port_format, tree_every, reset, language, outputs, trigger, top, progress
        See there.

    Returns
    -------
    dict
        The sidecar, as written to ``lgnx.json``.

    Raises
    ------
    ModelError
        If the model is not valid, or has something that is no logic network.
    InputError
        If a format or a choice does not fit, a target cannot be met, or the folder cannot be
        written.
    MissingExtraError
        If jinja2 is not installed.
    """
    out = Path(out_dir)
    check_name(top)
    if stages_every < 1:
        raise InputError(f"levels between registers: {stages_every}, must be at least 1")
    interface = Interface("axi-stream", reset, language)
    check_folder(out)
    say = progress or (lambda step: None)
    say("layers")
    plan = plan_stream(
        model,
        input_format=input_format,
        port_format=port_format,
        positions_per_cycle=positions_per_cycle,
        channels_per_cycle=channels_per_cycle,
    )
    if target_cycles is not None or target_luts is not None:
        if positions_per_cycle != 1:
            raise InputError("positions per cycle and a target: give one of them")
        plan = choose(plan, stages_every, target_cycles, target_luts)
    raw = not plan.layers
    sources, others, tail = design_rtl(
        plan.tail,
        input_format=input_format if raw else None,
        port_format=port_format if raw else None,
        stages_every=stages_every,
        compact=compact,
        tree_every=tree_every,
        handshake="axi-stream",
        reset=reset,
        language=language,
        outputs=outputs,
        trigger=trigger,
        top=f"{top}_tail",
        inside=True,
        progress=say,
    )
    width = sum(_port_width(port) for port in tail["outputs"])
    design = StreamDesign(plan, stages_every, interface, -(-width // 8) * 8, top)
    check_port_widths(
        [("s_axis_tdata", plan.stream["tdata_width"]), ("m_axis_tdata", design.outputs_width)]
    )
    say("Verilog")
    sources |= design.render()
    sidecar = _sidecar(design, tail)
    if plan.pixel is not None and plan.encoder is not None and plan.pixel.thresholds is not None:
        report = describe_thresholds(plan.pixel, plan.encoder)
        others = {THRESHOLDS: json.dumps(report, indent=1) + "\n"}
    write_folder(out, sources, others, sidecar)
    return sidecar


def _port_width(port: dict[str, Any]) -> int:
    if "groups" in port:
        return int(port["groups"] * port["width"])
    return int(port.get("bits", port.get("width", 1)))


def _sidecar(design: StreamDesign, tail: dict[str, Any]) -> dict[str, Any]:
    plan = design.plan
    clocks = timing(plan, design.every)
    collected = design.collected
    scaling = plan.network.metadata.get(INPUT_SCALING)
    kernels = [layer.kernels.netlist for layer in plan.layers]
    gates = sum(n.n_nodes for n in kernels if n is not None)
    thresholds = tail["thresholds"]
    if plan.encoder is not None:
        decisions = [d for row in plan.encoder.decisions for d in row]
        thresholds = {
            "given": len(decisions),
            "comparators": sum(threshold is not None for _, threshold in plan.encoder.bits),
            "constant": sum(isinstance(d, bool) for d in decisions),
        }
    return {
        **{key: tail[key] for key in ("format", "version", "lgnx")},
        "top": design.top,
        "language": tail["language"],
        "style": "streaming",
        "handshake": "axi-stream",
        "clock": "clk",
        "reset": tail["reset"],
        "latency": clocks.latency + tail["latency"],
        "initiation_interval": clocks.interval,
        "input": describe_input(plan.network, plan.forms, plan.ports)
        | {"scaling": json.loads(scaling) if scaling else None, "stream": plan.stream},
        "scoring": tail["scoring"],
        "outputs": tail["outputs"],
        "modules": [
            *(_module(module, design.interface.suffix) for module in design.modules),
            *(
                module | {"role": _OF_TAIL.get(module["role"], module["role"])}
                for module in tail["modules"]
            ),
        ],
        "gates": gates + tail["gates"],
        "levels": tail["levels"],
        "levels_per_stage": design.every,
        "stages": tail["stages"],
        "thresholds": thresholds,
        "netlist_sha256": plan.digest(),
        "source": plan.network.metadata,
        "warnings": [*plan.warnings, *tail["warnings"]],
        "streaming": {
            "mode": "layers" if plan.layers else "collect",
            "layers": [_layer(design, number) for number in range(len(plan.layers))],
            "collector": {
                "module": f"{design.top}_collector",
                "bits": collected.kept,
                "beats": collected.beats,
            },
            "tail": tail,
        },
    }


def _module(module: Module, suffix: str) -> dict[str, Any]:
    told = asdict(module)
    return {"name": told["name"], "file": told["name"] + suffix} | told


def _layer(design: StreamDesign, number: int) -> dict[str, Any]:
    layer = design.plan.layers[number]
    part, geometry, name = layer.kernels, layer.geometry, f"{design.top}_layer{number}"
    node, netlist = part.node, part.netlist
    registers = 0
    if netlist is not None:
        registers = max(0, len(kernel_stages(layer, design.every)) - 1)
    return {
        "op": node.op,
        "node": node.name,
        "module": name,
        "window": f"{name}_window",
        "kernels": None if netlist is None else f"{name}_kernels",
        "kernel_registers": registers,
        "kept_in": list(part.kept_in),
        "kept_out": list(part.kept_out),
        "channels_in": len(part.kept_in),
        "height_in": geometry.rows.size,
        "width_in": geometry.columns.size,
        "positions_in": layer.positions_in,
        "positions_window": layer.positions,
        "channels_out": len(part.kept_out),
        "height_out": geometry.rows.out,
        "width_out": geometry.columns.out,
        "positions_out": layer.positions_out,
        "kernel_shape": list(node.kernel_shape),
        "strides": list(node.strides),
        "pads": list(node.pads),
        "dilations": list(node.dilations),
        "columns": geometry.columns.span,
        "steps": geometry.steps,
        "gates": 0 if netlist is None else netlist.n_nodes,
        "levels": 0 if netlist is None else netlist.depth,
    }
