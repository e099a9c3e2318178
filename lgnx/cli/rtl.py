"""``lgnx rtl``: Verilog of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lgnx.cli import common

EXAMPLES = (
    "lgnx rtl model.onnx -o rtl/",
    'lgnx rtl model.onnx -o rtl/ --input-format "ufixed<5,1>" --pipeline 3',
)


def command(
    model: common.ModelPath,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
    input_format: Annotated[
        str, typer.Option(metavar="FORMAT", help="Fixed point of the samples: ufixed<5,1>, uint8.")
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
    top: Annotated[str, typer.Option(help="Name of the top module.")] = "lgnx_top",
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Write a model as Verilog.

    Thermometers, gates, counts, scores and argmax, and a sidecar that describes the ports.
    Every threshold decision must be exact in the input format; else the error names the width
    that would do.
    """
    from lgnx.files import load_model
    from lgnx.network import Network

    load_model(model)  # says what is wrong with a file before anything else is looked for
    from lgnx.converters.verilog import write_rtl

    with common.working(f"writing {output}") as say:
        say("network")
        sidecar = write_rtl(
            Network.from_model(model),
            output,
            input_format=input_format or None,
            port_format=port_format or None,
            stages_every=pipeline,
            top=top,
            progress=say,
        )
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


def _summary(sidecar: dict[str, Any]) -> dict[str, str]:
    port = sidecar["input"]
    style = sidecar["style"]
    if style == "pipelined":
        style += f", a result {sidecar['latency']} clocks after its sample, one every clock"
    outputs = [
        f"{o['name']}: {o['groups']} counts of {o['width']} bits"
        if "groups" in o
        else f"{o['name']}: {o.get('bits', o.get('width'))} bits"
        for o in sidecar["outputs"]
    ]
    return {
        "top module": sidecar["top"],
        "gates": f"{sidecar['gates']:,}, depth {sidecar['levels']}",
        "style": style,
        "input": f"{port['name']}: {port['features']} x {port['format']}",
        "outputs": "\n".join(outputs),
        "thermometer": f"{sidecar['thresholds']['comparators']} comparators of "
        f"{sidecar['thresholds']['given']} thresholds",
        "files": ", ".join(sidecar["files"]),
    }
