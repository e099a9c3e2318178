"""The part of ``lgnx cosim`` that simulates many samples side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.verify.cosim import CoSimulation
    from lgnx.verify.lanes import LaneSimulation

MODES = ("auto", "one-lane", "lanes")


def check_mode(mode: str) -> None:
    """Raise InputError if a mode is none."""
    if mode not in MODES:
        from lgnx.ops.errors import InputError

        raise InputError(f"mode {mode!r}: must be one of {', '.join(MODES)}")


def build(
    simulation: CoSimulation, model: Path, mode: str, samples: int | None, timeout: float
) -> LaneSimulation | None:
    """Build the lanes, if they are wanted.

    Parameters
    ----------
    samples
        How many there will be; None if that is not known, and mode auto takes one lane.

    Returns
    -------
    LaneSimulation or None
        None for one lane.
    """
    from lgnx.network import Network
    from lgnx.verify.lanes import LaneSimulation, lanes_pay

    if mode == "one-lane" or (mode == "auto" and (not samples or simulation.rtl.stream)):
        return None
    network = Network.from_model(model)
    if mode == "auto" and not lanes_pay(simulation.rtl, network, samples or 0):
        return None
    with common.progress("building the lanes", 1.0) as advance:
        return LaneSimulation(simulation.rtl.folder, network, progress=advance, timeout=timeout)


def said() -> str:
    """What a reader must know of a run in lanes."""
    from lgnx.verify.lanes import CHECKED
    from lgnx.verify.lanes_build import LANES

    return (
        f"lanes: modules of logic and counts, {LANES} samples at a time; {CHECKED:,} of each batch "
        "went through the whole design, with encoder, class and handshake, too"
    )
