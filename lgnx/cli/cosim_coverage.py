"""How ``lgnx cosim --coverage`` measures and shows what toggles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.cli.cosim import Source
    from lgnx.verify.coverage import Coverage
    from lgnx.verify.simulation import CoSimulation

_SHOWN = 20  # bits of each verdict
_VERDICTS = {
    "constant": "proved constant",
    "can change": "constant on these samples only",
    "unknown": "not toggled",
}


def measure(simulation: CoSimulation, model: Path, sources: Sequence[Source]) -> Coverage:
    """Simulate the samples of all sources once more, counting."""
    from lgnx.verify.coverage import measure_coverage

    with common.working("measuring the coverage"):
        batches = (
            simulation.rtl.input.model_input(x, scaled=source.scaled)
            for source in sources
            for x in source.make(simulation)[1]
        )
        return measure_coverage(simulation, batches, model=model)


def show(coverage: Coverage) -> None:
    """Print a table of the modules, and the bits that did not change."""
    right = ("bits", "toggled", "once", "never")
    table = common.plain_table("module", *right, "%", right=(*right, "%"))
    for module in coverage.modules:
        share = 100 * module.toggled / module.bits
        numbers = (module.bits, module.toggled, module.once, module.never)
        table.add_row(escape(module.module), *map(common.number, numbers), f"{share:.1f}")
    screen = common.console()
    screen.print(f"\n[bold]toggle coverage[/bold] of {coverage.samples:,} samples")
    screen.print(table)
    for bit in coverage.dead_outputs:
        screen.print(f"[yellow]dead output[/yellow]: {escape(bit.net)}, {_VERDICTS[bit.verdict]}")
    for verdict, words in _VERDICTS.items():
        names = [bit.net for bit in coverage.never if bit.verdict == verdict and not bit.output]
        if names:
            more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
            screen.print(f"{words} ({len(names):,}): {escape(', '.join(names[:_SHOWN]))}{more}")
