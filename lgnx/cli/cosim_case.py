"""How ``lgnx cosim`` shows a minimised mismatch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.verify.minimise import MinimalCase
    from lgnx.verify.runner import FailingRun
    from lgnx.verify.simulation import CoSimulation


def find(simulation: CoSimulation, model: Path, failing: FailingRun, waveform: Path) -> MinimalCase:
    """Minimise a run that fails and write its waves."""
    from lgnx.verify.minimise import minimise

    with common.working("minimising the mismatch, building the simulation with waves"):
        return minimise(simulation, model, failing, waves=waveform)


def show(case: MinimalCase, title: str) -> None:
    """Print the case."""
    table = common.plain_table("", "")
    table.columns[0].style = "bold"
    for key, value in case.rows().items():
        table.add_row(key, escape(value))
    screen = common.console()
    screen.print(f"\n[red]{escape(title)}[/red], minimised")
    screen.print(table)
