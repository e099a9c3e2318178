"""Proofs that two netlists compute the same function."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lgnx.netlist.netlist import Netlist
from lgnx.ops.errors import InputError

EXHAUSTIVE_INPUTS = 14
RANDOM_VECTORS = 8_192
IN_PROCESS_NODES = 20_000


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

    status: Literal["proved", "tested", "refuted"]
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

    Random simulation comes first, since it finds most differences at once. Then a netlist of at
    most 14 inputs is simulated exhaustively, and any other goes to the equivalence checker of
    aigverse (a SAT-based miter). Where that is not installed, or gives up, the verdict is
    "tested".

    Parameters
    ----------
    a, b
        The netlists; inputs and outputs correspond by position.
    budget
        Seconds that the equivalence checker may take for large netlists.
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
        status: Literal["proved", "tested", "refuted"],
        method: str,
        vectors: int,
        counterexample: np.ndarray | None = None,
    ) -> Verdict:
        return Verdict(status, method, vectors, counterexample, time.perf_counter() - start)

    if a.n_inputs <= EXHAUSTIVE_INPUTS:
        vectors = all_vectors(a.n_inputs)
        found = _difference(a, b, vectors)
        status: Literal["proved", "refuted"] = "proved" if found is None else "refuted"
        return verdict(status, "exhaustive simulation", len(vectors), found)

    # Bounded memory: a simulation keeps one bit for each node and vector.
    size = max(a.n_nodes, b.n_nodes, 1)
    count = int(np.clip(2**32 // size, 1024, RANDOM_VECTORS))
    vectors = random_vectors(a.n_inputs, count, seed)
    found = _difference(a, b, vectors)
    if found is not None:
        return verdict("refuted", "random simulation", count, found)
    if importlib.util.find_spec("aigverse") is None:
        reason = "random simulation; for a proof: pip install 'lgnx[proof]'"
        return verdict("tested", reason, count)
    equal = _check(a, b, budget)
    if equal is None:
        reason = f"random simulation; the equivalence checker gave up after {budget:g} s"
        return verdict("tested", reason, count)
    if equal:
        return verdict("proved", "aigverse equivalence checking", count)
    return verdict("refuted", "aigverse equivalence checking", count, _search(a, b, seed))


def all_vectors(n_inputs: int) -> np.ndarray:
    """Every input vector, bool [2^n_inputs, n_inputs]."""
    return (np.arange(1 << n_inputs)[:, None] >> np.arange(n_inputs) & 1).astype(bool)


def random_vectors(n_inputs: int, count: int, seed: int) -> np.ndarray:
    """Random vectors of every density, bool [count, n_inputs].

    The first two are all zeros and all ones; the others hold a one with a probability drawn for
    each vector, since a network may be interesting only far from half-full inputs.
    """
    rng = np.random.default_rng(seed)
    vectors = rng.random((count, n_inputs), np.float32) < rng.random((count, 1), np.float32)
    vectors[:1], vectors[1:2] = False, True
    return vectors


def _difference(a: Netlist, b: Netlist, vectors: np.ndarray) -> np.ndarray | None:
    """First of the vectors on which the outputs differ."""
    step = 4096
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step]
        wrong = (a.simulate(part) != b.simulate(part)).any(axis=1)
        if wrong.any():
            return part[int(np.argmax(wrong))]
    return None


def _check(a: Netlist, b: Netlist, budget: float) -> bool | None:
    """Ask aigverse; large netlists in a process of their own, which can be stopped."""
    if a.n_nodes + b.n_nodes <= IN_PROCESS_NODES:
        return equivalent(a, b)
    with tempfile.TemporaryDirectory(prefix="lgnx-") as folder:
        path = Path(folder) / "miter.npz"
        np.savez(
            path,
            n_inputs=a.n_inputs,
            **{f"{name}_{part}": getattr(netlist, part)
               for name, netlist in (("a", a), ("b", b))
               for part in ("kinds", "fanins", "outputs")},
        )
        command = [sys.executable, "-m", "lgnx.optimize.prover", str(path)]
        try:
            code = subprocess.run(command, timeout=budget, capture_output=True).returncode
        except subprocess.TimeoutExpired:
            return None
    return {0: True, 1: False}.get(code)


def equivalent(a: Netlist, b: Netlist) -> bool | None:
    """Answer of aigverse's equivalence checker; None where it reached its conflict limit."""
    from aigverse.algorithms import equivalence_checking

    from lgnx.optimize.aig import to_aig

    return equivalence_checking(to_aig(a), to_aig(b), conflict_limit=1_000_000)


def _search(a: Netlist, b: Netlist, seed: int) -> np.ndarray | None:
    """Look for a counterexample that the checker says exists, since it gives none.

    The checker decides each output in turn, then each input is fixed to what keeps the rest of
    the miter satisfiable.
    """
    for output in range(a.n_outputs):
        one_a, one_b = _select(a, output), _select(b, output)
        if equivalent(one_a, one_b) is False:
            break
    else:
        return None
    fixed = np.zeros(a.n_inputs, bool)
    for i in range(a.n_inputs):
        low_a, low_b = _restrict(one_a, i, False), _restrict(one_b, i, False)
        if equivalent(low_a, low_b) is False:
            one_a, one_b = low_a, low_b
        else:
            fixed[i] = True
            one_a, one_b = _restrict(one_a, i, True), _restrict(one_b, i, True)
    same = (a.simulate(fixed[None]) == b.simulate(fixed[None])).all()
    return None if same else fixed


def _select(netlist: Netlist, output: int) -> Netlist:
    return Netlist(
        netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs[output : output + 1]
    )


def _restrict(netlist: Netlist, index: int, value: bool) -> Netlist:
    """Fix an input to a constant; it stays an input that nothing reads."""
    from lgnx.ops import engine

    literal = 2 * (1 + index)

    def fix(literals: np.ndarray) -> np.ndarray:
        hit = literals & ~np.uint32(1) == literal
        return np.where(hit, (literals & 1) ^ value, literals).astype(np.uint32)

    parts = engine.optimize(
        netlist.n_inputs, netlist.kinds, fix(netlist.fanins), fix(netlist.outputs)
    )
    return Netlist(netlist.n_inputs, *parts)
