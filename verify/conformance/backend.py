"""What a backend is, and what its results are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import onnx

from lgnx.verify.conformance.case import Case

Run = Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]]


class Backend:
    """Something that runs models. Subclass it and define ``name`` and `run`.

    Attributes
    ----------
    name
        Short name, for the command line.
    title
        Head of its column in tables.
    detects
        What it looks at before it trusts a model (`lgnx.verify.conformance.case.SeenIn`): the
        cases of errors that are seen in other places do not apply to it.
    """

    name: str
    title: str
    detects: ClassVar[frozenset[str]] = frozenset()

    def missing(self) -> str | None:
        """Say why the backend cannot run on this machine; None if it can."""
        return None

    def supports(self, case: Case) -> str | None:
        """Say why a case does not apply to the backend; None if it does."""
        return None

    def run(self, model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        """Run a model.

        Parameters
        ----------
        inputs
            Arrays by the names of the model's inputs.

        Returns
        -------
        list
            The outputs in the order of the model.

        Raises
        ------
        Exception
            If the model or its inputs must be refused; the message names the field at fault.
        """
        raise NotImplementedError

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Load a model that is run with several inputs; by default `run` is called for each."""
        return partial(self.run, model)

    def close(self) -> None:
        """Release what the backend holds."""


Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class Result:
    """What came of a case on a backend.

    Attributes
    ----------
    reason
        Why it failed, or why it does not apply; empty if it passed.
    """

    backend: str
    case: str
    operator: str
    kind: str
    status: Status
    reason: str = ""


def run_case(backend: Backend, case: Case) -> Result:
    """Run a case on a backend and judge what it gives."""

    def result(status: Status, reason: str = "") -> Result:
        return Result(backend.name, case.name, case.operator, case.kind, status, reason)

    if case.refusal and case.refusal.seen_in not in backend.detects:
        return result("not applicable", _UNSEEN[case.refusal.seen_in])
    reason = backend.supports(case)
    if reason:
        return result("not applicable", reason)
    try:
        run = backend.prepare(case.model)
        outputs = [run(data.inputs) for data in case.data]
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        if not case.refusal:
            return result("failed", f"{type(error).__name__}: {text}")
        if re.search(rf"\b{re.escape(case.refusal.field)}\b", text):
            return result("passed")
        return result("failed", f"the error does not name {case.refusal.field}: {text}")
    if case.refusal:
        return result("failed", f"was not refused, {case.refusal.field} should have been named")
    for number, (actual, data) in enumerate(zip(outputs, case.data, strict=True)):
        problem = _difference(actual, data.outputs)
        if problem:
            return result("failed", f"data set {number}: {problem}")
    return result("passed")


_UNSEEN = {
    "file": "errors that a file can be run with: it does not check what it does not use",
    "node": "errors of a node: it checks no attributes, types and constants",
    "data": "errors of what is fed: it checks no data",
}


def _difference(actual: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> str | None:
    """Say how outputs differ from those expected; there is no tolerance."""
    if len(actual) != len(expected):
        return f"{len(actual)} outputs, must be {len(expected)}"
    for number, (a, e) in enumerate(zip(actual, expected, strict=True)):
        a = np.asarray(a)
        if a.dtype != e.dtype:
            return f"output {number} is {a.dtype}, must be {e.dtype}"
        if a.shape != e.shape:
            return f"output {number} has shape {list(a.shape)}, must be {list(e.shape)}"
        if a.tobytes() != e.tobytes():
            wrong = np.argwhere(a != e)
            if not len(wrong):
                return f"output {number} has zeros of the wrong sign"
            at = tuple(wrong[0].tolist())
            return (
                f"output {number}: {len(wrong)} of {e.size} values differ; at {list(at)} "
                f"{a[at]}, must be {e[at]}"
            )
    return None


def run_cases(backends: Iterable[Backend], cases: Sequence[Case]) -> Iterator[Result]:
    """Run cases on backends that are there, one backend after the other."""
    for backend in backends:
        try:
            for case in cases:
                yield run_case(backend, case)
        finally:
            backend.close()
