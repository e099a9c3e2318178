"""Proof that an AXI-stream wrapper loses, repeats and reorders nothing, under any stalls.

The wrapper and its register slice are those of the RTL folder. The core, whose valid bits are
proved apart to come out as they went in, is replaced by one whose results are a mark that came with
the sample, on all bits. Any one sample may be marked. A checker counts how many results must leave
before the marked one: since it may be any sample, this is the order of all (the idea is Wolper's,
POPL 1986). Model checking by ABC: PDR for all time, bounded model checking where that does not end.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lgnx.abc import run_abc
from lgnx.converters.yosys_run import FLATTEN, run_yosys
from lgnx.ops.errors import ToolError
from lgnx.verify.rtl import Rtl
from lgnx.verify.rtl_yosys import MEMORY, verilog_for_yosys

__all__ = ["HandshakeVerdict", "prove_handshake"]

_COMMANDS = (
    "proc",
    *FLATTEN,
    "opt",
    "async2sync",
    "dffunmap",
    "simplemap",
    "techmap",
    "opt",
    "dffunmap",
    "simplemap",
    "opt_clean",
    "setundef -zero",
    "aigmap",
    "opt_clean",
    "write_aiger -zinit formal.aig",
)


@dataclass(frozen=True)
class HandshakeVerdict:
    """What is known: ``proved`` for all time, ``bounded`` to some clocks, or ``refuted``."""

    status: str
    method: str
    clocks: int | None
    seconds: float


def prove_handshake(rtl: Rtl, core_latency: int, *, budget: float = 60.0) -> HandshakeVerdict:
    """Prove the handshake of a design with AXI streams.

    Proved are: results leave in the order in which samples were accepted, none twice, none left
    out; none comes of nothing; a result that is offered stays until it is
    taken; no more are inside than there are registers; and once the sender rests and the receiver
    takes, everything comes out within as many clocks, and samples are accepted again.

    Parameters
    ----------
    core_latency
        Registers of the core.
    budget
        Seconds for each of the two searches.

    Raises
    ------
    ToolError, MissingExtraError
        If yosys or ABC fails or is not installed.
    """
    started = time.perf_counter()
    depth = 3 * (core_latency + 2) + 6
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        (folder / "formal.sv").write_text(_core(rtl, core_latency) + _checker(rtl, core_latency))
        commands = [
            verilog_for_yosys(rtl, folder, {rtl.top, f"{rtl.top}_skid"}),
            "read_verilog -sv formal.sv",
            "hierarchy -check -top lgnx_formal",
            *_COMMANDS,
        ]
        run_yosys(commands, folder, str(rtl.folder), timeout=10 * budget, memory=MEMORY)
        load = ["read_aiger formal.aig", "strash", "dc2", "scorr"]
        text = run_abc([*load, f"pdr -T {budget:.0f}"], folder, timeout=2 * budget + 10)
        if text and "Property proved" in text:
            return HandshakeVerdict("proved", "ABC pdr", None, time.perf_counter() - started)
        if text is None or "was asserted in frame" not in text:
            bound = f"bmc3 -F {depth} -T {budget:.0f}"
            text = run_abc([*load, bound], folder, timeout=2 * budget + 10)
    seconds = time.perf_counter() - started
    found = re.search(r"was asserted in frame (\d+)", text or "")
    if found:
        return HandshakeVerdict("refuted", "ABC", int(found[1]), seconds)
    reached = re.search(r"No output asserted in (\d+) frames", text or "")
    if not reached:
        raise ToolError(f"{rtl.folder}: ABC reached no verdict on the handshake: {text}")
    return HandshakeVerdict("bounded", "ABC bmc3", int(reached[1]), seconds)


def _core(rtl: Rtl, latency: int) -> str:
    """The core's valid bits, with marks in the place of data."""
    reset, in_reset = _reset(rtl)
    event = "posedge clk"
    if rtl.reset is not None and rtl.reset.asynchronous:
        event += f" or {'negedge' if rtl.reset.active_low else 'posedge'} {rtl.reset.name}"
    fields = rtl.outputs
    ports = "".join(f", output wire [{width - 1}:0] {name}" for name, width in fields)
    marked = "".join(
        f"  assign {name} = {{{width}{{marks[{latency - 1}]}}}};\n" for name, width in fields
    )
    start = f"if ({in_reset}) valid <= 0; else " if reset else ""
    shifted = [f"{{{name}[{latency - 2}:0], {new}}}" if latency > 1 else new
               for name, new in (("valid", "in_valid"), ("marks", "x[0]"))]  # fmt: skip
    return f"""
module {rtl.top}_core (input wire clk{reset}, input wire enable, input wire in_valid,
  output wire out_valid{ports}, input wire [{rtl.input.width - 1}:0] x);
  reg [{latency - 1}:0] valid = 0;
  reg [{latency - 1}:0] marks = 0;
  assign out_valid = valid[{latency - 1}];
{marked}  always @({event})
    {start}if (enable) valid <= {shifted[0]};
  always @(posedge clk) if (enable) marks <= {shifted[1]};
endmodule
"""


def _checker(rtl: Rtl, latency: int) -> str:
    """What may never happen, as one output."""
    most = latency + 2
    width = (most + 2).bit_length()
    total = sum(width_ for _, width_ in rtl.outputs)
    n_out, n_in = -(-total // 8) * 8, -(-rtl.input.width // 8) * 8
    connected = ""
    if rtl.reset is not None:
        level = "started" if rtl.reset.active_low else "~started"
        connected = f".{rtl.reset.name}({level}), "
    return f"""
module lgnx_formal (input wire clk, input wire s_valid, input wire m_ready, input wire choose,
  output wire bad);
  wire s_ready, m_valid;
  wire [{n_out - 1}:0] data;
  reg started = 0;
  always @(posedge clk) started <= 1;
  reg seen = 0;                    // a sample was marked
  reg done = 0;                    // its result has left
  reg [{width - 1}:0] ahead = 0;   // results that must leave before it
  reg [{width - 1}:0] inside = 0;  // samples that are in the design
  reg [{width - 1}:0] quiet = 0;   // clocks in which nothing is sent and all is taken
  reg stuck = 0;                   // a result was offered and not taken
  wire mark = choose & ~seen;
  {rtl.top} dut (.clk(clk), {connected}.s_axis_tvalid(s_valid & started),
    .s_axis_tready(s_ready), .s_axis_tdata({{{n_in}{{mark}}}}), .m_axis_tvalid(m_valid),
    .m_axis_tready(m_ready), .m_axis_tdata(data));
  wire taken = started & s_valid & s_ready;
  wire left = started & m_valid & m_ready;
  wire due = seen & ~done & ahead == 0;
  always @(posedge clk) if (started) begin
    if (taken & mark) begin
      seen <= 1;
      ahead <= left ? inside - 1'b1 : inside;
    end else if (left & seen & ~done) begin
      if (due) done <= 1;
      else ahead <= ahead - 1'b1;
    end
    inside <= taken & ~left ? inside + 1'b1 : left & ~taken ? inside - 1'b1 : inside;
    quiet <= s_valid | ~m_ready ? 0 : quiet == {most} ? quiet : quiet + 1'b1;
    stuck <= m_valid & ~m_ready;
  end
  assign bad = started & (
    (m_valid & data[{total - 1}:0] != {{{total}{{due}}}})
    | (m_valid & inside == 0)
    | (stuck & ~m_valid)
    | inside > {most}
    | (quiet == {most} & (inside != 0 | ~s_ready)));
endmodule
"""


def _reset(rtl: Rtl) -> tuple[str, str]:
    """The core's port, and the condition in which it resets."""
    if rtl.reset is None:
        return "", ""
    name = rtl.reset.name
    return f", input wire {name}", f"!{name}" if rtl.reset.active_low else name
