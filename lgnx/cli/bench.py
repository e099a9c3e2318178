"""``lgnx bench``: how fast a model runs here."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.bench import Benchmark

EXAMPLES = ("lgnx bench model.onnx", "lgnx bench model.onnx --batch 1 --batch 1000 --json")


def command(
    model: common.ModelPath,
    batch: Annotated[
        list[int] | None,
        typer.Option("--batch", help="Batch size, given once or more.", min=1),
    ] = None,
    threads: Annotated[
        int, typer.Option(help="Threads beside one; 0 takes one per core.", min=0)
    ] = 0,
    seconds: Annotated[
        float, typer.Option(help="Time for each batch size and number of threads.", min=0.0)
    ] = 1.0,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Measure how fast a model runs on this machine.

    Time to load, samples per second for several batch sizes on one thread and on all, where the
    time goes, and memory. The input is random.
    """
    from lgnx.bench import BATCHES, benchmark

    with common.working(f"measuring {model}") as step:
        result = benchmark(
            model, batches=batch or BATCHES, threads=threads, seconds=seconds, progress=step
        )
    if json:
        speeds = [
            dataclasses.asdict(s) | {"samples_per_second": s.samples_per_second}
            for s in result.speeds
        ]
        common.print_json(dataclasses.asdict(result) | {"model": model, "speeds": speeds})
        return
    _show(result)


def _show(result: Benchmark) -> None:
    screen = common.console()
    screen.print(
        f"loaded in {common.seconds(result.load_seconds)}, engine: {result.simd}\n"
        f"memory: {common.size(result.model_bytes)} for the model, "
        f"{common.size(result.peak_bytes)} for the process with its data\n",
        soft_wrap=True,
    )
    right = ("batch", "threads", "fastest", "median", "a sample", "samples/s")
    table = common.plain_table(*right, right=right)
    for speed in result.speeds:
        table.add_row(
            f"{speed.batch:,}",
            str(speed.threads),
            common.seconds(speed.fastest),
            common.seconds(speed.median),
            common.seconds(speed.fastest / speed.batch),
            f"{speed.samples_per_second:,.0f}",
        )
    screen.print(table)
    if result.skipped:
        skipped = ", ".join(f"{b:,}" for b in result.skipped)
        screen.print(f"not run: batch {skipped} (too large, or the model's batch is fixed)")
    if result.stages:
        total = sum(result.stages.values())
        parts = ", ".join(
            f"{name} {common.seconds(value)} ({100 * value / total:.0f} %)"
            for name, value in result.stages.items()
        )
        screen.print(f"\nof a sample, batch {result.stage_batch:,}, one thread:\n{parts}")
