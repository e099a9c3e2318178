"""``lgnx prove``: RTL proved equal to the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.verify.rtl_proof import RtlProof

EXAMPLES = (
    "lgnx prove model.onnx rtl/",
    "lgnx prove model.onnx rtl/ --budget 600 --json",
)

_COLOURS = {"proved": "green", "tested": "yellow", "refuted": "red"}


def command(
    model: common.ModelPath,
    rtl: Annotated[Path, typer.Argument(metavar="RTL", help="Folder that lgnx rtl wrote.")],
    budget: Annotated[
        float, typer.Option(help="Seconds that each proof may take.", min=1.0)
    ] = 300.0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Verdict file. [RTL/proof.json]")
    ] = None,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Prove that RTL computes what a model does, for every input.

    The Verilog is read back through yosys and compared module by module with the model; the
    registers on every way are counted; an AXI stream is proved to lose, repeat and reorder
    nothing. What was proved, by what, stands in the verdict file. The exit code is 1 where
    something is refuted, or was only tested because a proof took longer than the budget.
    """
    from lgnx.files import load_model
    from lgnx.verify.rtl_proof import PROOF, prove_rtl

    load_model(model)
    with common.working(f"proving {rtl}") as say:
        proof = prove_rtl(rtl, model, budget=budget, progress=say)
    path = output or rtl / PROOF
    proof.save(path)
    if json:
        common.print_json(proof.content())
    else:
        _show(proof, path)
    if proof.status != "proved":
        raise typer.Exit(common.FAILED)


def _show(proof: RtlProof, path: Path) -> None:
    screen = common.console()
    table = common.plain_table("claim", "status", "by", "time", right=("time",))
    for claim in proof.claims:
        colour = _COLOURS[claim.status]
        table.add_row(
            escape(claim.what),
            f"[{colour}]{claim.status}[/{colour}]",
            escape(claim.method),
            common.seconds(claim.seconds),
        )
    screen.print(table)
    left = [claim.what for claim in proof.claims if claim.status != "proved"]
    for what in left:
        screen.print(f"[yellow]not proved[/yellow]: {escape(what)}")
    colour = _COLOURS[proof.status]
    screen.print(f"[bold {colour}]{proof.status}[/bold {colour}]: build {proof.build_id}")
    print(path)
