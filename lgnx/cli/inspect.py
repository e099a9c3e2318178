"""``lgnx inspect``: what a model consists of."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lgnx.cli import common

if TYPE_CHECKING:
    from rich.table import Table

    from lgnx.inspect import LayerInfo, ModelInfo

EXAMPLES = ("lgnx inspect model.onnx", "lgnx inspect model.onnx --json")

_MANY_LAYERS = 24  # above this the layers are counted by operator instead of listed
_BAR = 30


def command(
    model: common.ModelPath, json: common.Json = False, debug: common.Debug = False
) -> None:
    """Show what a model consists of.

    Layers with shapes, gates and depth, windows of convolutions and pools, gate functions, file
    size and producer. Gates of a convolution are those at all its positions.
    """
    from lgnx.inspect import inspect

    with common.working(f"reading {model}"):
        info = inspect(model)
    if json:
        common.print_json(dataclasses.asdict(info))
        return
    screen = common.console()
    screen.print(_summary(info), "")
    screen.print(_layers(info.layers) if len(info.layers) <= _MANY_LAYERS else _counts(info.layers))
    if any(layer.window for layer in info.layers):
        screen.print("", _windows(info.layers))
    if info.functions:
        screen.print("", _histogram(info.functions))


def _shape(shape: Iterable[object] | None) -> str:
    if shape is None:
        return "?"
    return "×".join("any" if n is None else str(n) for n in shape) or "scalar"


def _summary(info: ModelInfo) -> Table:
    from rich.markup import escape

    table = common.plain_table("", "")
    table.columns[0].style = "bold"
    body = ", self-contained" if info.self_contained and info.level != "none" else ""
    rows = {
        "model": info.path or "in memory",
        "level": info.level + body,
        "size": common.size(info.file_bytes)
        + f" ({common.size(info.initializer_bytes)} of constants)",
        "gates": f"{info.gates:,}, depth {info.depth:,}",
        "producer": f"{info.producer} {info.producer_version}".strip() or "not recorded",
        "opsets": ", ".join(f"{name} {version}" for name, version in info.opsets.items()),
        "inputs": "\n".join(f"{t.name}: {t.dtype} {_shape(t.shape)}" for t in info.inputs),
        "outputs": "\n".join(f"{t.name}: {t.dtype} {_shape(t.shape)}" for t in info.outputs),
        **{key: _short(value) for key, value in info.metadata.items()},
    }
    for key, value in rows.items():
        table.add_row(escape(key), escape(value))
    return table


def _short(value: str) -> str:
    """The start of a long value: names of a thousand bits are for --json."""
    lines = 4 * 60
    return value if len(value) <= lines else f"{value[: lines - 4]} ..."


def _layers(layers: Sequence[LayerInfo]) -> Table:
    from rich.markup import escape

    table = common.plain_table(
        "layer", "operator", "in", "out", "gates", "k", "depth", right=("gates", "k", "depth")
    )
    for layer in layers:
        table.add_row(
            *map(escape, (layer.name, layer.op)),
            escape(_shape(layer.input_shape)),
            escape(_shape(layer.output_shape)),
            common.number(layer.gates),
            common.number(layer.k),
            common.number(layer.depth or None),
        )
    return table


def _windows(layers: Sequence[LayerInfo]) -> Table:
    from rich.markup import escape

    sliding = [(layer, layer.window) for layer in layers if layer.window is not None]
    # What every layer leaves at its default is not worth a column.
    plain = {"strides": 1, "pads": 0, "dilations": 1, "output_padding": 0}
    shown = [n for n, v in plain.items() if any({*getattr(w, n)} - {v} for _, w in sliding)]
    numbers = ("kernels", "tables", "levels", "positions")
    table = common.plain_table(
        "layer", "window", *(n.replace("_", " ") for n in shown), *numbers, right=numbers
    )
    for layer, window in sliding:
        table.add_row(
            escape(layer.name),
            _shape(window.kernel_shape),
            *(_numbers(getattr(window, name)) for name in shown),
            *map(common.number, (window.kernels, window.tables, window.depth, window.positions)),
        )
    return table


def _numbers(values: Sequence[int]) -> str:
    """Numbers along axes; one where they are all the same."""
    return "-" if not values else ",".join(map(str, values if len({*values}) > 1 else values[:1]))


def _counts(layers: Sequence[LayerInfo]) -> Table:
    nodes = Counter(layer.op for layer in layers)
    gates: Counter[str] = Counter()
    for layer in layers:
        gates[layer.op] += layer.gates or 0
    table = common.plain_table("operator", "nodes", "gates", right=("nodes", "gates"))
    for op, count in nodes.most_common():
        table.add_row(op, common.number(count), common.number(gates[op] or None))
    return table


def _histogram(functions: dict[str, int]) -> Table:
    table = common.plain_table("function", "gates", "share", "", right=("gates", "share"))
    total, most = sum(functions.values()), max(functions.values())
    for name, count in functions.items():
        bar = "█" * round(_BAR * count / most) or "▏"
        table.add_row(name, common.number(count), f"{100 * count / total:.1f} %", f"[cyan]{bar}[/]")
    return table
