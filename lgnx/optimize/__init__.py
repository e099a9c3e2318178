"""The optimiser: smaller networks, each result proved equal to what it came from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from lgnx.netlist.netlist import Netlist
from lgnx.ops import DOMAIN, engine
from lgnx.ops.errors import ComparisonError, ModelError
from lgnx.ops.program import decode, encode
from lgnx.optimize import proof
from lgnx.optimize.proof import Verdict, prove

__all__ = ["Report", "Result", "Step", "Verdict", "optimize", "optimize_netlist", "prove"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One step of the optimiser.

    Attributes
    ----------
    name
        What was done.
    nodes, depth
        Of the network after it.
    seconds
        Time it took.
    kept
        False where the result was not better and was dropped.
    """

    name: str
    nodes: int
    depth: int
    seconds: float
    kept: bool = True


@dataclass(frozen=True)
class Report:
    """What the optimiser did to one network.

    Attributes
    ----------
    name
        Name of the node in the model; empty for a bare netlist.
    nodes_before, nodes_after, depth_before, depth_after
        Sizes.
    steps
        In order.
    verdict
        Of the comparison of the first network with the last; None where no proof was asked for.
    """

    name: str
    nodes_before: int
    nodes_after: int
    depth_before: int
    depth_after: int
    steps: tuple[Step, ...]
    verdict: Verdict | None


@dataclass(frozen=True)
class Result:
    """An optimised netlist and its report."""

    netlist: Netlist
    report: Report


def optimize_netlist(
    netlist: Netlist,
    *,
    synthesis: bool = False,
    prove: bool = True,
    budget: float = 60.0,
    name: str = "",
    progress: Progress | None = None,
) -> Result:
    """Make a netlist smaller.

    Parameters
    ----------
    netlist
        Any netlist.
    synthesis
        Also run logic synthesis (aigverse), beyond the rules that are always applied.
    prove
        Compare the result with the argument.
    budget
        Seconds for the proof.
    name
        Goes into the report.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    ComparisonError
        If the result is not equivalent: a defect, and nothing that may be used.
    MissingExtraError
        If synthesis is asked for and aigverse is not installed.
    """
    steps: list[Step] = []
    best = netlist
    for step, work in _steps(synthesis):
        if progress:
            progress(step)
        start = time.perf_counter()
        candidate = work(best)
        seconds = time.perf_counter() - start
        size = (candidate.n_nodes, candidate.depth)
        kept = size < (best.n_nodes, best.depth)
        steps.append(Step(step, *size, seconds, kept))
        if kept:
            best = candidate
    verdict = None
    if prove:
        if progress:
            progress("proof")
        verdict = _verdict(netlist, best, budget, name)
    report = Report(
        name, netlist.n_nodes, best.n_nodes, netlist.depth, best.depth, tuple(steps), verdict
    )
    return Result(best, report)


def _steps(synthesis: bool) -> Iterator[tuple[str, Callable[[Netlist], Netlist]]]:
    yield "rules", _rules
    if synthesis:
        from lgnx.optimize.synthesis import synthesis_steps

        yield from synthesis_steps()


def _rules(netlist: Netlist) -> Netlist:
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs)
    return Netlist(netlist.n_inputs, *parts)


def _verdict(before: Netlist, after: Netlist, budget: float, name: str) -> Verdict:
    verdict = proof.prove(before, after, budget=budget)
    if verdict.status == "refuted":
        example = verdict.counterexample
        shown = "" if example is None else f" on input {np.flatnonzero(example).tolist()[:20]}"
        raise ComparisonError(
            f"the optimised network{f' of node {name!r}' if name else ''} is not equivalent to "
            f"the original{shown} ({verdict.method})"
        )
    return verdict


def optimize(
    model: Any,
    *,
    synthesis: bool = False,
    prove: bool = True,
    budget: float = 60.0,
    progress: Progress | None = None,
) -> tuple[onnx.ModelProto, list[Report]]:
    """Optimise every LogicNetwork of a model.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; a layer-level one is lowered first. It is not
        changed.
    synthesis, prove, budget, progress
        As for `optimize_netlist`.

    Returns
    -------
    tuple
        The network-level model, and a report for each LogicNetwork node.

    Raises
    ------
    ModelError
        If the model has no Boolean region, or a program that is not an initializer.
    ComparisonError
        If a result is not equivalent.
    """
    from lgnx.passes import lower

    # Comparing starts from the network as it was lowered, before any simplification.
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
        result = optimize_netlist(
            netlist,
            synthesis=synthesis,
            prove=prove,
            budget=budget,
            name=node.name,
            progress=progress,
        )
        words = encode(result.netlist.to_program())
        tensor.CopyFrom(numpy_helper.from_array(words, tensor.name))
        for info in lowered.graph.value_info:
            if info.name == tensor.name:
                info.type.tensor_type.shape.dim[0].dim_value = len(words)
        reports.append(result.report)
    if not reports:
        raise ModelError("the model has no logic network to optimise")
    return lowered, reports
