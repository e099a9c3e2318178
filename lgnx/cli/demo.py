"""``lgnx demo``: the whole path on one example."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from rich.table import Table

    from lgnx.verify.report import Stage

EXAMPLES = ("lgnx demo", "lgnx demo -o somewhere --quick")


def command(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for models, RTL and report.")
    ] = Path("demo-output"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Train for a few seconds only; costs accuracy.")
    ] = False,
    debug: common.Debug = False,
) -> None:
    """Train, export, optimise, run, simulate: one example, every stage compared.

    Trains a classifier of handwritten digits, takes it through every form to RTL simulated by
    Verilator, and compares all scores of all forms bit for bit. Exit code 1 if any differs.
    """
    from lgnx.verify.demo import Demo

    demo = Demo(output, quick=quick, progress=common.progress)
    screen = common.console()
    for step in demo.STEPS:
        done = getattr(demo, step)()
        screen.print(f"[green]✓[/green] {escape(done)}")
    report = demo.write_report()
    screen.print("", _table(demo.stages))
    compared = f"{len(demo.samples):,} samples, every score compared bit for bit"
    screen.print(f"\n{compared}\nreport: {report}")
    if demo.mismatches:
        raise typer.Exit(common.FAILED)


def _table(stages: Sequence[Stage]) -> Table:
    table = common.plain_table(
        "stage",
        "gates",
        "made in",
        "samples/s",
        "accuracy",
        "mismatches",
        right=("gates", "made in", "samples/s", "accuracy", "mismatches"),
    )
    for stage in stages:
        speed = stage.samples_per_second
        style = "red" if stage.mismatches else "green"
        table.add_row(
            stage.name,
            common.number(stage.gates),
            common.seconds(stage.seconds),
            common.number(round(speed) if speed else None),
            "-" if stage.accuracy is None else f"{100 * stage.accuracy:.2f} %",
            f"[{style}]{stage.mismatches:,}[/{style}]",
        )
    return table
