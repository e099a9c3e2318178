"""Networks of look-up tables as files of ABC: BENCH with tables."""

from __future__ import annotations

import re
from pathlib import Path

from lgnx.netlist.luts import LutBuilder, LutNetlist
from lgnx.ops.errors import ToolError

__all__ = ["read_bench", "write_bench"]

_TABLE = re.compile(r"^(\S+)\s*=\s*LUT 0x([0-9a-fA-F]+) \( (.*) \)$")
_CONSTANT = re.compile(r"^(\S+)\s*=\s*(vdd|gnd)$")


def write_bench(luts: LutNetlist, path: Path) -> None:
    """Write a network; inputs are called i0, i1, ..., outputs o0, o1, ..."""
    names = ["zero", *(f"i{i}" for i in range(luts.n_inputs))]
    names += [f"n{i}" for i in range(luts.n_luts)]
    lines = [f"INPUT({name})" for name in names[1 : luts.first_lut]]
    lines += [f"OUTPUT(o{i})" for i in range(len(luts.outputs))]
    lines.append("zero = gnd")
    for i, (table, fanin) in enumerate(zip(luts.tables, luts.fanins, strict=True)):
        lines.append(f"n{i} = LUT {table:#x} ( {', '.join(names[wire] for wire in fanin)} )")
    for i, literal in enumerate(luts.outputs.tolist()):
        table = 1 if literal & 1 else 2
        lines.append(f"o{i} = LUT {table:#x} ( {names[literal >> 1]} )")
    path.write_text("\n".join(lines) + "\n")


def read_bench(path: Path, n_inputs: int, n_outputs: int) -> LutNetlist:
    """Read what ABC wrote of such a network, simplified.

    Raises
    ------
    ToolError
        If a line is not understood, or a net is missing.
    """
    tables: dict[str, tuple[int, list[str]]] = {}
    for line in path.read_text().splitlines():
        if match := _TABLE.match(line):
            tables[match[1]] = (int(match[2], 16), match[3].split(", "))
        elif match := _CONSTANT.match(line):
            tables[match[1]] = (int(match[2] == "vdd"), [])
        elif line and not line.startswith(("#", "INPUT(", "OUTPUT(")):
            raise ToolError(f"ABC wrote a line that is no table: {line[:80]!r}")
    builder = LutBuilder(n_inputs)
    literals = {f"i{i}": literal for i, literal in enumerate(builder.inputs())}

    def visit(name: str) -> int:
        """Literal of a net; what it reads comes first."""
        stack = [name]
        while stack:
            net = stack[-1]
            if net in literals:
                stack.pop()
                continue
            if net not in tables:
                raise ToolError(f"ABC wrote no table for the net {net!r}")
            table, nets = tables[net]
            waiting = [each for each in nets if each not in literals]
            if waiting:
                stack += waiting
            else:
                literals[net] = builder.add(table, [literals[each] for each in nets])
                stack.pop()
        return literals[name]

    return builder.finish([visit(f"o{i}") for i in range(n_outputs)])
