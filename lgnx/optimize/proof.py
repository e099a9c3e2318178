"""Proofs that two netlists compute the same function."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lgnx.netlist.netlist import Netlist
from lgnx.netlist.simulation import Simulator
from lgnx.ops.errors import InputError
from lgnx.optimize.equivalence import quickly_equivalent
from lgnx.optimize.prover import ask
from lgnx.optimize.vectors import difference, exhaustive, random

EXHAUSTIVE_INPUTS = 16
RANDOM_WORDS = 1024  # of 64 vectors each
RANDOM_WORK = 1 << 26  # evaluations of a node, 64 vectors each, after which it is enough
QUICK_NODES = 20_000
CHECKER = "aigverse equivalence checking"

Status = Literal["proved", "tested", "refuted"]


@dataclass(frozen=True)
class Verdict:
    """What is known about the equivalence of two netlists.

    Attributes
    ----------
    status
        ``"proved"``: equal for every input. ``"tested"``: equal on the vectors that were tried,
        nothing more. ``"refuted"``: different, see ``counterexample``.
    method
        How it was found.
    vectors
        Input vectors that were simulated.
    counterexample
        bool [n_inputs], an input on which the outputs differ.
    seconds
        Time it took.
    """

    status: Status
    method: str
    vectors: int
    counterexample: np.ndarray | None
    seconds: float

    def __str__(self) -> str:
        if self.status == "tested":
            return f"tested on {self.vectors:,} vectors, not proved ({self.method})"
        return f"{self.status} ({self.method})"


def prove(a: Netlist, b: Netlist, *, budget: float = 60.0, seed: int = 0) -> Verdict:
    """Decide whether two netlists are equivalent.

    Up to 16 inputs, all vectors are simulated. Otherwise random simulation comes first, since it
    finds most differences at once; then the equivalence checker of aigverse decides (SAT sweeping
    of a miter). Where that is not installed, or gives up, the verdict is "tested".

    Parameters
    ----------
    a, b
        The netlists; inputs and outputs correspond by position.
    budget
        Seconds that the equivalence checker may take.
    seed
        Seed of the random vectors.

    Raises
    ------
    InputError
        If the numbers of inputs or outputs differ.
    """
    if (a.n_inputs, a.n_outputs) != (b.n_inputs, b.n_outputs):
        raise InputError(
            f"netlists of {a.n_inputs} inputs and {a.n_outputs} outputs, and of {b.n_inputs} and "
            f"{b.n_outputs}, cannot be compared"
        )
    start = time.perf_counter()

    def verdict(
        status: Status, method: str, vectors: int, counterexample: np.ndarray | None = None
    ) -> Verdict:
        return Verdict(status, method, vectors, counterexample, time.perf_counter() - start)

    step = min(Simulator(a).words, Simulator(b).words)
    if a.n_inputs <= EXHAUSTIVE_INPUTS:
        found = difference(a, b, exhaustive(a.n_inputs, step))
        status: Status = "proved" if found is None else "refuted"
        return verdict(status, "exhaustive simulation", 1 << a.n_inputs, found)

    n_words = int(np.clip(RANDOM_WORK // max(a.n_nodes, b.n_nodes, 1), 16, RANDOM_WORDS))
    vectors = 64 * n_words
    found = difference(a, b, random(a.n_inputs, n_words, step, seed))
    if found is not None:
        return verdict("refuted", "random simulation", vectors, found)
    if importlib.util.find_spec("aigverse") is None:
        reason = "random simulation; for a proof: pip install 'lgnx[proof]'"
        return verdict("tested", reason, vectors)
    if a.n_nodes + b.n_nodes <= QUICK_NODES and quickly_equivalent(a, b):
        return verdict("proved", CHECKER, vectors)
    with tempfile.TemporaryDirectory(prefix="lgnx-") as folder:
        answer, found = ask(a, b, Path(folder), budget)
    if answer == "True":
        return verdict("proved", CHECKER, vectors)
    if answer == "False":
        return verdict("refuted", CHECKER, vectors, found)
    return verdict("tested", f"random simulation; {answer}", vectors)
