"""The plot of docs/performance.md, from the results of `peers.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLOT = Path(__file__).resolve().parents[1] / "docs" / "peers.svg"
BASE = "lgnx"


def write(results: dict[str, Any], path: Path = PLOT) -> None:
    """Draw samples a second of every engine, one panel a network."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "lgnx"  # the same file for the same figures
    import matplotlib.pyplot as plt

    engines = list(
        dict.fromkeys(name for result in results.values() for name in result["throughput"])
    )
    figure, panels = plt.subplots(
        1,
        len(results),
        figsize=(2.5 + 2.1 * len(results), 0.7 + 0.34 * len(engines)),
        sharey=True,
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for panel, (name, result) in zip(panels[0], results.items(), strict=True):
        _panel(panel, result, engines)
        panel.set_title(name, fontsize=10, loc="left", fontweight="bold")
    panels[0][0].set_yticks(range(len(engines)), engines)
    panels[0][0].invert_yaxis()
    figure.supxlabel("samples a second on one core, log scale (× : lgnx is so many times faster)",
                     fontsize=9)  # fmt: skip
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _panel(panel: Any, result: dict[str, Any], engines: list[str]) -> None:
    best = result["throughput"][BASE]["min"]
    panel.set_xscale("log")
    panel.set_xlim(5, 1e9)
    panel.grid(axis="x", color="#dddddd", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.set_xticks([1e2, 1e4, 1e6, 1e8], ["100", "10 k", "1 M", "100 M"])
    panel.minorticks_off()
    panel.axvline(1e9 / best, color="#0b6e4f", linewidth=0.8, linestyle=":")
    for row, engine in enumerate(engines):
        times = result["throughput"].get(engine)
        if times is None:
            reason = result["missing"].get(engine, "")
            text = "did not compile" if "compiled after" in reason else reason
            panel.text(1e9 / best, row, text, fontsize=7, color="#999999", ha="right", va="center")
            continue
        speed, ours = 1e9 / times["min"], engine == BASE
        color = "#0b6e4f" if ours else "#5f6b7a"
        panel.plot([speed, 1e9 / best], [row, row], color="#c4ccd4", linewidth=1.5, zorder=1)
        panel.plot(speed, row, "o", color=color, markersize=7 if ours else 5, zorder=2)
        label = f"{speed / 1e6:.3g} M/s" if ours else _times(times["min"] / best)
        # On the free side of the dot: its line runs to the right.
        panel.annotate(
            label, (speed, row), (-6, 0), textcoords="offset points", fontsize=7.5,
            color=color, ha="right", va="center",
        )  # fmt: skip
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.tick_params(axis="y", length=0, labelsize=8.5)
    panel.tick_params(axis="x", labelsize=8)


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"
