"""``lgnx optimize``: fewer gates, proved equal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lgnx.cli import common

EXAMPLES = (
    "lgnx optimize model.onnx -o small.onnx",
    "lgnx optimize model.onnx -o small.onnx --synthesis",
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
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Reduce the gates of a model and prove the result equal.

    A model of layers is lowered first. Prints gates and depth before and after and the verdict.
    A refuted result is not written and gives exit code 1.
    """
    from lgnx.files import load_model, save_model
    from lgnx.ops.errors import ComparisonError
    from lgnx.optimize import optimize

    source = load_model(model)
    with common.working(f"optimising {model}"):
        result, reports = optimize(source, synthesis=synthesis, prove=prove)
    output = output or model.with_name(f"{model.stem}_optimized.onnx")
    refuted = [r for r in reports if r.verdict is not None and r.verdict.status == "refuted"]
    if refuted:
        raise ComparisonError(f"{model}: the optimised network differs: {refuted[0].verdict}")
    save_model(result, output)
    if json:
        facts = [report_facts(report) for report in reports]
        common.print_json({"model": model, "output": output, "networks": facts})
        return
    common.console().print(_table(reports))
    print(output)


def report_facts(report: Any) -> dict[str, Any]:
    """Return a report of the optimiser as plain values."""
    import dataclasses

    return dataclasses.asdict(report)


def _table(reports: Any) -> Any:
    raise NotImplementedError
