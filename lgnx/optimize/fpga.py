"""Optimisation for FPGAs: few look-up tables, each step proved."""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from lgnx.netlist.luts import LutNetlist
from lgnx.netlist.netlist import Netlist
from lgnx.ops import DOMAIN, engine
from lgnx.ops.errors import ComparisonError, InputError, ModelError
from lgnx.ops.program import Program, decode, encode
from lgnx.optimize.abc_scripts import EFFORTS, run_script, scripts
from lgnx.optimize.counting import check_identities, count_groups
from lgnx.optimize.cut_mapping import map_to_luts
from lgnx.optimize.proof import Verdict, prove

__all__ = ["FpgaReport", "FpgaStep", "map_netlist", "optimize_for_fpga"]

Progress = Callable[[str], None]
_SHORTEST = 5.0  # seconds below which no script of ABC is started


@dataclass(frozen=True)
class FpgaStep:
    """One step.

    Attributes
    ----------
    name
        What was done.
    luts, depth
        Tables after it, and tables on the longest way.
    seconds
        Time it took, without the proof.
    kept
        False where the result was not better and was dropped, or the step was stopped.
    verdict
        Of the comparison with the network before any step, for what was kept.
    """

    name: str
    luts: int
    depth: int
    seconds: float
    kept: bool
    verdict: Verdict | None


@dataclass(frozen=True)
class FpgaReport:
    """What was done to one network.

    Attributes
    ----------
    name
        Name of the node in the model.
    inputs
        Inputs that a table may have.
    nodes_before, depth_before
        Gates of two inputs as lowered, and their levels.
    luts_before, luts_after
        Tables of the plain mapping of these gates, and at the end. Where ``counts`` is true, the
        latter hold the counts as well, the former do not.
    counts
        Whether the counts became tables.
    steps
        In order.
    """

    name: str
    inputs: int
    nodes_before: int
    depth_before: int
    luts_before: int
    luts_after: int
    depth_after: int
    counts: bool
    steps: tuple[FpgaStep, ...]

    @property
    def status(self) -> str:
        """The weakest verdict of the steps that were kept; ``not proved`` where one has none."""
        found = {step.verdict.status if step.verdict else None for step in self.steps if step.kept}
        return "not proved" if None in found else "tested" if "tested" in found else "proved"


def map_netlist(
    netlist: Netlist,
    k: int = 6,
    *,
    effort: str = "medium",
    seconds: float = 300.0,
    prove_steps: bool = True,
    budget: float = 60.0,
    progress: Progress | None = None,
) -> tuple[LutNetlist, list[FpgaStep]]:
    """Map a netlist to few look-up tables.

    Scripts of ABC are run where it is installed (package pyosys); otherwise those of aigverse,
    where that is; the best result is kept.

    Parameters
    ----------
    netlist
        Any netlist.
    k
        Inputs of a table, 4 to 6.
    effort
        ``"low"``, ``"medium"`` or ``"high"``.
    seconds
        After which no further step is started; a script of ABC is stopped.
    prove_steps
        Compare what a step gives with the argument.
    budget
        Seconds for each proof.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    InputError
        If ``k`` or ``effort`` is not allowed.
    ComparisonError
        If a result is not equivalent: a defect, and nothing that may be used.
    """
    check_choices(k, effort)
    say = progress or (lambda step: None)
    end = time.monotonic() + seconds
    steps: list[FpgaStep] = []
    results: list[LutNetlist] = []
    for name, work in _candidates(netlist, k, effort, end, results):
        say(name)
        started = time.perf_counter()
        found = work()
        took = time.perf_counter() - started
        best = results[-1] if results else None
        if found is None:
            assert best is not None
            steps.append(FpgaStep(f"{name}: stopped", best.n_luts, best.depth, took, False, None))
            continue
        size = (found.n_luts, found.depth)
        kept = best is None or size < (best.n_luts, best.depth)
        verdict = None
        if kept and prove_steps:
            say(f"proof of {name}")
            verdict = checked(netlist, found.to_netlist()[0], budget, name)
        steps.append(FpgaStep(name, *size, took, kept, verdict))
        if kept:
            results.append(found)
    return results[-1], steps


def check_choices(k: int, effort: str) -> None:
    """Check choices of a user.

    Raises
    ------
    InputError
        If one is not allowed.
    """
    if not 4 <= k <= 6:
        raise InputError(f"inputs of a look-up table: {k}, must be 4 to 6")
    if effort not in EFFORTS:
        raise InputError(f"effort {effort!r}: must be one of {', '.join(EFFORTS)}")


def checked(before: Netlist, after: Netlist, budget: float, name: str) -> Verdict:
    """Compare two netlists.

    Raises
    ------
    ComparisonError
        If they differ.
    """
    verdict = prove(before, after, budget=budget)
    if verdict.status == "refuted":
        raise ComparisonError(f"step {name!r}: the network differs from before ({verdict.method})")
    return verdict


Work = Callable[[], LutNetlist | None]


def _candidates(
    netlist: Netlist, k: int, effort: str, end: float, results: list[LutNetlist]
) -> Iterator[tuple[str, Work]]:
    """Give the steps one after the other; each starts from the last of the results so far."""
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs)
    small = Netlist(netlist.n_inputs, *parts)
    yield "rules, cuts", functools.partial(map_to_luts, small, k)
    if not results[-1].n_luts:
        return
    if importlib.util.find_spec("pyosys") is None:
        if importlib.util.find_spec("aigverse") is not None:
            yield from _aigverse(small, k, end)
        return
    for script, times in scripts(effort):
        for _ in range(times):
            source, left = results[-1], end - time.monotonic()
            if left < _SHORTEST:
                return
            yield script.name, functools.partial(run_script, script, source, k, left)
            if results[-1] is source:
                break


def _aigverse(netlist: Netlist, k: int, end: float) -> Iterator[tuple[str, Work]]:
    from lgnx.optimize.synthesis import synthesis_steps

    smallest = netlist
    for name, work in synthesis_steps():
        if time.monotonic() > end:
            return
        found = work(smallest)
        if found.n_nodes < smallest.n_nodes:
            smallest = found
        yield f"{name}, cuts", functools.partial(map_to_luts, smallest, k)


def optimize_for_fpga(
    model: Any,
    k: int = 6,
    *,
    effort: str = "medium",
    seconds: float = 300.0,
    counts: bool = True,
    prove_steps: bool = True,
    budget: float = 60.0,
    progress: Progress | None = None,
) -> tuple[onnx.ModelProto, list[FpgaReport]]:
    """Map every LogicNetwork of a model to look-up tables.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; a layer-level one is lowered first. It is not
        changed.
    counts
        Make the counts of a group sum of tables, too. The outputs of the program are then the
        digits of each count, digit b 2^b times, of which the group sum makes the same count.
    k, effort, seconds, prove_steps, budget, progress
        See `map_netlist`.

    Returns
    -------
    tuple
        The network-level model, and a report for each LogicNetwork node.

    Raises
    ------
    InputError, ComparisonError
        See `map_netlist`.
    ModelError
        If the model has no Boolean region, or a program that is not an initializer.
    """
    from lgnx.passes import lower

    check_choices(k, effort)
    lowered = lower(model, to="network", simplify=False)
    programs = {tensor.name: tensor for tensor in lowered.graph.initializer}
    reports = []
    for node in lowered.graph.node:
        if node.domain != DOMAIN or node.op_type != "LogicNetwork":
            continue
        if len(node.input) < 2 or node.input[1] not in programs:
            raise ModelError(f"node {node.name!r}, input program: must be an initializer")
        tensor = programs[node.input[1]]
        netlist = Netlist.from_program(decode(numpy_helper.to_array(tensor)))
        attributes = {a.name: a for a in node.attribute}
        groups = attributes["groups"].i if "groups" in attributes else 0
        luts, steps = map_netlist(
            netlist,
            k,
            effort=effort,
            seconds=seconds,
            prove_steps=prove_steps,
            budget=budget,
            progress=progress,
        )
        program, counted = luts.to_program(), False
        if counts and groups and netlist.n_outputs > groups:
            if progress:
                progress("counts")
            luts, program, step = _count(luts, groups, k)
            steps.append(step)
            counted = True
            attributes["n_outputs"].i = program.n_outputs
        _replace(lowered, tensor, program)
        reports.append(
            FpgaReport(
                name=node.name,
                inputs=k,
                nodes_before=netlist.n_nodes,
                depth_before=netlist.depth,
                luts_before=steps[0].luts,
                luts_after=luts.n_luts,
                depth_after=luts.depth,
                counts=counted,
                steps=tuple(steps),
            )
        )
    if not reports:
        raise ModelError("the model has no logic network to optimise")
    return lowered, reports


def _count(luts: LutNetlist, groups: int, k: int) -> tuple[LutNetlist, Program, FpgaStep]:
    """Make counts of tables; the program says each digit as often as it weighs."""
    started = time.perf_counter()
    counted = count_groups(luts, groups, k)
    took = time.perf_counter() - started
    started = time.perf_counter()
    n = check_identities(counted)
    method = f"{n} sums, each at all values of what it reads"
    verdict = Verdict("proved", method, 0, None, time.perf_counter() - started)
    digits = counted.luts.outputs.reshape(groups, counted.width)
    repeated = np.repeat(digits, 1 << np.arange(counted.width), axis=1).ravel()
    program = LutNetlist(luts.n_inputs, counted.luts.tables, counted.luts.fanins, repeated)
    step = FpgaStep("counts", counted.luts.n_luts, counted.luts.depth, took, True, verdict)
    return counted.luts, program.to_program(), step


def _replace(model: onnx.ModelProto, tensor: onnx.TensorProto, program: Program) -> None:
    words = encode(program)
    tensor.CopyFrom(numpy_helper.from_array(words, tensor.name))
    for info in model.graph.value_info:
        if info.name == tensor.name:
            info.type.tensor_type.shape.dim[0].dim_value = len(words)
