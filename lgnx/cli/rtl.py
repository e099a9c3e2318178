"""``lgnx rtl``: Verilog of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lgnx.cli import common
from lgnx.cli.project import ProjectOptions, write_projects

EXAMPLES = (
    "lgnx rtl model.onnx -o rtl/",
    'lgnx rtl model.onnx -o rtl/ --input-format "ufixed<5,1>" --pipeline 3',
    "lgnx rtl model.onnx -o rtl/ --input-format inputs.yaml --pipeline 2 --handshake axi-stream",
    "lgnx rtl model.onnx -o rtl/ --pipeline 2 --project vivado --project testbench",
    "lgnx rtl model.onnx -o rtl/ --input-format uint8 --lut-levels 2",
    'lgnx rtl model.onnx -o rtl/ --outputs trigger --trigger "anomaly >= 0.8"',
    "lgnx rtl model.onnx -o rtl/ --input-format uint8 --streaming --target-cycles 600",
)


def command(
    model: common.ModelPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
    input_format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="Fixed point of the samples: ufixed<5,1>, uint8; or a YAML or JSON file.",
        ),
    ] = "",
    port_format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT", help="Narrower port, if every decision survives: ufixed<3,1>."
        ),
    ] = "",
    pipeline: Annotated[
        int | None,
        typer.Option(metavar="N", help="A register after every N levels of gates.", min=1),
    ] = None,
    lut_levels: Annotated[
        int | None,
        typer.Option(metavar="N", help="At most N levels of look-up tables between registers."),
    ] = None,
    lut_inputs: Annotated[
        int | None,
        typer.Option("-K", "--lut-inputs", metavar="K", help="Of such a table: 4 to 6. [6]"),
    ] = None,
    compact: Annotated[
        bool,
        typer.Option(
            "--compact", help="Gates as numbers in rows of text: about a fifth of the Verilog."
        ),
    ] = False,
    pipeline_trees: Annotated[
        int | None,
        typer.Option(metavar="N", help="Registers in popcounts and argmax, too.", min=1),
    ] = None,
    handshake: Annotated[
        str, typer.Option(help="none, valid or axi-stream. [pipelined: valid]")
    ] = "",
    reset: Annotated[
        str, typer.Option(help="Of valid bits: none, sync, async, sync-low, async-low.")
    ] = "none",
    language: Annotated[str, typer.Option(help="verilog (2001) or systemverilog.")] = "verilog",
    outputs: Annotated[
        str, typer.Option(help="Some of scores,class,trigger. [all there are]")
    ] = "",
    trigger: Annotated[
        str, typer.Option(metavar="TEXT", help="Output bit: GROUP >= SCORE, or >.")
    ] = "",
    top: Annotated[str, typer.Option(help="Name of the top module.")] = "lgnx_top",
    streaming: Annotated[
        bool,
        typer.Option("--streaming", help="Images as beats; windows slide over line buffers."),
    ] = False,
    positions_per_cycle: Annotated[
        int | None, typer.Option(metavar="N", help="Streaming: pixels of a row in a beat. [1]")
    ] = None,
    channels_per_cycle: Annotated[
        int | None, typer.Option(metavar="N", help="Streaming: channels in a beat. [all]")
    ] = None,
    target_cycles: Annotated[
        int | None, typer.Option(metavar="N", help="Streaming: at most N clocks an image.")
    ] = None,
    target_luts: Annotated[
        int | None, typer.Option(metavar="N", help="Streaming: fastest of about N LUTs.")
    ] = None,
    max_gates: Annotated[
        int | None,
        typer.Option(metavar="N", help="Refuse more, convolutions unrolled. [1000000]"),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Project files, too; lgnx project lists the kinds."),
    ] = None,
    option: ProjectOptions = None,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Write a model as Verilog.

    Thermometers, gates, counts, scores and argmax, and a sidecar that describes the ports.
    Every threshold decision must be exact in the input format; else the error names the width
    that would do.
    """
    from lgnx.files import load_model

    folding = {
        "positions_per_cycle": positions_per_cycle,
        "channels_per_cycle": channels_per_cycle,
        "target_cycles": target_cycles,
        "target_luts": target_luts,
    }
    _check_style(streaming, handshake, max_gates, folding)
    _check_cutting(streaming, pipeline, lut_levels, lut_inputs)
    options = common.pairs("--option", option)
    if project or options:
        from lgnx.converters.projects import wanted_options

        wanted_options(project or (), options)
    load_model(model)  # says what is wrong with a file before anything else is looked for
    choices: dict[str, Any] = {
        "input_format": input_format or None,
        "port_format": port_format or None,
        "compact": compact,
        "tree_every": pipeline_trees,
        "reset": reset,
        "language": language,
        "outputs": outputs or None,
        "trigger": trigger or None,
        "top": top,
    }
    with common.working(f"writing {output}") as say:
        choices["progress"] = say
        if streaming:
            from lgnx.converters.verilog.streaming import write_streaming

            given = folding | {"stages_every": pipeline}
            choices |= {key: value for key, value in given.items() if value is not None}
            sidecar = write_streaming(model, output, **choices)
        else:
            from lgnx.converters.verilog import write_rtl
            from lgnx.converters.verilog.limits import MAX_GATES, check_unrolled
            from lgnx.network import Network

            say("network")
            check_unrolled(model, MAX_GATES if max_gates is None else max_gates)
            sidecar = write_rtl(
                Network.from_model(model),
                output,
                stages_every=pipeline,
                lut_levels=lut_levels,
                lut_inputs=6 if lut_inputs is None else lut_inputs,
                handshake=handshake or None,
                **choices,
            )
        if project:
            write_projects(output, project, options, model=model, progress=say)
    if json:
        common.print_json(sidecar)
        return
    screen = common.console()
    table = common.plain_table("", "")
    table.columns[0].style = "bold"
    for key, value in _summary(sidecar).items():
        table.add_row(key, escape(value))
    screen.print(table)
    for warning in sidecar["warnings"]:
        screen.print(f"[yellow]warning[/yellow]: {escape(warning)}")
    print(output)


def _check_style(
    streaming: bool, handshake: str, max_gates: int | None, folding: dict[str, int | None]
) -> None:
    """Refuse options that belong to the other style of design."""
    from lgnx.ops.errors import InputError

    given = [f"--{key.replace('_', '-')}" for key, value in folding.items() if value is not None]
    if not streaming and given:
        raise InputError(f"{given[0]}: only with --streaming")
    if streaming and handshake not in ("", "axi-stream"):
        raise InputError(f"--handshake {handshake}: a streaming design has axi-stream")
    if streaming and max_gates is not None:
        raise InputError("--max-gates: not with --streaming, which unrolls no convolution")


def _check_cutting(
    streaming: bool, pipeline: int | None, lut_levels: int | None, lut_inputs: int | None
) -> None:
    """Refuse two ways to place registers."""
    from lgnx.ops.errors import InputError

    if lut_levels is not None and pipeline is not None:
        raise InputError("--pipeline and --lut-levels both place the registers: give one of them")
    if lut_levels is not None and streaming:
        raise InputError("--lut-levels: not with --streaming, which takes --pipeline")
    if lut_inputs is not None and lut_levels is None:
        raise InputError("--lut-inputs: only with --lut-levels")


def _summary(sidecar: dict[str, Any]) -> dict[str, str]:
    port = sidecar["input"]
    style = sidecar["style"]
    if style == "pipelined":
        style += f", a result {sidecar['latency']} clocks after its sample, one every clock"
        style += f"; handshake: {sidecar['handshake']}"
    if style == "streaming":
        stream, layers = port["stream"], sidecar["streaming"]["layers"]
        style += (
            f", {len(layers)} layers; an image is {stream['beats']} beats of "
            f"{stream['tdata_width']} bits\n"
            f"an image every {sidecar['initiation_interval']} clocks, "
            f"its result {sidecar['latency']} clocks after its first beat"
        )
    formats = port["format"] if isinstance(port["format"], list) else [port["format"]]
    form = formats[0] if len(set(formats)) == 1 else f"{len(set(formats))} formats"
    return {
        "top module": sidecar["top"],
        "gates": f"{sidecar['gates']:,}, depth {sidecar['levels']}"
        + (f"; {sidecar['luts']:,} look-up tables" if sidecar.get("luts") else ""),
        "style": style,
        "input": f"{port['name']}: {port['features']} x {form}, {port['width']} bits",
        "outputs": "\n".join(map(_output, sidecar["outputs"])),
        "thermometer": f"{sidecar['thresholds']['comparators']} comparators of "
        f"{sidecar['thresholds']['given']} thresholds",
        "files": ", ".join(sidecar["files"]),
        "build": sidecar["build_id"],
    }


def _output(port: dict[str, Any]) -> str:
    if "groups" in port:
        return f"{port['name']}: {port['groups']} counts of {port['width']} bits"
    if "at_least" in port:
        return f"{port['name']}: group {port['group']} counts {port['at_least']} or more"
    return f"{port['name']}: {port.get('bits', port.get('width'))} bits"
