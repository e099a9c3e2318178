"""``lgnx convert``: from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgnx.cli import common

EXAMPLES = (
    "lgnx convert adder.blif -o adder.onnx",
    "lgnx convert model.onnx -o model.c --option word=32",
    "lgnx convert model.onnx -o logic.aig --option part=logic",
    "lgnx convert netlist.v -o netlist.blif",
)


def command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="File to read.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    source_name: Annotated[
        str, typer.Option("--from", metavar="FORMAT", help="Format of SOURCE; else told by it.")
    ] = "",
    target_name: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="Format to write; else by the suffix.")
    ] = "",
    spec: common.Spec = None,
    option: common.Options = None,
    debug: common.Debug = False,
) -> None:
    """Turn a file of one format into one of another.

    `lgnx formats` lists the formats, `lgnx formats NAME` the options of one. What the target
    cannot represent stops with the node and the reason, and nothing is written.
    """
    from lgnx.converters import formats

    given = common.format_options(option, spec)
    reader = formats.source_format(source, source_name or None)
    names = {choice.name for choice in reader.read_options}
    reading = {key: value for key, value in given.items() if key in names}
    writing = {key: value for key, value in given.items() if key not in names}
    with common.working(f"converting {source}") as say:
        writer = formats.target_format(output, target_name or None)
        model = formats.read_model(source, reader.name, **reading)
        say(f"writing {output}")
        files = formats.write_model(model, output, writer.name, **writing)
    for file in files:
        print(f"{file}: {common.size(file.stat().st_size)}")
