"""A plain Verilog testbench that sends images and stalls at random, run by Icarus."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.verilog.streaming import beat_features

TEST_BENCH = """
`timescale 1ns/1ns
module bench;
  reg clk = 0;
  always #5 clk = ~clk;
  reg [{s}:0] beats [0:{last}];
  reg wanted [0:{clocks}];  // whether the sender offers a beat, if it has not already
  reg able [0:{clocks}];    // whether the receiver takes one
  integer sent = 0, clock = 0, got = 0;
  reg valid = 0, warned = 0;
  wire ready, result, error;
  wire [{m}:0] y;
  {top} dut (.clk(clk), .s_axis_tvalid(valid), .s_axis_tready(ready),
    .s_axis_tdata(beats[valid ? sent : 0]), .s_axis_tlast((sent + 1) % {image} == 0),
    .m_axis_tvalid(result), .m_axis_tready(able[clock]), .m_axis_tdata(y), .frame_error(error));
  initial begin
    $readmemh("beats.hex", beats);
    $readmemh("wanted.hex", wanted);
    $readmemh("able.hex", able);
  end
  always @(posedge clk) begin
    clock <= clock + 1;
    if (valid & ready) sent <= sent + 1;
    valid <= (valid & ~ready) | (wanted[clock] & sent + (valid & ready) <= {last});
    if (result & able[clock]) begin
      $display("%h %0d", y, clock);
      got <= got + 1;
    end
    if (error & ~warned) $display("frame_error");
    warned <= error;
    if (got == {images} | clock == {clocks}) $finish;
  end
endmodule
"""


def words(codes: np.ndarray, stream: dict[str, Any]) -> list[int]:
    """Beats of images: codes are unsigned integers [batch, features]."""
    features = beat_features(stream)
    found = []
    for sample in codes.tolist():
        for row in features.tolist():
            beat = 0
            for (lowest, _), feature in zip(stream["slots"], row, strict=True):
                # What fills a slot must not matter.
                beat |= (sample[feature] if feature >= 0 else 1) << lowest
            found.append(beat)
    return found


def simulate(
    folder: Path,
    sidecar: dict[str, Any],
    codes: np.ndarray,
    stalls: int = 0,
    last_every: int | None = None,
) -> tuple[list[int], list[int], bool]:
    """Results of images, the clocks at which they came, and whether frame_error rose.

    ``stalls`` of a hundred clocks, on either side, bring no beat; tlast comes every
    ``last_every`` beats, by default at the end of each image.
    """
    stream = sidecar["input"]["stream"]
    beats = words(codes, stream)
    free = sidecar["initiation_interval"] * (len(codes) + 2) + sidecar["latency"]
    clocks = 100 + free * (1 if not stalls else 12)
    chosen = random.Random(0)
    width = -(-stream["tdata_width"] // 4)
    files = {"beats": [f"{beat:0{width}x}" for beat in beats]}
    for name in ("wanted", "able"):
        files[name] = [str(int(chosen.randrange(100) >= stalls)) for _ in range(clocks + 1)]
    for name, lines in files.items():
        (folder / f"{name}.hex").write_text("\n".join(lines) + "\n")
    outputs = sum(
        port["groups"] * port["width"] if "groups" in port else port.get("bits", port.get("width"))
        for port in sidecar["outputs"]
    )
    text = TEST_BENCH.format(
        s=stream["tdata_width"] - 1,
        m=-(-outputs // 8) * 8 - 1,
        last=len(beats) - 1,
        clocks=clocks,
        image=last_every or stream["beats"],
        images=len(codes),
        top=sidecar["top"],
    )
    (folder / "bench.v").write_text(text)
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "bench", "bench.v"]
    command += sidecar["files"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert not built.stderr, built.stderr
    run = subprocess.run(["vvp", "bench"], cwd=folder, capture_output=True, text=True, check=True)
    lines = [line.split() for line in run.stdout.splitlines() if "$finish" not in line]
    results = [line for line in lines if len(line) == 2]
    values, times = [int(value, 16) for value, _ in results], [int(time) for _, time in results]
    return values, times, ["frame_error"] in lines
