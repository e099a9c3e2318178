"""``lgnx lower``: a model to the bitwise or network level, or through single passes."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lgnx.cli import common

EXAMPLES = (
    "lgnx lower model.onnx --to network -o network.onnx",
    "lgnx lower model.onnx --to bitwise -o bitwise.onnx",
    "lgnx lower model.onnx --pass remove-casts -o cleaner.onnx",
)


class Level(StrEnum):
    """The levels below the layer level."""

    bitwise = "bitwise"
    network = "network"


def _list_passes(value: bool) -> None:
    if value:
        from lgnx.passes.pipelines import PASSES, PIPELINES

        table = common.plain_table("pass", "")
        for name, kind in PASSES.items():
            text = (kind.__doc__ or "").strip().splitlines()
            table.add_row(name, escape(text[0]) if text else "")
        for name, members in PIPELINES.items():
            table.add_row(f"--to {name}", ", ".join(members))
        common.console().print(table)
        raise typer.Exit


def command(
    model: common.ModelPath,
    to: Annotated[Level | None, typer.Option(help="Level to reach.")] = None,
    passes: Annotated[
        list[str] | None,
        typer.Option("--pass", metavar="NAME", help="Run one pass; repeat for more, in order."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write [MODEL_LEVEL.onnx].")
    ] = None,
    list_passes: Annotated[
        bool,
        typer.Option(
            "--list-passes", help="List passes and pipelines.", callback=_list_passes, is_eager=True
        ),
    ] = False,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Lower a model to words of bits or to one gate program.

    bitwise: standard operators on packed words, which stock onnxruntime runs. network: the whole
    network as one gate program, for the custom operator and RTL.
    """
    from lgnx.files import load_model, save_model
    from lgnx.inspect import inspect
    from lgnx.ops.errors import InputError
    from lgnx.passes.pipelines import lower, run_passes

    if (to is None) == (not passes):
        raise InputError("give either --to bitwise|network or --pass NAME")
    source = load_model(model)
    target = to.value if to else "passes"
    started = time.perf_counter()
    with common.working(f"lowering {model}") as say:
        if to:
            result = lower(source, to=to.value, progress=say)
        else:
            result = run_passes(source, passes or [], progress=say)
    elapsed = time.perf_counter() - started
    output = output or model.with_name(f"{model.stem}_{target}.onnx")
    save_model(result, output)
    before, after = inspect(source), inspect(result)
    facts: dict[str, Any] = {
        "model": model,
        "output": output,
        "seconds": elapsed,
        "before": _facts(before),
        "after": _facts(after),
    }
    if json:
        common.print_json(facts)
        return
    print(
        f"{output}: {before.level} level with {before.gates:,} gates -> {after.level} level with "
        f"{after.gates:,} gates, depth {after.depth:,}, in {common.seconds(elapsed)}"
    )


def _facts(info: Any) -> dict[str, Any]:
    return {
        "level": info.level, "nodes": len(info.layers), "gates": info.gates, "depth": info.depth
    }  # fmt: skip
