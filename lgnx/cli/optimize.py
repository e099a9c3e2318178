"""``lgnx optimize``: fewer gates, proved equal."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from rich.table import Table

    from lgnx.optimize import Report

EXAMPLES = (
    "lgnx optimize model.onnx -o small.onnx",
    "lgnx optimize model.onnx -o small.onnx --synthesis --budget 600",
)


def command(
    model: common.ModelPath,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write [MODEL_optimized.onnx].")
    ] = None,
    synthesis: Annotated[
        bool, typer.Option("--synthesis", help="Also run logic synthesis (slower; aigverse).")
    ] = False,
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Prove the result equal to the model.")
    ] = True,
    budget: Annotated[
        float,
        typer.Option(help="Seconds for the proof; beyond, it is only tested.", min=0),
    ] = 60.0,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Reduce the gates of a model and prove the result equal.

    A model of layers is lowered first. Prints gates and depth before and after and the verdict.
    A refuted result is not written and gives exit code 1.
    """
    from lgnx.files import load_model, save_model
    from lgnx.optimize import optimize

    source = load_model(model)
    with common.working(f"optimising {model}") as say:
        result, reports = optimize(
            source, synthesis=synthesis, prove=prove, budget=budget, progress=say
        )
    output = output or model.with_name(f"{model.stem}_optimized.onnx")
    save_model(result, output)
    if json:
        facts = [dataclasses.asdict(report) for report in reports]
        common.print_json({"model": model, "output": output, "networks": facts})
        return
    screen = common.console()
    for report in reports:
        screen.print(_table(report))
        verdict = report.verdict or "not proved: --no-prove was given"
        name = escape(report.name or "network")
        screen.print(f"{name}: [bold]{escape(str(verdict))}[/bold]", "")
    print(output)


def _table(report: Report) -> Table:
    table = common.plain_table(
        "step", "gates", "depth", "time", "", right=("gates", "depth", "time")
    )
    before = (common.number(n) for n in (report.nodes_before, report.depth_before))
    table.add_row("as lowered", *before, "-", "")
    for step in report.steps:
        dropped = "" if step.kept else "not better, dropped"
        table.add_row(
            escape(step.name),
            common.number(step.nodes),
            common.number(step.depth),
            common.seconds(step.seconds),
            dropped,
        )
    if report.verdict is not None:
        table.add_row("proof", "", "", common.seconds(report.verdict.seconds), "")
    return table
