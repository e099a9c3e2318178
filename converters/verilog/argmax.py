"""Verilog of the module that finds the largest count."""

from __future__ import annotations

from lgnx.converters.verilog.trees import compare_tree

__all__ = ["argmax_body", "argmax_registers"]

_ROW = 8  # constants on a line


def argmax_registers(groups: int, every: int | None) -> int:
    """Registers on the way through the module."""
    return sum(level.register for level in compare_tree(groups, every))


def argmax_body(
    groups: int, width: int, every: int | None, words: dict[str, str], stalls: bool
) -> list[str]:
    """Lines between the ports and ``endmodule``: from ``x`` to ``index``.

    A tournament: of two equal counts the one of the lower index stays.

    Parameters
    ----------
    groups, width
        How many unsigned numbers, and their bits; at least 2 of them.
    every
        Levels of comparisons between registers; None for none.
    words
        `Interface.words`.
    stalls
        Whether registers wait for ``enable``.
    """
    digits = (groups - 1).bit_length()
    process = f"{words['ff']} " + ("if (enable) " if stalls else "")
    lines = [f"  wire [{groups * width - 1}:0] best0 = x;", _indices(groups, digits), "  genvar i;"]
    count, values, places = groups, "best0", "index0"
    for number, level in enumerate(compare_tree(groups, every), 1):
        pairs = count // 2
        last = level.count == 1
        if not last:
            lines.append(f"  wire [{level.count * width - 1}:0] best{number};")
        lines += [
            f"  wire [{level.count * digits - 1}:0] index{number};",
            "  generate",
            f"    for (i = 0; i < {pairs}; i = i + 1) begin : match{number}",
            f"      wire second = {values}[{2 * width}*i + {width} +: {width}]"
            f" > {values}[{2 * width}*i +: {width}];",
        ]
        moved = (
            [("index", places, digits)]
            if last
            else [("best", values, width), ("index", places, digits)]
        )
        for name, source, w in moved:
            lines += [
                f"      assign {name}{number}[{w}*i +: {w}] = second",
                f"        ? {source}[{2 * w}*i + {w} +: {w}] : {source}[{2 * w}*i +: {w}];",
            ]
        lines += ["    end", "  endgenerate"]
        if count % 2:
            for name, source, w in moved:
                lines.append(
                    f"  assign {name}{number}[{pairs * w} +: {w}] = "
                    f"{source}[{(count - 1) * w} +: {w}];"
                )
        values, places, count = f"best{number}", f"index{number}", level.count
        if level.register:
            for name, w in (("best", width), ("index", digits)):
                held = f"{name}{number}_held"
                lines.append(f"  {words['reg']} [{count * w - 1}:0] {held};")
                lines.append(f"  {process}{held} <= {name}{number};")
            values, places = f"best{number}_held", f"index{number}_held"
    lines.append(f"  assign index = {places};")
    return lines


def _indices(groups: int, digits: int) -> str:
    constants = [f"{digits}'d{i}" for i in reversed(range(groups))]
    rows = [", ".join(constants[i : i + _ROW]) for i in range(0, groups, _ROW)]
    inside = ",\n    ".join(rows)
    return f"  wire [{groups * digits - 1}:0] index0 = {{\n    {inside}}};"
