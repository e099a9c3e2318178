"""The peers' section of docs/performance.md, from the results of `peers.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
BASE = "lgnx"

Results = dict[str, Any]


def write(results: Results) -> None:
    """Replace what stands between the markers, or append it."""
    section = "\n\n".join([BEGIN, *_introduction(results), *tables(results), END])
    page = PAGE.read_text()
    if BEGIN in page:
        before, rest = page.split(BEGIN)
        page = before + section + rest.split(END)[1]
    else:
        page = f"{page.rstrip()}\n\n{section}\n"
    PAGE.write_text(page)


def tables(results: Results) -> list[str]:
    """Give the paragraphs and tables, for the networks that were measured."""
    return [
        *_speeds(results),
        *_gates(results),
        *_latency(results),
        *_ready(results),
        *_threads(results),
    ]


def _introduction(results: Results) -> list[str]:
    described = {tuple(sorted(result["machine"].items())) for result in results.values()}
    machines = [dict(each) for each in described]
    lines = ["## Beside its peers", "![Samples a second of every engine](peers.svg)"]
    for each in machines:
        versions = ", ".join(
            f"{name} {each[name]}"
            for name in ("python", "gcc", "onnxruntime", "torch", "torchlogix", "difflogic")
            if each.get(name)
        )
        lines.append(
            f"Measured on one core of: {each['processor']}, {each['caches']}, "
            f"{each['simd'].upper()}, {each['system']}; {versions}."
        )
    lines.append(
        "`benchmarks/peers.py` runs all engines job by job in one process, one thread each, "
        "equally often, and first compares their scores with those of lgnx, bit for bit. Input "
        "is bool, a byte a bit; scores are counts; lgnx runs in `lgnx.InferenceSession`. The C "
        "functions of difflogic and torchlogix are called without their Python wrappers; *plain "
        "ONNX* is written by hand as two Gathers and a look-up a layer; *bitwise ONNX* is what "
        "`lgnx lower --to bitwise` writes, on stock onnxruntime without the kernels. Ratios are "
        "of minima, and in brackets of medians. **Where a peer is faster, its cell is bold.**"
    )
    lines.append(
        "    python benchmarks/peers.py --install\n"
        f"    python benchmarks/peers.py --report {' '.join(results)}"
    )
    lines.append("\n".join(f"- **{name}**: {result['title']}" for name, result in results.items()))
    return lines


def _engines(results: Results, *parts: str) -> list[str]:
    """Engines that any network has in one of the parts, in their order."""
    order = dict.fromkeys(name for result in results.values() for name in result["engines"])
    there = {name for result in results.values() for part in parts for name in result[part]}
    return [name for name in order if name in there]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _speeds(results: Results) -> list[str]:
    parts = ["### A large batch"]
    names = list(results)
    rows = []
    for engine in _engines(results, "throughput", "missing"):
        if engine != BASE:
            rows.append([engine, *(_ratio(results[name], engine) for name in names)])
    parts += [
        "How many times faster lgnx is, on 131,072 samples:",
        _table(["", *names], rows),
        "The same in nanoseconds a sample, minimum / median. Engines that hold a layer for the "
        "whole batch got smaller ones, which suits their cache better; the size stands behind.",
    ]
    rows = [
        [engine, *(_time(results[name], engine) for name in names)]
        for engine in _engines(results, "throughput")
    ]
    return [*parts, _table(["", *names], rows)]


def _ratio(result: dict[str, Any], engine: str) -> str:
    if engine not in result["throughput"]:
        return result["missing"].get(engine, "-")
    return over(result["throughput"][engine], result["throughput"][BASE])


def over(peer: dict[str, float], base: dict[str, float]) -> str:
    """Ratio of minima and, in brackets, of medians."""
    low, middle = (peer[key] / base[key] for key in ("min", "median"))
    text = f"{_number(low)} × ({_number(middle)})"
    return f"**{text}**" if low < 1 else text


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _nanoseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _pair(times: dict[str, float]) -> str:
    return f"{_nanoseconds(times['min'])} / {_nanoseconds(times['median'])}"


def _time(result: dict[str, Any], engine: str) -> str:
    times = result["throughput"].get(engine)
    if times is None:
        return "-"
    whole = times["batch"] == result["throughput"][BASE]["batch"]
    return _pair(times) + ("" if whole else f" ({times['batch']:,.0f})")


def _gates(results: Results) -> list[str]:
    names = list(results)
    rows = []
    for engine in _engines(results, "gates"):
        cells = []
        for name in names:
            times = results[name]["gates"]
            cell = _pair(times[engine]) if engine in times else "-"
            if engine in times and engine != BASE:
                cell += f", {over(times[engine], times[BASE])}"
            cells.append(cell)
        rows.append([engine, *cells])
    return [
        "### Gates alone",
        "Without packing bytes into words and without counting. difflogic's generated function "
        "gets packed words from the cache; onnxruntime runs the operators between packing and "
        "counting; lgnx's engine times its gates within a whole run.",
        _table(["", *names], rows),
    ]


def _latency(results: Results) -> list[str]:
    parts = [
        "### Small batches",
        "Microseconds a call, minimum / median. difflogic and pack64 always compute 64 samples. A "
        "call of lgnx goes through onnxruntime's Python interface, about 8 µs; C functions are "
        "called through ctypes, about 2 µs.",
    ]
    columns = [(name, size) for name, result in results.items() for size in result["latency"]]
    engines = dict.fromkeys(e for name, size in columns for e in results[name]["latency"][size])
    rows = []
    for engine in engines:
        row = [engine]
        for name, size in columns:
            times = results[name]["latency"][size]
            row.append(_call(times.get(engine), times[BASE], int(size)))
        rows.append(row)
    head = ["", *(f"{name}, batch {size}" for name, size in columns)]
    return [*parts, _table(head, rows)]


def _call(times: dict[str, float] | None, base: dict[str, float], size: int) -> str:
    if times is None:
        return "-"
    low, middle = (times[key] * size / 1e3 for key in ("min", "median"))
    text = f"{_nanoseconds(low)} / {_nanoseconds(middle)}"
    return f"**{text}**" if times["min"] < base["min"] else text


def _ready(results: Results) -> list[str]:
    names = list(results)
    rows = []
    for level in ("network", "layer"):
        cells = []
        for name in names:
            times = results[name]["sessions"].get(level)
            cells.append(_seconds(times["min"] / 1e9) if times else "-")
        rows.append([f"lgnx, session of the {level}-level file", *cells])
    for engine in _engines(results, "ready", "missing"):
        if engine == BASE:
            continue
        cells = []
        for name in names:
            steps, missing = results[name]["ready"].get(engine), results[name]["missing"]
            cells.append(_seconds(sum(steps.values())) if steps else missing.get(engine, "-"))
        if any(results[name]["ready"].get(engine, {"": 0}) for name in names):
            rows.append([engine, *cells])
    return [
        "### Until a network is ready",
        "From the network in memory (lgnx: from its file) to the first call, on one core: tracing, "
        "generating code, compiling, loading.",
        _table(["", *names], rows),
    ]


def _seconds(value: float) -> str:
    return f"{value * 1e3:,.1f} ms" if value < 1 else f"{value:,.1f} s"


def _threads(results: Results) -> list[str]:
    rows = []
    for name, result in results.items():
        if len(result["threads"]) < 2:
            continue
        one, two = result["threads"]["1"], result["threads"]["2"]
        rows.append([name, _pair(one), _pair(two), over(one, two)])
    head = ["", "one thread", "two threads", "faster by"]
    return ["### Two threads", _table(head, rows)] if rows else []
