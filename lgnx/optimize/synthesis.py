"""Logic synthesis by aigverse: resubstitution, rewriting, refactoring, balancing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.ops.errors import require


def synthesis_steps() -> Iterator[tuple[str, Callable[[Netlist], Netlist]]]:
    """Give the steps of the synthesis script, by name.

    Raises
    ------
    MissingExtraError
        If aigverse is not installed.
    """
    algorithms = require("aigverse.algorithms", extra="proof")
    for name in ("aig_resubstitution", "aig_cut_rewriting", "sop_refactoring", "balancing"):
        yield name.removeprefix("aig_").replace("_", " "), _step(getattr(algorithms, name))


def _step(algorithm: Callable[[Any], Any]) -> Callable[[Netlist], Netlist]:
    def run(netlist: Netlist) -> Netlist:
        from lgnx.optimize.aig import from_aig, to_aig

        aig = to_aig(netlist)
        result = algorithm(aig)  # some work in place and give nothing back
        rebuilt = from_aig(aig if result is None else result)
        parts = engine.optimize(rebuilt.n_inputs, rebuilt.kinds, rebuilt.fanins, rebuilt.outputs)
        return Netlist(rebuilt.n_inputs, *parts)

    return run
