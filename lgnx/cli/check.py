"""``lgnx check``: every problem of a model at once."""

from __future__ import annotations

import dataclasses

import typer
from rich.markup import escape

from lgnx.cli import common

EXAMPLES = ("lgnx check model.onnx", "lgnx check model.onnx --json")


def command(
    model: common.ModelPath, json: common.Json = False, debug: common.Debug = False
) -> None:
    """Check a model: every problem with its node and field.

    Runs onnx's own checker and what onnx cannot see: index ranges, table sizes, groups, opset
    version, gate programs. Errors give exit code 2, warnings do not.
    """
    from lgnx.check import check
    from lgnx.files import load_model

    with common.working(f"checking {model}"):
        problems = check(load_model(model))
    errors = sum(p.severity == "error" for p in problems)
    if json:
        common.print_json(
            {
                "model": str(model),
                "ok": errors == 0,
                "problems": [dataclasses.asdict(p) for p in problems],
            }
        )
    screen = common.console(json)
    if problems:
        table = common.plain_table("", "node", "field", "problem")
        for p in problems:
            style = "red" if p.severity == "error" else "yellow"
            table.add_row(f"[{style}]{p.severity}[/]", *map(escape, (p.node, p.field, p.message)))
        screen.print(table)
    warnings = len(problems) - errors
    verdict = "[red]not valid[/red]" if errors else "[green]valid[/green]"
    screen.print(f"{escape(str(model))}: {verdict}, {errors} errors, {warnings} warnings")
    if errors:
        raise typer.Exit(common.BAD_INPUT)
