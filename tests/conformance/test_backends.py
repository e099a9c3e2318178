"""Every operator on every backend: no case may fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lgnx.ops import OPERATORS
from lgnx.verify.conformance import Backend, find_backends, generate_cases, run_cases

BACKENDS = {backend.name: backend for backend in find_backends()}


@pytest.fixture(scope="module")
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    backend = BACKENDS[request.param]
    reason = backend.missing()
    if reason:
        pytest.skip(reason)
    yield backend
    backend.close()


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
def test_no_case_fails(backend: Backend, operator: str) -> None:
    results = list(run_cases([backend], list(generate_cases([operator]))))
    failed = [f"{r.case}: {r.reason}" for r in results if r.status == "failed"]
    assert not failed, f"{len(failed)} of {len(results)}:\n" + "\n".join(failed)
    assert all(r.reason for r in results if r.status == "not applicable")


@pytest.mark.parametrize("name", BACKENDS)
def test_most_backends_run_most_cases(name: str, cases) -> None:
    """What does not apply is the exception: no backend may hide behind it."""
    refusals = [case for case in cases if case.refusal]
    applicable = [c for c in cases if not c.refusal and BACKENDS[name].supports(c) is None]
    least = {"netlist": 0.55, "torch": 0.7, "bitwise": 0.75}.get(name, 1)
    assert len(applicable) >= least * (len(cases) - len(refusals))
