"""Equivalence of netlists by SAT, through aigverse, with a counterexample where they differ."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.ops.errors import require
from lgnx.optimize.aig import to_aig

CONFLICT_LIMIT = 1_000_000
QUICK_CONFLICT_LIMIT = 200


def equivalent(a: Netlist, b: Netlist) -> bool | None:
    """Answer of the equivalence checker; None where it reached its conflict limit."""
    check = require("aigverse.algorithms", extra="proof").equivalence_checking
    return check(to_aig(a), to_aig(b), conflict_limit=CONFLICT_LIMIT)


def quickly_equivalent(a: Netlist, b: Netlist) -> bool | None:
    """Like `equivalent`, but giving up early; enough for netlists of similar structure."""
    check = require("aigverse.algorithms", extra="proof").equivalence_checking
    return check(
        to_aig(a), to_aig(b), conflict_limit=QUICK_CONFLICT_LIMIT, functional_reduction=False
    )


def find_counterexample(a: Netlist, b: Netlist) -> np.ndarray | None:
    """Find an input on which two netlists differ that the checker calls different.

    The checker tells no more than that. So halving the outputs gives one that differs; then each
    input in turn is fixed to 0 where the rest still differs, else to 1.

    Returns
    -------
    numpy.ndarray or None
        bool [n_inputs], verified by simulation; None where the checker gave up on the way.
    """
    low, high = 0, a.n_outputs
    while high - low > 1:
        middle = (low + high) // 2
        if equivalent(_outputs(a, low, middle), _outputs(b, low, middle)) is False:
            high = middle
        else:
            low = middle
    a_left, b_left = _outputs(a, low, high), _outputs(b, low, high)
    found = np.zeros(a.n_inputs, bool)
    for i in range(a.n_inputs):
        if not (_reads(a_left, i) or _reads(b_left, i)):
            continue
        a_zero, b_zero = _restrict(a_left, i, False), _restrict(b_left, i, False)
        if equivalent(a_zero, b_zero) is False:
            a_left, b_left = a_zero, b_zero
        else:
            found[i] = True
            a_left, b_left = _restrict(a_left, i, True), _restrict(b_left, i, True)
    same = np.array_equal(a.simulate(found[None]), b.simulate(found[None]))
    return None if same else found


def _outputs(netlist: Netlist, start: int, end: int) -> Netlist:
    """Some of the outputs, and the nodes that they need."""
    outputs = netlist.outputs[start:end]
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, outputs)
    return Netlist(netlist.n_inputs, *parts)


def _reads(netlist: Netlist, index: int) -> bool:
    variable = 1 + index
    return bool((netlist.fanins >> 1 == variable).any() or (netlist.outputs >> 1 == variable).any())


def _restrict(netlist: Netlist, index: int, value: bool) -> Netlist:
    """Fix an input to a constant; it stays an input that nothing reads."""

    def fix(literals: np.ndarray) -> np.ndarray:
        constant = (literals & 1) ^ np.uint32(value)
        return np.where(literals >> 1 == 1 + index, constant, literals).astype(np.uint32)

    parts = engine.optimize(
        netlist.n_inputs, netlist.kinds, fix(netlist.fanins), fix(netlist.outputs)
    )
    return Netlist(netlist.n_inputs, *parts)
