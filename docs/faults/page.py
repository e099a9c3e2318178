"""The tables of errors on the page of the operators."""

from __future__ import annotations

from collections.abc import Iterator

import lgnx
from faults import faults_of, of_models
from faults.run import MISSING, OURS, checked, kernel_error
from lgnx.ops._operator import Operator
from lgnx.ops.errors import Problem


def table(operator: Operator) -> Iterator[tuple[str, str, str]]:
    """Give condition, message of lgnx.check and message of the kernel for each fault."""
    for fault in faults_of(operator):
        problems = checked(operator, fault)
        yield fault.when, _problems(problems), _kernel(kernel_error(operator, fault), problems)


def model_table() -> Iterator[tuple[str, str]]:
    """Give condition and message of lgnx.check for each fault of a model as a whole."""
    for when, change in of_models.FAULTS:
        yield when, _problems(lgnx.check(of_models.broken(change)))


def _problems(problems: list[Problem]) -> str:
    ours = [problem for problem in problems if problem.field != "onnx checker"]
    if not ours:
        return "onnx's checker refuses it" if problems else "nothing"
    return "; ".join(
        f"{'a warning: ' if p.severity == 'warning' else ''}`{p.field}: {p.message}`" for p in ours
    )


def _kernel(error: str | None, problems: list[Problem]) -> str:
    if error is None:
        return "runs"
    if MISSING in error:
        return "has none"
    found = OURS.search(error)
    if found is None:
        return "onnxruntime refuses it"
    message = found[1].strip()
    same = [f"{problem.field}: {problem.message}" for problem in problems] == [message]
    return "the same" if same else f"`{message}`"
