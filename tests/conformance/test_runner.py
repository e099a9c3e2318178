"""The suite finds what is wrong with a backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lgnx.ops.errors import InputError
from lgnx.verify.conformance import Backend, Case, find_backends, run_case, run_cases
from lgnx.verify.conformance.backends.custom_op import CustomOp
from lgnx.verify.conformance.backends.reference import Reference
from lgnx.verify.conformance.table import EMPTY, difference, insert, markdown, plain


class OneBit(Reference):
    """Flips one bit of the last data set's outputs."""

    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        y = super().run(model, inputs)[0].copy()
        if y.size:
            last = y.reshape(-1).view(np.uint8)[-1:]
            last ^= 1
        return [y]


class WrongType(Reference):
    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        return [super().run(model, inputs)[0].astype(np.int8)]


class WrongShape(Reference):
    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        return [super().run(model, inputs)[0][..., None]]


class NegativeZero(Reference):
    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        y = super().run(model, inputs)[0]
        return [np.where(y == 0, y.dtype.type(-0.0), y)]


class TwoOutputs(Reference):
    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        return [*super().run(model, inputs)] * 2


class TakesAnything(Reference):
    """Never refuses: gives zeros where the reference raises."""

    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        try:
            return super().run(model, inputs)
        except Exception:
            return [np.zeros(1, bool)]


class Mumbles(Reference):
    """Refuses without saying what is wrong."""

    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        try:
            return super().run(model, inputs)
        except Exception:
            raise ValueError("no") from None


class Raises(Reference):
    def run(self, model: Any, inputs: Any) -> list[np.ndarray]:
        raise RuntimeError("not today")


@pytest.fixture(scope="module")
def some(cases) -> list[Case]:
    return [case for case in cases if case.operator in ("LogicDense", "GroupSum", "BitCount")]


@pytest.mark.parametrize(
    ("backend", "kind", "reason"),
    [
        (OneBit(), "valid", "values differ; at"),
        (WrongType(), "valid", "is int8, must be"),
        (WrongShape(), "valid", "must be ["),
        (TwoOutputs(), "valid", "2 outputs, must be 1"),
        (Raises(), "valid", "RuntimeError: not today"),
        (TakesAnything(), "error", "was not refused, "),
        (Mumbles(), "error", "the error does not name "),
    ],
)
def test_a_broken_backend_is_caught(some, backend, kind, reason):
    failed = 0
    for case in some:
        result = run_case(backend, case)
        if case.kind != kind:
            continue
        empty = all(not y.size for data in case.data for y in data.outputs)
        if isinstance(backend, OneBit) and empty:
            continue
        assert result.status == "failed", case.name
        assert reason in result.reason
        failed += 1
    assert failed > 20


def test_the_sign_of_a_zero_counts(some):
    case = next(c for c in some if c.name == "group_sum_zeros")
    assert run_case(Reference(), case).status == "passed"
    assert "wrong sign" in run_case(NegativeZero(), case).reason


def test_a_reason_leaves_a_case_aside_and_is_kept(some):
    class Narrow(Reference):
        def supports(self, case: Case) -> str | None:
            return None if case.operator == "GroupSum" else "sums only"

    for result in run_cases([Narrow()], some):
        assert (result.status == "not applicable") == (result.operator != "GroupSum")
        assert result.reason == ("" if result.operator == "GroupSum" else "sums only")


def test_errors_that_a_backend_does_not_look_for_do_not_apply(some):
    class Trusting(Reference):
        detects = frozenset({"data"})

    for case in some:
        result = run_case(Trusting(), case)
        seen = case.refusal is None or case.refusal.seen_in == "data"
        assert result.status == ("passed" if seen else "not applicable")


def test_a_process_that_ends_is_a_case_that_failed_and_not_the_end(some, monkeypatch):
    backend = CustomOp("portable")
    assert backend.missing() is None
    process = backend._process
    assert process is not None
    process.kill()
    good = next(case for case in some if case.name == "logic_dense_k_2_int32")
    result = run_case(backend, good)
    assert result.status == "failed"
    assert "the process ended with code -9" in result.reason
    assert run_case(backend, good).status == "passed"
    backend.close()


def test_an_instruction_set_that_is_not_there_says_so():
    backend = CustomOp("mmx")
    assert "mmx" in (backend.missing() or "")
    backend.close()


def test_unknown_backends_are_refused():
    with pytest.raises(InputError, match="no backend 'abacus'; there are: "):
        find_backends(["abacus"])


class TestTable:
    @pytest.fixture
    def table(self, some) -> Any:
        def make(*backends: Backend, missing: dict[str, str] | None = None) -> str:
            missing = missing or {}
            results = list(run_cases([b for b in backends if b.name not in missing], some))
            return markdown(backends, missing, some, results)

        return make

    def test_failures_show(self, table, some):
        text = table(OneBit())
        row = next(line for line in text.splitlines() if line.startswith("| numpy reference"))
        assert "**" in row
        assert "`logic_dense_k_2_int32`" in text.partition("Failed:")[2]
        assert "- none" in table(Reference()).partition("Failed:")[2]

    def test_counts_add_up(self, table, some):
        text = table(Reference())
        assert text.startswith(f"{len(some)} cases.")
        row = next(line for line in text.splitlines() if line.startswith("| numpy reference"))
        numbers = [int(n) for cell in row.split("|")[2:-1] for n in cell.split("/")]
        assert sum(numbers) == len(some)

    def test_a_page_keeps_its_text_and_is_up_to_date_until_results_change(self, table):
        page = insert(f"before\n{EMPTY}after\n", table(Reference()), "page.md")
        assert page.startswith("before\n")
        assert page.endswith("after\n")
        assert insert(page, table(Reference()), "page.md") == page
        assert difference(page, table(Reference()), "page.md") == []
        changed = difference(page, table(OneBit()), "page.md")
        assert any(line.startswith("+| numpy reference") for line in changed)

    def test_a_backend_that_was_not_run_is_not_compared(self, table):
        other = CustomOp("avx512")
        here = table(Reference(), other, missing={other.name: "no such instructions"})
        assert "| custom op, avx512 | not run here |" in here
        page = insert(EMPTY, here, "page.md")
        there = here.replace("| not run here | not run here", "| 1 / 0 / 0 | 2 / 0 / 0")
        assert difference(page, there, "page.md") == []

    def test_a_page_without_a_place_is_named(self, table):
        with pytest.raises(InputError, match=r"page.md: has no place for the table"):
            insert("text", table(Reference()), "page.md")

    def test_json_has_counts_and_what_did_not_pass(self, some):
        results = list(run_cases([OneBit()], some))
        facts = plain({"other": "absent"}, results)
        assert facts["not_run"] == {"other": "absent"}
        counts = facts["counts"]["reference"]
        assert sum(sum(c.values()) for c in counts.values()) == len(some)
        assert {"backend", "case", "status", "reason"} == set(facts["results"][0])
