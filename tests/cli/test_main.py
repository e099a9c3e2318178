"""The command line as a whole: help, version, errors, exit codes, quick start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from lgnx.cli import common
from lgnx.ops.errors import ComparisonError, InputError

Run = Callable[..., Any]

COMMANDS = [
    *"demo export convert formats check inspect lower optimize".split(),
    *"run bench rtl cosim prove estimate".split(),
]


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_has_an_example_and_fits_80_columns(cli: Run, command: str | None) -> None:
    result = cli(*([command] if command else []), "--help")
    assert result.exit_code == 0
    assert f"lgnx {command or ''}" in result.stdout.split("Example")[1]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_main_help_names_every_command(cli: Run) -> None:
    text = cli("--help").stdout
    assert all(f" {command} " in text for command in COMMANDS)


def test_version(cli: Run) -> None:
    assert cli("--version").stdout == f"lgnx {version('lgnx')}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["run", "--nonsense"]])
def test_usage_errors_exit_with_2(cli: Run, arguments: list[str]) -> None:
    assert cli(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["inspect"],
        ["optimize"],
        ["lower", "--to", "network"],
        ["run", "x.npy", "-o", "y.npy"],
        ["rtl", "-o", "rtl"],
        ["cosim", "rtl"],
        ["export", "-o", "out.onnx"],
    ],
)
@pytest.mark.parametrize("content", [None, b"", b"no model", "truncated"])
def test_a_file_that_is_no_model_is_refused_by_every_command(
    cli: Run,
    layer_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    content: bytes | str | None,
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    if content is not None:
        data = layer_model.read_bytes()
        Path("m.onnx").write_bytes(data[: len(data) // 2] if isinstance(content, str) else content)
    command, *rest = arguments
    result = cli(command, "m.onnx", *rest)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: m.onnx: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert [path.name for path in folder.iterdir()] == (["m.onnx"] if content is not None else [])


def test_debug_shows_the_traceback_before_or_after_the_command(cli: Run) -> None:
    for arguments in (["--debug", "check", "none.onnx"], ["check", "none.onnx", "--debug"]):
        result = cli(*arguments)
        assert result.exit_code == 2
        assert "Traceback" in result.stderr
        assert result.stderr.splitlines()[-1] == "error: none.onnx: no such file"
    assert "Traceback" not in cli("check", "none.onnx").stderr


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("too\nlong"), 2, "error: too long"),
        (ComparisonError("differs"), 1, "error: differs"),
        (PermissionError(13, "Permission denied", "a.onnx"), 2, "error: a.onnx: Permission denied"),
        (
            ZeroDivisionError("oh"),
            2,
            "error: ZeroDivisionError: oh (unexpected; --debug shows where)",
        ),
    ],
)
def test_an_exception_becomes_one_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, line: str
) -> None:
    common.reset_debug(False)
    assert common.report_error(error) == code
    assert capsys.readouterr().err == line + "\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from lgnx.cli import app;"
        "CliRunner().invoke(app, ['run', '--help']);"
        "print([m for m in ('numpy', 'onnx', 'onnxruntime', 'torch', 'matplotlib', 'networkx',"
        "'jinja2', 'qonnx', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_units() -> None:
    assert [common.seconds(s) for s in (None, 0, 3e-7, 0.0123, 2.5, 4321.0)] == [
        "-", "0 s", "300 ns", "12.3 ms", "2.5 s", "4,321 s",
    ]  # fmt: skip
    assert [common.size(n) for n in (0, 999, 1500, 2_500_000, 3_000_000_000)] == [
        "0 bytes", "999 bytes", "1.5 kB", "2.5 MB", "3.0 GB",
    ]  # fmt: skip


def test_progress_without_a_terminal_is_silent_when_quick(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with common.progress("working", 10) as advance:
        advance(5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(common, "_QUIET_SECONDS", 0.0)
    with common.progress("working", 10) as advance:
        advance(5)
    assert capsys.readouterr().err == "working: 50 %\n"
