"""``lgnx rtl``: Verilog of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    from lgnx.converters.verilog import write_rtl
    from lgnx.network import Network

    with common.working(f"writing {output}"):
        network = Network.from_model(model)
        sidecar = write_rtl(
            network, output, input_format=input_format or None, stages_every=pipeline, top=top
        )
    if json:
        common.print_json(sidecar)
        return
    print(f"{output}: top module {top}, {network.netlist.n_nodes:,} gates")
