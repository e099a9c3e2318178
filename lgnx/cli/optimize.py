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
    from lgnx.optimize.fpga import FpgaReport

EXAMPLES = (
    "lgnx optimize model.onnx -o small.onnx",
    "lgnx optimize model.onnx -o small.onnx --synthesis --budget 600",
    "lgnx optimize model.onnx -o mapped.onnx --for fpga --lut-inputs 6",
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
    target: Annotated[
        str, typer.Option("--for", metavar="TARGET", help="fpga: map to look-up tables.")
    ] = "",
    lut_inputs: Annotated[
        int | None,
        typer.Option(
            "-K", "--lut-inputs", metavar="K", help="For FPGAs: inputs of a table, 4 to 6. [6]"
        ),
    ] = None,
    effort: Annotated[
        str | None, typer.Option(help="For FPGAs: low, medium or high. [medium]")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="For FPGAs: time after which no step is started. [300]", min=0),
    ] = None,
    counts: Annotated[
        bool | None,
        typer.Option("--counts/--no-counts", help="For FPGAs: map the counts, too. [yes]"),
    ] = None,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Reduce the gates of a model and prove the result equal.

    A model of layers is lowered first. Prints gates and depth before and after and the verdict.
    A refuted result is not written and gives exit code 1. For an FPGA the gates become look-up
    tables, as few as are found, and each step is proved.
    """
    from lgnx.files import load_model, save_model
    from lgnx.optimize import optimize

    choices = {
        "--lut-inputs": lut_inputs, "--effort": effort, "--seconds": seconds, "--counts": counts,
    }  # fmt: skip
    _check_target(target, synthesis, [name for name, given in choices.items() if given is not None])
    source = load_model(model)
    if target:
        from lgnx.optimize.fpga import optimize_for_fpga

        with common.working(f"mapping {model}") as say:
            mapped, facts = optimize_for_fpga(
                source,
                6 if lut_inputs is None else lut_inputs,
                effort=effort or "medium",
                seconds=300.0 if seconds is None else seconds,
                counts=counts is not False,
                prove_steps=prove,
                budget=budget,
                progress=say,
            )
        output = output or model.with_name(f"{model.stem}_fpga.onnx")
        save_model(mapped, output)
        if json:
            networks = [dataclasses.asdict(fact) | {"status": fact.status} for fact in facts]
            common.print_json({"model": model, "output": output, "networks": networks})
            return
        for fact in facts:
            common.console().print(_fpga_table(fact))
            name = escape(fact.name or "network")
            common.console().print(f"{name}: [bold]{fact.status}[/bold]", "")
        print(output)
        return
    with common.working(f"optimising {model}") as say:
        result, reports = optimize(
            source, synthesis=synthesis, prove=prove, budget=budget, progress=say
        )
    output = output or model.with_name(f"{model.stem}_optimized.onnx")
    save_model(result, output)
    if json:
        plain = [dataclasses.asdict(report) for report in reports]
        common.print_json({"model": model, "output": output, "networks": plain})
        return
    screen = common.console()
    for report in reports:
        screen.print(_table(report))
        verdict = report.verdict or "not proved: --no-prove was given"
        name = escape(report.name or "network")
        screen.print(f"{name}: [bold]{escape(str(verdict))}[/bold]", "")
    print(output)


def _check_target(target: str, synthesis: bool, given: list[str]) -> None:
    from lgnx.ops.errors import InputError

    if target not in ("", "fpga"):
        raise InputError(f"--for {target!r}: must be fpga")
    if target and synthesis:
        raise InputError("--synthesis goes without --for fpga, which has synthesis of its own")
    if given and not target:
        raise InputError(f"{given[0]} goes with --for fpga")


def _fpga_table(report: FpgaReport) -> Table:
    table = common.plain_table(
        "step", "tables", "depth", "time", "", right=("tables", "depth", "time")
    )
    gates = f"{common.number(report.nodes_before)} gates"
    table.add_row("as lowered", gates, common.number(report.depth_before), "-", "")
    for step in report.steps:
        outcome = "not better, dropped" if not step.kept else str(step.verdict or "not proved")
        table.add_row(
            escape(step.name),
            common.number(step.luts),
            common.number(step.depth),
            common.seconds(step.seconds),
            escape(outcome),
        )
    return table


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
