"""The report is one HTML file that needs nothing else and escapes what it is given."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from lgnx.ops.errors import MissingExtraError
from lgnx.verify.report import Report, Stage, plot_functions, plot_speeds, write_report

STAGES = [
    Stage("torch", 4200, 61.25, 31234.0, 0.9472, 0),
    Stage("numpy & more", None, None, None, None, 0),
    Stage("RTL", 3011, 22.0, 4.2e5, 0.9472, 7),
]


def report(title: str = "Digits") -> Report:
    return Report(
        title=title,
        summary="One network.",
        stages=STAGES,
        functions={"before": {"x0 & x1": 4, "1": 2}, "after": {"x0 & x1": 3}},
        facts={"proof": "proved <by> aigverse"},
        files={"model": "digits.onnx", "RTL": "rtl/a b"},
        drawing='<?xml version="1.0"?><svg width="9pt" viewBox="0 0 9 9"><g id="cone"/></svg>',
        drawing_text="Output 3",
    )


def written(tmp_path: Path, content: Report) -> str:
    path = tmp_path / "report.html"
    write_report(content, path)
    assert list(tmp_path.iterdir()) == [path]
    return path.read_text(encoding="utf-8")


class Balanced(HTMLParser):
    """Checks that every element is closed where it should be."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing(tmp_path: Path) -> None:
    page = written(tmp_path, report())
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"<(script|link|img|iframe)\b|@import|url\((?!#)", page)
    assert not re.search(r'(src|href)="https?:', page)


def test_the_page_shows_numbers_plots_drawing_and_links(tmp_path: Path) -> None:
    page = written(tmp_path, report())
    for part in ("4,200", "61.25 s", "31,234", "94.72 %", 'id="cone"', 'href="rtl/a%20b"'):
        assert part in page
    assert page.count("<svg") == 4
    assert page.count("<?xml") == 0
    assert '<td class="num bad">7</td>' in page


def test_text_is_escaped(tmp_path: Path) -> None:
    page = written(tmp_path, report("<script>alert(1)</script>"))
    assert "<script>" not in page
    assert "proved &lt;by&gt; aigverse" in page
    assert "numpy &amp; more" in page


def test_plots_follow_the_colours_of_the_page() -> None:
    plot = plot_speeds(STAGES)
    assert "var(--accent)" in plot
    assert "currentColor" in plot
    assert "#010203" not in plot
    assert "31.2 k" in plot


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    assert plot_speeds([Stage("a", 1, None, None, None, 0)]) == ""
    assert plot_functions({}) == ""
    page = written(tmp_path, Report("t", "s", [Stage("a", None, None, None, None, 0)]))
    assert "<svg" not in page
    assert "accuracy</div>" not in page


def test_a_missing_extra_is_named_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[view\]'"):
        write_report(report(), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []
