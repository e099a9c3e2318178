"""`lgnx conformance`: cases as files, and backends held against them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lgnx.verify.conformance.backends.reference import Reference
from lgnx.verify.conformance.table import EMPTY

Run = Callable[..., Any]

SMALL = ("--operator", "PackBits", "--operator", "BitCount")


@pytest.mark.parametrize("command", [(), ("generate",), ("run",)])
def test_help_has_an_example_and_fits_80_columns(cli: Run, command: tuple[str, ...]) -> None:
    result = cli("conformance", *command, "--help")
    assert result.exit_code == 0
    assert "lgnx conformance" in result.stdout.split("Example")[1]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_generated_cases_are_run(cli: Run, tmp_path: Path) -> None:
    folder, table = tmp_path / "cases", tmp_path / "table.json"
    made = cli("conformance", "generate", folder, *SMALL, "--json")
    assert made.exit_code == 0, made.stderr
    counts = json.loads(made.stdout)
    assert (folder / "valid/pack_bits_batches/test_data_set_4/output_0.pb").exists()
    result = cli(
        *("conformance", "run", "--cases", folder),
        *("--backend", "reference", "--backend", "bodies-onnxruntime", "--table", table),
    )
    assert result.exit_code == 0, result.stderr
    facts = json.loads(table.read_text())["counts"]["reference"]
    assert sum(n["passed"] for n in facts.values()) == counts["valid"] + counts["error"]


def test_a_table_is_checked(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n{EMPTY}")
    arguments = ("conformance", "run", *SMALL, "--backend", "reference", "--table", page)
    assert cli(*arguments).exit_code == 0
    written = page.read_text()
    assert written.startswith("# Title\n")
    assert "| numpy reference | " in written
    assert cli(*arguments, "--check").exit_code == 0
    both = cli(*arguments, "--backend", "bodies-onnx", "--check")
    assert both.exit_code == 0, both.stdout
    monkeypatch.setattr(Reference, "supports", lambda self, case: "closed")
    result = cli(*arguments, "--check")
    assert result.exit_code == 1
    assert "page.md is out of date" in " ".join(result.stdout.split())
    assert page.read_text() == written


def test_a_failed_case_exits_with_1(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reference, "run", lambda self, model, inputs: [])
    result = cli("conformance", "run", *SMALL, "--backend", "reference")
    assert result.exit_code == 1
    assert "failed reference pack_bits_batches: data set 0: 0 outputs, must be 1" in " ".join(
        result.stdout.split()
    )


def test_backends_are_listed(cli: Run) -> None:
    text = cli("conformance", "run", "--list-backends").stdout
    assert all(name in text for name in ("reference", "bodies-onnx", "custom-op-portable"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "abacus"], "there is no backend 'abacus'"),
        (["--operator", "Conv"], "there are no cases of 'Conv'"),
        (["--check"], "--check compares the file given with --table"),
        (["--table", "results.txt"], "a table is a .md or a .json file"),
        (["--cases", "nowhere"], "holds no conformance cases"),
    ],
)
def test_bad_arguments_are_refused(cli: Run, arguments: list[str], message: str) -> None:
    result = cli("conformance", "run", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
