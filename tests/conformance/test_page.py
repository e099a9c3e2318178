"""The backend that docs/conformance.md shows, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lgnx.verify.conformance import Result

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


def test_the_example_of_the_page_runs_every_case(cases):
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    assert len(code[code.index("class") : code.index("results =")].strip().splitlines()) <= 15
    scope: dict[str, Any] = {}
    exec(code, scope)
    results: list[Result] = scope["results"]
    assert not scope["failed"]
    assert len(results) == len(cases)
    assert {r.kind for r in results if r.status == "passed"} == {"valid"}
