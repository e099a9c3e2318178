"""What the templates of windows and of split beats are filled with."""

from __future__ import annotations

from typing import Any

from lgnx.converters.verilog.streaming.geometry import Axis
from lgnx.converters.verilog.streaming.layers import Layer

__all__ = ["split_values", "window_values"]


def split_values(layer: Layer) -> dict[str, Any]:
    """Values of ``split.v.j2``: beats cut into parts, fewer at the end of a row."""
    width = layer.kernels.node.shape[2]
    parts = layer.positions_in // layer.positions
    row_beats = -(-width // layer.positions_in)
    last = -(-width // layer.positions) - (row_beats - 1) * parts
    bits, row_bits = parts.bit_length(), (row_beats - 1).bit_length()
    taken = f"{bits}'d{parts}"
    if last < parts:
        whole = taken
        taken = f"{bits}'d{last}"
        if row_beats > 1:
            taken = f"beat == {row_bits}'d{row_beats - 1} ? {taken} : {whole}"
    counts = row_beats > 1 and last < parts
    return {
        "parts": parts,
        "width": layer.positions * len(layer.kernels.kept_in),
        "bits": bits,
        "row_bits": row_bits if counts else 0,
        "row_beats": row_beats,
        "taken": taken,
        "resets": [("left", f"{bits}'d0")] + ([("beat", f"{row_bits}'d0")] if counts else []),
    }


def window_values(layer: Layer) -> dict[str, Any]:
    """Values of ``window.v.j2``."""
    geometry, pool = layer.geometry, layer.kernels.netlist is None
    rows, columns = geometry.rows, geometry.columns
    channels = len(layer.kernels.kept_in)
    n_rows = rows.kernel
    height = channels if pool else channels * n_rows
    s_width = columns.parallel * channels
    ranges = [_inside(rows, "row"), _inside(columns, "column")]
    here = [text for text in ranges if text]
    row, column = _Counter("row", rows), _Counter("column", columns)
    column_ends = column.at(columns.steps - 1)
    step = "step" if not column_ends else f"step & {column_ends}"
    counters = [*column.registers, *row.registers]
    void = columns.beats * columns.parallel - columns.size
    hidden = void * channels if columns.reads_behind else 0
    in_columns = ranges[1]
    taps = []
    for tap in range(n_rows - 1):
        conditions = [f"~({in_columns})"] if in_columns else []
        back = (n_rows - 1 - tap) * rows.dilation
        if tap in geometry.masked_taps:
            conditions.append(_less("row", back - rows.start, rows.steps))
        place = (back - 1) * s_width
        taps.append({"number": tap, "hidden": _any(conditions), "place": place})
    used = columns.older + columns.phase + 1
    start = columns.older + columns.lowest
    clear = ""
    if columns.older and columns.reads_before:
        zero = f"{columns.older * height}'d0"
        begins = column.at(0)
        clear = f"{begins} ? {zero} : " if begins else f"1'b1 ? {zero} : "
    return {
        "s_width": s_width,
        "m_width": columns.windows * channels if pool else columns.span * height,
        "rows": rows,
        "columns": columns,
        "padded": bool(here),
        "in_image": _all(here),
        "counters": counters,
        "resets": [("valid", "1'b0"), *((c["name"], c["reset"]) for c in counters)],
        "emits": _all([text for text in (column.emits, row.emits) if text]),
        "moves": [*column.moves("step"), *row.moves(step)],
        "hidden": hidden,
        "behind": column.at(columns.beats - 1 - columns.start) or "1'b1",
        "n_rows": n_rows,
        "stored": geometry.stored_rows,
        "depth": columns.beats,
        "address": max(1, (columns.beats - 1).bit_length()),
        "store": f"step & ({in_columns})" if in_columns else "step",
        "taps": taps,
        "positions": columns.parallel,
        "height": height,
        "channels": channels,
        "pool": pool,
        "older": columns.older,
        "older_clear": clear,
        "unused_columns": start > 0 or used < columns.older + columns.parallel or pool,
        "windows": columns.windows,
        "n_columns": columns.kernel,
        "start": start,
        "stride": columns.stride,
    }


class _Counter:
    """The step along an axis, and where strides leave gaps the steps to the next window."""

    def __init__(self, name: str, axis: Axis) -> None:
        self.name, self.axis = name, axis
        self.bits = (axis.steps - 1).bit_length()
        # Beyond the first group, every so many steps one is complete.
        self.gaps = axis.every > 1 and axis.groups > 1
        self.wait_bits = max(axis.first, axis.every - 1).bit_length()

    @property
    def registers(self) -> list[dict[str, Any]]:
        """Names, widths and first values."""
        found = []
        if self.bits:
            found.append({"name": self.name, "bits": self.bits, "reset": f"{self.bits}'d0"})
        if self.gaps:
            first = f"{self.wait_bits}'d{self.axis.first}"
            name = f"{self.name}_wait"
            found.append({"name": name, "bits": self.wait_bits, "reset": first})
        return found

    def at(self, step: int) -> str:
        """Condition of being at a step; nothing where there is only one."""
        return f"({self.name} == {self.bits}'d{step})" if self.bits else ""

    @property
    def emits(self) -> str:
        """Condition of a complete group; nothing where every step completes one."""
        axis = self.axis
        if self.gaps:
            upper = _range(self.name, 0, axis.last, axis.steps)
            return _all([f"{self.name}_wait == {self.wait_bits}'d0", *([upper] if upper else [])])
        return _range(self.name, axis.first, axis.last, axis.steps)

    def moves(self, condition: str) -> list[str]:
        """Statements that go on by a step."""
        if not self.bits:
            return []
        last, one = f"{self.bits}'d{self.axis.steps - 1}", f"{self.bits}'d1"
        ends = f"{self.name} == {last}"
        lines = [f"if ({condition}) {self.name} <= {ends} ? {self.bits}'d0 : {self.name} + {one};"]
        if self.gaps:
            wait, bits = f"{self.name}_wait", self.wait_bits
            lines += [
                f"if ({condition}) {wait} <= {ends} ? {bits}'d{self.axis.first}",
                f"  : {wait} == {bits}'d0 ? {bits}'d{self.axis.every - 1} : {wait} - {bits}'d1;",
            ]
        return lines


def _inside(axis: Axis, name: str) -> str:
    """Condition of a step that takes input; nothing where every step does."""
    return _range(name, -axis.start, -axis.start + axis.beats - 1, axis.steps)


def _range(name: str, first: int, last: int, steps: int) -> str:
    bits = (steps - 1).bit_length()
    parts = []
    if first == last and steps > 1:
        return f"{name} == {bits}'d{first}"
    if first > 0:
        parts.append(f"{name} > {bits}'d{first - 1}")
    if last < steps - 1:
        parts.append(f"{name} < {bits}'d{last + 1}")
    return _all(parts)


def _less(name: str, limit: int, steps: int) -> str:
    """Condition that a counter is below a limit."""
    if limit >= steps:
        return "1'b1"
    return f"{name} < {(steps - 1).bit_length()}'d{limit}"


def _all(conditions: list[str]) -> str:
    if len(conditions) < 2:
        return "".join(conditions)
    return " & ".join(f"({text})" for text in conditions)


def _any(conditions: list[str]) -> str:
    if len(conditions) < 2:
        return "".join(f"({text})" for text in conditions)
    return "(" + " | ".join(f"({text})" for text in conditions) + ")"
