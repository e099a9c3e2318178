"""``lgnx estimate``: what RTL would cost on an FPGA."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.verify.place_and_route import PlacedDesign

EXAMPLES = (
    "lgnx estimate rtl/",
    "lgnx estimate rtl/ --target ice40 --json",
    "lgnx estimate rtl/ --place-and-route hx8k",
)


def command(
    rtl: Annotated[Path, typer.Argument(metavar="RTL", help="Folder that lgnx rtl wrote.")],
    target: Annotated[str, typer.Option(help="xilinx, ecp5, ice40, lut6 or lut4.")] = "xilinx",
    place_and_route: Annotated[
        str,
        typer.Option(
            metavar="DEVICE",
            help="Place and route with nextpnr: up5k, hx1k, hx8k; ECP5: 25k-6 to 85k-8.",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="Of the placement.")] = 1,
    timeout: Annotated[float, typer.Option(help="Seconds that a tool may take.", min=1.0)] = 1800.0,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Estimate look-up tables, registers, carries and levels, with yosys.

    Encoder, logic, counts and class are listed apart, and line buffers, windows, kernels and
    collector of a streaming design. It is an estimate: nothing is placed or
    routed, and a vendor's synthesis finds other solutions. With --place-and-route, nextpnr gives
    the frequency of the design between two shift registers, which stand for pins.
    """
    if place_and_route:
        _place_and_route(rtl, place_and_route, seed, timeout, json)
        return
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


def _place_and_route(rtl: Path, device: str, seed: int, timeout: float, json: bool) -> None:
    from lgnx.verify.place_and_route import place_and_route

    with common.working(f"placing {rtl}") as say:
        found = place_and_route(rtl, device, seed=seed, timeout=timeout, progress=say)
    if json:
        common.print_json({"kind": "place and route", **dataclasses.asdict(found)})
        return
    _show_placed(found)


def _show_placed(found: PlacedDesign) -> None:
    screen = common.console()
    table = common.plain_table("cells", "used", "available", "", right=("used", "available", ""))
    for kind, cells in found.resources.items():
        part = f"{100 * cells.used / cells.available:.0f} %"
        table.add_row(kind, f"{cells.used:,}", f"{cells.available:,}", part)
    screen.print(table)
    screen.print(f"[bold]{found.megahertz:.1f} MHz[/bold] on {escape(found.title)}")
    way = found.critical
    if way:
        screen.print(
            f"longest way: {way['cells']} cells, {way['logic_ns']} ns in them and "
            f"{way['routing_ns']} ns in wires, from {escape(way['from'])} to {escape(way['to'])}"
        )
    screen.print(
        f"Placed and routed between shift registers, {found.wrapper_registers} of the registers; "
        f"seed {found.seed}, {found.tools[-1]}; build {found.build_id}."
    )
