"""docs/hardware_comparison.md and its plot, from the results of `hardware_peers.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hardware_measure import FLOWS

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, PLOT = DOCS / "hardware_comparison.md", DOCS / "hardware_comparison.svg"

Results = dict[str, Any]
Row = dict[str, Any]


def write(results: Results) -> None:
    """Write the page and the plot."""
    plot(results)
    PAGE.write_text("\n\n".join(paragraphs(results)) + "\n")


def paragraphs(results: Results) -> list[str]:
    """Text and tables for the networks that were measured."""
    machines = {tuple(sorted(each["machine"].items())) for each in results.values()}
    lines = [
        "# Verilog beside its peers",
        "The same networks through lgnx, torchlogix's `Circuit`, dwn2rtl, and alkaid (the "
        "successor of da4ml, by torchlogix's plugin for it). The designs of a network have the "
        "same outputs and, where they have registers, the same latency: scores of torchlogix's "
        "networks, which have no class; classes of torch_dwn's, whose scores dwn2rtl has at no "
        "port. Each design first answers "
        "4,096 samples in Verilator, half data and half random; one that "
        "differs from the model is called wrong.",
        "![Look-up tables of every design](hardware_comparison.svg)",
        "    python benchmarks/hardware_peers.py --install\n"
        "    python benchmarks/hardware_peers.py\n"
        "    python benchmarks/hardware_peers.py --report",
        "\n".join(f"- **{name}**: {each['title']}" for name, each in results.items()),
        "## Cells",
        "Look-up tables (of six inputs at most) and levels as yosys maps the flattened design: an "
        "estimate, before place and route. Levels are cells on the longest way, carry chains "
        "included. **The fewest are bold.**",
        table(["network", "writer", "answers", *_flow_heads()], _cells(results)),
        *_why_wrong(results),
        "## Text and simulation",
        "Bytes of all Verilog files, and bytes for each gate or table as torchlogix or dwn2rtl "
        "counts them, the same number for all writers of a network. Verilator's time is that of "
        "C++ and compiler, without its own runtime; the loop around the design is the same for "
        "all. The machine did other work as well: read these times as rough.",
        table(
            ["network", "writer", "bytes", "bytes a gate", "gates written", "written in",
             "Verilator build", "samples/s"],
            _texts(results),
        ),
    ]  # fmt: skip
    if missing := _missing(results):
        lines += ["## Not compared", missing]
    for each in machines:
        found = dict(each)
        lines.append(f"Measured on {found['processor']}, {found['system']}.")
    return lines


def _why_wrong(results: Results) -> list[str]:
    """What was found where torchlogix answers in another way than its own layers."""
    found = [rows(result).get("torchlogix") for result in results.values()]
    if not any(row and row["wrong"] for row in found):
        return []
    return [
        "torchlogix's `Circuit.simplify` takes gates out that are constant, and its sums then lack "
        "those that are always one: where it is wrong, each score is too small by their number, "
        "on every sample."
    ]


def rows(result: Row) -> dict[str, Row]:
    """Give the designs that were measured."""
    return {name: row for name, row in result["peers"].items() if isinstance(row, dict)}


def fewest(result: Row, flow: str) -> int:
    """Look-up tables of the smallest design that is right."""
    return min(row[flow]["luts"] for row in rows(result).values() if not row["wrong"])


def table(head: list[str], body: list[list[str]]) -> str:
    """Give a table whose first two columns are text."""
    lines = [head, ["---"] * 2 + ["---:"] * (len(head) - 2), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _flow_heads() -> list[str]:
    return [f"{what}, {name}" for name, _ in FLOWS.values() for what in ("tables", "levels")] + [
        "carries",
        "registers",
    ]


def _cells(results: Results) -> list[list[str]]:
    body = []
    for network, result in results.items():
        for name, row in rows(result).items():
            line = [network, name, _answers(row)]
            for flow in FLOWS:
                luts = f"{row[flow]['luts']:,}"
                best = row[flow]["luts"] == fewest(result, flow) and not row["wrong"]
                line += [f"**{luts}**" if best else luts, str(row[flow]["levels"])]
            line += [str(row["xilinx"]["carries"]), str(row["xilinx"]["registers"])]
            body.append(line)
    return body


def _answers(row: Row) -> str:
    if row["wrong"]:
        return f"wrong on {row['wrong']:,} of {row['compared']:,}"
    return "right"


def _texts(results: Results) -> list[list[str]]:
    body = []
    for network, result in results.items():
        own = rows(result)
        base = next((row["gates"] for row in own.values() if not row["own"]), 0)
        for name, row in own.items():
            body.append(
                [
                    network,
                    name,
                    f"{row['bytes']:,}",
                    f"{row['bytes'] / base:.1f}" if base else "-",
                    f"{row['gates']:,}",
                    f"{row['write_seconds']:.1f} s",
                    f"{row['build_seconds']:.1f} s",
                    f"{row['samples_per_second']:,.0f}",
                ]
            )
    return body


def _missing(results: Results) -> str:
    lines = []
    for network, result in results.items():
        for name, row in result["peers"].items():
            if isinstance(row, str):
                lines.append(f"- {network}, {name}: {row}")
    return "\n".join(lines)


def plot(results: Results, path: Path = PLOT) -> None:
    """Draw the look-up tables of every design, one panel a flow."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "lgnx"  # the same file for the same figures
    import matplotlib.pyplot as plt

    colors = {"lgnx": "#0b6e4f", "peer": "#9aa5b1", "peer, wrong answers": "#c0392b"}
    lines = sum(1.7 + len(rows(result)) for result in results.values())
    figure, panels = plt.subplots(
        1, len(FLOWS), figsize=(9, 1.3 + 0.17 * lines), sharey=True, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.1)
    shown = set()
    for panel, (flow, (title, _)) in zip(panels, FLOWS.items(), strict=True):
        ticks: dict[float, str] = {}
        place = 0.0
        heads = []
        for network, result in results.items():
            heads.append(place)
            ticks[place] = network
            place += 1
            for name, row in rows(result).items():
                luts = row[flow]["luts"]
                kind = "lgnx" if row["own"] else "peer"
                kind += ", wrong answers" if row["wrong"] else ""
                shown.add(kind)
                panel.barh(place, luts, color=colors[kind], height=0.8)
                panel.annotate(
                    f"{luts:,}", (luts, place), (3, 0), textcoords="offset points", fontsize=7.5,
                    va="center",
                )  # fmt: skip
                ticks[place] = name
                place += 1
            place += 0.7
        labels = panel.set_yticks(list(ticks), list(ticks.values()), fontsize=8)
        for tick, at in zip(labels, ticks, strict=True):
            tick.label1.set_fontweight("bold" if at in heads else "normal")
        panel.set_title(title, fontsize=10, loc="left", fontweight="bold")
        panel.margins(x=0.12)
        panel.set_ylim(place, -0.7)
        panel.tick_params(axis="y", length=0)
        panel.tick_params(axis="x", labelsize=8)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
    bars = {
        kind: plt.Rectangle((0, 0), 1, 1, color=color)
        for kind, color in colors.items()
        if kind in shown
    }
    figure.supxlabel("look-up tables, as yosys maps them", fontsize=9, x=0.01, ha="left")
    figure.legend(
        bars.values(), bars.keys(), loc="outside lower right", ncols=len(bars), fontsize=8,
        frameon=False,
    )  # fmt: skip
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
