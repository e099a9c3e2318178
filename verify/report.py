"""One self-contained HTML page about a run through all stages: tables, plots, a drawing."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from lgnx.files import atomic_path
from lgnx.ops.errors import require

__all__ = [
    "Report",
    "Stage",
    "figure_svg",
    "plot_functions",
    "plot_gates",
    "plot_speeds",
    "write_report",
]

# matplotlib writes these colours; the page replaces them, so that plots follow light and dark.
_INK, _BARS, _PALE = "#010203", "#040506", "#070809"
_THEME = {_INK: "currentColor", _BARS: "var(--accent)", _PALE: "var(--pale)"}
_WIDTH = 4.6  # inches: text stays readable when a phone shrinks the plot to its width


@dataclass(frozen=True)
class Stage:
    """One form of the network and what it did on the same samples as all others.

    Attributes
    ----------
    gates
        Gates in this form, None where they are not counted.
    seconds
        Time to make this form from the one before.
    samples_per_second
        Speed of one run over all samples.
    accuracy
        Share of the labelled samples whose class is right, 0..1.
    mismatches
        Samples of which any score differs from the first stage's.
    """

    name: str
    gates: int | None
    seconds: float | None
    samples_per_second: float | None
    accuracy: float | None
    mismatches: int


@dataclass
class Report:
    """Contents of a report.

    Attributes
    ----------
    functions
        For each label (such as "exported"), how often each gate function occurs.
    facts
        Versions, formats, verdicts: shown as a table of two columns.
    files
        For each label, a path relative to the report.
    drawing
        An SVG (`figure_svg`) of one output's cone, with `drawing_text` below it.
    """

    title: str
    summary: str
    stages: Sequence[Stage]
    functions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    drawing: str = ""
    drawing_text: str = ""


def write_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report as one HTML file that loads nothing from elsewhere.

    Raises
    ------
    MissingExtraError
        If jinja2 or matplotlib is not installed.
    """
    jinja2 = require("jinja2", extra="view")
    markup = require("markupsafe", extra="view").Markup
    template = resources.files("lgnx.verify").joinpath("templates/report.html.j2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    plots = {
        "Samples per second (log scale)": plot_speeds(report.stages),
        "Gates": plot_gates(report.stages),
        "Gate functions": plot_functions(report.functions),
    }
    text = environment.from_string(template.read_text(encoding="utf-8")).render(
        report=report,
        plots={title: markup(svg) for title, svg in plots.items() if svg},
        drawing=markup(_inline(report.drawing)) if report.drawing else "",
        mismatches=sum(stage.mismatches for stage in report.stages),
        accuracy=next((s.accuracy for s in report.stages if s.accuracy is not None), None),
    )
    with atomic_path(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def plot_speeds(stages: Sequence[Stage]) -> str:
    """Return horizontal bars of samples per second, logarithmic, as an inline SVG."""
    rows = [(s.name, s.samples_per_second) for s in stages if s.samples_per_second]
    return _bars(rows, log=True) if rows else ""


def plot_gates(stages: Sequence[Stage]) -> str:
    """Return horizontal bars of the gates of each stage as an inline SVG."""
    rows = [(s.name, float(s.gates)) for s in stages if s.gates]
    return _bars(rows) if rows else ""


def plot_functions(functions: Mapping[str, Mapping[str, int]]) -> str:
    """Return grouped bars, one group per gate function and one bar per label, as inline SVG."""
    if not functions:
        return ""
    total: dict[str, int] = {}
    for counts in functions.values():
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    names = sorted(total, key=lambda name: total[name])
    figure, axes = _figure(0.9 + 0.34 * len(names))
    thickness = 0.8 / len(functions)
    shades = [_BARS, _PALE, _INK]
    for place, (label, counts) in enumerate(functions.items()):
        heights = [i + 0.4 - thickness * (place + 0.5) for i in range(len(names))]
        values = [counts.get(name, 0) for name in names]
        axes.barh(heights, values, height=thickness, color=shades[place % 3], label=label)
    axes.set_yticks(range(len(names)), names)
    axes.legend(frameon=False, labelcolor=_INK, loc="lower right")
    return figure_svg(figure, "functions")


def _bars(rows: Sequence[tuple[str, float]], log: bool = False) -> str:
    figure, axes = _figure(0.6 + 0.36 * len(rows))
    names, values = zip(*reversed(rows), strict=True)
    bars = axes.barh(range(len(rows)), values, height=0.7, color=_BARS)
    axes.set_yticks(range(len(rows)), names)
    axes.bar_label(bars, labels=[_short(v) for v in values], padding=4, color=_INK, fontsize=10)
    if log:
        axes.set_xscale("log")
        axes.set_xlim(left=min(values) / 3)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high**1.12 / low**0.12 if log else high * 1.15)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    return figure_svg(figure, "speeds" if log else "gates")


def _short(value: float) -> str:
    for scale, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= scale:
            divisor = 1e3 if unit == " k" else scale
            return f"{value / divisor:.3g}{unit}"
    return f"{value:,.0f}"


def _figure(height: float) -> tuple[Any, Any]:
    matplotlib_figure = require("matplotlib.figure", extra="view")
    figure = matplotlib_figure.Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(_INK)
    axes.tick_params(colors=_INK, length=0, labelsize=10.5)
    return figure, axes


def figure_svg(figure: Any, salt: str) -> str:
    """Return a matplotlib figure as an inline SVG; `salt` keeps its ids apart from others."""
    matplotlib = require("matplotlib", extra="view")
    stream = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": salt, "font.family": "sans-serif"}
    with matplotlib.rc_context(settings):
        figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    return _inline(stream.getvalue())


def _inline(svg: str) -> str:
    """Make an SVG file part of a page: without prologue and fixed size, in the page's colours."""
    svg = svg[svg.index("<svg") :]
    head, tail = svg[: svg.index(">") + 1], svg[svg.index(">") + 1 :]
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    tail = re.sub(r"<metadata>.*?</metadata>", "", tail, flags=re.S)
    tail = re.sub(r"font-family: ?[^;\"]*|font: ([\d.]+px)[^;\"]*", _font, tail)
    for placeholder, colour in _THEME.items():
        tail = tail.replace(placeholder, colour)
    return head + tail


def _font(match: re.Match[str]) -> str:
    """Keep the size of a font and take the page's family."""
    return f"font-size: {match[1]}" if match[1] else "font-family: inherit"
