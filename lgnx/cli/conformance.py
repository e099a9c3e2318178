"""``lgnx conformance``: the cases that any runtime of the operators can be held against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.verify.conformance import Case, Result

_SHOWN = 40  # failures on the screen

Operators = Annotated[
    list[str] | None,
    typer.Option("--operator", metavar="NAME", help="Only cases of this operator; repeatable."),
]


def generate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty folder.")],
    operator: Operators = None,
    self_contained: Annotated[
        bool, typer.Option("--self-contained", help="Write the function bodies into the models.")
    ] = False,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Write the cases as files, in the layout of onnx's backend tests.

    FOLDER/valid holds the cases that must run, FOLDER/error those that must be refused. The files
    are the same every time.
    """
    from lgnx.verify.conformance import generate_cases, save_cases

    cases = list(generate_cases(operator or ()))
    with common.progress(f"writing {folder}", len(cases)) as advance:
        for _ in save_cases(cases, folder, self_contained=self_contained):
            advance(1)
    errors = sum(case.refusal is not None for case in cases)
    if json:
        common.print_json({"folder": folder, "valid": len(cases) - errors, "error": errors})
        return
    print(f"{folder}: {len(cases) - errors} cases that must run, {errors} that must be refused")


def run(
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend", metavar="NAME", help="Backend to run; repeatable. Without it all."
        ),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option("--cases", metavar="FOLDER", help="Cases from files; else they are made."),
    ] = None,
    operator: Operators = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE", help="Write results as .md or .json."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare the --table with the results; do not write it."),
    ] = False,
    list_backends: Annotated[
        bool, typer.Option("--list-backends", help="List the backends, and run none.")
    ] = False,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Run the cases on backends, and compare bit for bit.

    Exits with 1 if a case failed, or a checked table is out of date. A Markdown file that has the
    marks of a table gets the new one in their place.
    """
    from lgnx.ops.errors import InputError
    from lgnx.verify.conformance import find_backends, generate_cases, load_cases, run_cases
    from lgnx.verify.conformance.table import plain

    if check and table is None:
        raise InputError("--check compares the file given with --table")
    if table is not None and table.suffix not in (".md", ".json"):
        raise InputError(f"{table}: a table is a .md or a .json file")
    chosen = find_backends(backend or ())
    missing = {b.name: reason for b in chosen if (reason := b.missing()) is not None}
    screen = common.console(json)
    if list_backends:
        listed = common.plain_table("backend", "", "")
        for b in chosen:
            listed.add_row(b.name, b.title, f"[yellow]{escape(missing.get(b.name, ''))}[/yellow]")
            b.close()
        screen.print(listed)
        return
    known = load_cases(cases) if cases else list(generate_cases(operator or ()))
    selected = [c for c in known if not operator or c.operator in operator]
    present = [b for b in chosen if b.name not in missing]
    results: list[Result] = []
    with common.progress("conformance", len(selected) * len(present)) as advance:
        for result in run_cases(present, selected):
            results.append(result)
            advance(1)
    others = [b for b in find_backends() if b.name not in {c.name for c in chosen}]
    not_run = missing | {b.name: "not chosen" for b in others}
    every = sorted([*chosen, *others], key=lambda b: b.title)
    outdated = _table(table, check, every, not_run, selected, results) if table else []
    if json:
        common.print_json(plain(missing, results))
    _show(screen, chosen, missing, results)
    for line in outdated:
        print(line)
    if outdated:
        screen.print(f"[red]{escape(str(table))} is out of date[/red]")
    if outdated or any(r.status == "failed" for r in results):
        raise typer.Exit(common.FAILED)


def _table(
    path: Path,
    check: bool,
    backends: list[Any],
    missing: dict[str, str],
    cases: list[Case],
    results: list[Result],
) -> list[str]:
    """Write the table, or give the lines in which it differs."""
    import json

    from lgnx.files import atomic_path
    from lgnx.ops.errors import InputError
    from lgnx.verify.conformance.table import BEGIN, EMPTY, difference, insert, markdown, plain

    try:
        page = path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if path.suffix == ".json":
        text = json.dumps(plain(missing, results), indent=2) + "\n"
        if check:
            return [] if page == text else [f"{path}: other results"]
    else:
        text = markdown(backends, missing, cases, results)
        if check:
            return difference(page, text, str(path))
        text = insert(page if BEGIN in page else EMPTY, text, str(path))
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return []


def _show(screen: Any, backends: list[Any], missing: dict[str, str], results: list[Result]) -> None:
    right = ("passed", "failed", "not applicable")
    table = common.plain_table("backend", *right, right=right)
    for b in backends:
        if b.name in missing:
            table.add_row(b.name, "-", "-", "-")
            continue
        counts = [sum(r.backend == b.name and r.status == s for r in results) for s in right]
        failed = f"[red]{counts[1]:,}[/red]" if counts[1] else "0"
        table.add_row(b.name, f"{counts[0]:,}", failed, f"{counts[2]:,}")
    screen.print(table)
    for name, reason in missing.items():
        screen.print(f"[yellow]{escape(name)}: not run: {escape(reason)}[/yellow]")
    broken = [r for r in results if r.status == "failed"]
    for r in broken[:_SHOWN]:
        screen.print(f"[red]failed[/red] {r.backend} {r.case}: {escape(r.reason)}")
    if len(broken) > _SHOWN:
        screen.print(f"and {len(broken) - _SHOWN:,} more; --json or --table has all")


COMMANDS = {
    generate: (
        "lgnx conformance generate cases",
        "lgnx conformance generate cases --operator LogicConv",
    ),
    run: (
        "lgnx conformance run --backend reference --backend bitwise",
        "lgnx conformance run --cases cases --table results.json",
        "lgnx conformance run --table docs/conformance.md --check",
    ),
}
"""The commands of the group, each with its examples."""
