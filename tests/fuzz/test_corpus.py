"""Every parser that is fuzzed takes its corpus, and what was found once, without a crash."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGETS = sorted(p for p in HERE.glob("*.py") if "\ndef target(" in p.read_text("utf-8"))


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_a_parser_takes_whatever_comes(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"fuzz_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for data in (b"", b"\x00", b"\n", b"\xff" * 64):
        module.target(data)
    for seed in sorted((HERE / "corpus" / path.stem).glob("*")):
        module.target(seed.read_bytes())
