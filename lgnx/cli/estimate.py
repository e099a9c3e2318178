"""``lgnx estimate``: what RTL would cost on an FPGA."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from lgnx.cli import common

EXAMPLES = (
    "lgnx estimate rtl/",
    "lgnx estimate rtl/ --target ice40 --json",
)


def command(
    rtl: Annotated[Path, typer.Argument(metavar="RTL", help="Folder that lgnx rtl wrote.")],
    target: Annotated[str, typer.Option(help="xilinx, ecp5, ice40, lut6 or lut4.")] = "xilinx",
    timeout: Annotated[float, typer.Option(help="Seconds that yosys may take.", min=1.0)] = 1800.0,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Estimate look-up tables, registers, carries and levels, with yosys.

    Encoder, logic, counts and class are listed apart. It is an estimate: nothing is placed or
    routed, and a vendor's synthesis finds other solutions.
    """
    from lgnx.verify.estimate_rtl import estimate_rtl

    with common.working(f"estimating {rtl}") as say:
        found = estimate_rtl(rtl, target, timeout=timeout, progress=say)
    if json:
        common.print_json({"kind": "estimate", **dataclasses.asdict(found)})
        return
    screen = common.console()
    numbers = ("modules", "LUTs", "registers", "carries", "levels")
    table = common.plain_table("part", *numbers, right=numbers)
    for part in (*found.parts, found.total):
        style = "[bold]" if part is found.total else ""
        values = (part.instances, part.luts, part.registers, part.carries, part.levels)
        table.add_row(f"{style}{part.role}", *(f"{style}{value:,}" for value in values))
    screen.print(table)
    if found.other:
        rest = ", ".join(f"{number:,} {kind}" for kind, number in sorted(found.other.items()))
        screen.print(f"besides: {escape(rest)}")
    screen.print(f"An estimate for {escape(found.title)}; build {found.build_id}.")
