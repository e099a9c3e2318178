"""Results as a table of Markdown: a line for each backend, a column for each operator."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lgnx.ops import OPERATORS
from lgnx.ops.errors import InputError
from lgnx.verify.conformance.backend import Backend, Result
from lgnx.verify.conformance.case import Case

BEGIN = "<!-- conformance table: lgnx conformance run --table writes it -->"
END = "<!-- end of the conformance table -->"
EMPTY = f"{BEGIN}\n{END}\n"
"""A page that is all table."""

_NOT_RUN = "not run here"


def markdown(
    backends: Sequence[Backend],
    missing: Mapping[str, str],
    cases: Iterable[Case],
    results: Collection[Result],
) -> str:
    """Write results as Markdown.

    Parameters
    ----------
    missing
        Why a backend was not run, by its name.
    """
    sizes = Counter(case.operator for case in cases)
    operators = [name for name in OPERATORS if name in sizes]
    lines = [
        f"{sum(sizes.values())} cases. Each cell: passed / failed / not applicable.\n",
        f"| backend | {' | '.join(operators)} |",
        f"|---|{'---|' * len(operators)}",
    ]
    counts = Counter((r.backend, r.operator, r.status) for r in results)
    for backend in backends:
        if backend.name in missing:
            cells = [_NOT_RUN] * len(operators)
        else:
            cells = [_cell(counts, backend.name, operator) for operator in operators]
        lines.append(f"| {backend.title} | {' | '.join(cells)} |")
    lines += ["", "Failed:", "", *_failed(backends, results)]
    lines += ["", "Not applicable:", "", *_reasons(backends, missing, results)]
    return "\n".join(lines) + "\n"


def _cell(counts: Mapping[Any, int], backend: str, operator: str) -> str:
    passed, failed, other = (
        counts[backend, operator, status] for status in ("passed", "failed", "not applicable")
    )
    return f"{passed} / {f'**{failed}**' if failed else 0} / {other}"


def _failed(backends: Sequence[Backend], results: Collection[Result]) -> list[str]:
    lines = []
    for backend in backends:
        names = [r.case for r in results if r.backend == backend.name and r.status == "failed"]
        if names:
            lines.append(f"- {backend.title}: {', '.join(f'`{name}`' for name in names)}")
    return lines or ["- none"]


def _reasons(
    backends: Sequence[Backend], missing: Mapping[str, str], results: Collection[Result]
) -> list[str]:
    lines = []
    for backend in backends:
        if backend.name in missing:
            lines.append(f"- {backend.title}: {_NOT_RUN}")
            continue
        of_reason: dict[str, Counter[str]] = {}
        for r in results:
            if r.backend == backend.name and r.status == "not applicable":
                of_reason.setdefault(r.reason, Counter())[r.operator] += 1
        for reason, operators in of_reason.items():
            where = ", ".join(f"{operator} {n}" for operator, n in operators.items())
            lines.append(f"- {backend.title}: {reason} ({where})")
    return lines or ["- none"]


def plain(missing: Mapping[str, str], results: Iterable[Result]) -> dict[str, Any]:
    """Results for JSON."""
    tally: dict[str, dict[str, Counter[str]]] = {}
    others = []
    for r in results:
        tally.setdefault(r.backend, {}).setdefault(r.operator, Counter())[r.status] += 1
        if r.status != "passed":
            others.append(
                {"backend": r.backend, "case": r.case, "status": r.status, "reason": r.reason}
            )
    return {"not_run": dict(missing), "counts": tally, "results": others}


def insert(page: str, table: str, name: str) -> str:
    """Put a table into a page, in place of the one between its two marks.

    Raises
    ------
    InputError
        If the page, called ``name``, does not have the marks.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise InputError(
            f"{name}: has no place for the table; it needs the lines {BEGIN} and {END}"
        )
    return f"{head}{BEGIN}\n\n{table}\n{END}{tail}"


def difference(page: str, table: str, name: str) -> list[str]:
    """Lines in which the table of a page is not what it should be.

    Backends that were not run, now or when the page was written, are left aside.
    """
    present, wanted = page.splitlines(), insert(page, table, name).splitlines()
    aside = tuple(
        start
        for line in (*present, *wanted)
        if _NOT_RUN in line
        for title in [
            line.split("|")[1].strip() if line.startswith("|") else line[2:].split(":")[0]
        ]
        for start in (f"| {title} |", f"- {title}:")
    )
    is_, should_be = (
        [line for line in lines if not line.startswith(aside)] for lines in (present, wanted)
    )
    return list(difflib.unified_diff(is_, should_be, "is", "should be", lineterm="", n=0))
