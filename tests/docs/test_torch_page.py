"""The examples of docs/torch.md, run as they stand there; what they print is what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

PAGE = (Path(__file__).parents[2] / "docs/torch.md").read_text()


def test_the_examples_run_and_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/torch.md", "exec"), namespace)
    printed = capsys.readouterr().out
    said = re.findall(r"^print\(.*\)  # (.*)$", PAGE, re.MULTILINE)
    assert len(said) == 6
    for text in said[:-1]:
        assert text.split("...")[0].split(", which is")[0] in printed
    assert "def forward(self, x):" in printed


def test_every_function_and_module_is_in_the_table() -> None:
    import lgnx.torch

    for name in lgnx.torch.__all__:
        assert f"`{name}(" in PAGE or f"{name}()" in PAGE
