"""The frequency of a design on a small FPGA: yosys maps it, nextpnr places and routes it.

Designs of logic networks have more ports than such FPGAs have pins. So the design stands between
two shift registers: one is filled bit by bit and gives the inputs, the other takes the outputs
and is emptied bit by bit. Every port then is one register away, and four pins are used. The
figures are those of the design inside this wrapper.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgnx.converters.projects.rtl_folder import RtlFolder, read_folder
from lgnx.converters.yosys_run import FLATTEN, run_yosys
from lgnx.ops.errors import InputError, ModelError, ToolError, require
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_yosys import MEMORY, verilog_for_yosys

__all__ = ["DEVICES", "Device", "PlacedDesign", "Resource", "place_and_route"]

WRAPPER = "lgnx_between_registers"


@dataclass(frozen=True)
class Device:
    """A device that nextpnr knows.

    Attributes
    ----------
    family
        ``"ice40"`` or ``"ecp5"``.
    arguments
        Of nextpnr.
    """

    family: str
    title: str
    arguments: tuple[str, ...]


DEVICES: dict[str, Device] = {
    "up5k": Device("ice40", "Lattice iCE40 UP5K", ("--up5k", "--package", "sg48")),
    "hx1k": Device("ice40", "Lattice iCE40 HX1K", ("--hx1k", "--package", "tq144")),
    "hx8k": Device("ice40", "Lattice iCE40 HX8K", ("--hx8k", "--package", "ct256")),
    **{
        f"{size}k-{speed}": Device(
            "ecp5",
            f"Lattice ECP5 {size}k, speed grade {speed}",
            (f"--{size}k", "--package", "CABGA381", "--speed", str(speed)),
        )
        for size in (25, 45, 85)
        for speed in (6, 8)
    },
}
"""By the name that the command line takes."""

_SYNTHESIS = {
    "ice40": ("synth_ice40 -top {top}", *FLATTEN, "write_json design.json"),
    "ecp5": ("synth_ecp5 -top {top}", *FLATTEN, "write_json design.json"),
}
_CAPACITY = re.compile(
    r"no BELs remaining to implement|Unable to place cell|unable to legalise|failed to expand "
    r"region|BELs? remaining|placing .* failed|more than .* available",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Resource:
    """Cells of a kind: how many of how many, the wrapper's among them."""

    used: int
    available: int


@dataclass(frozen=True)
class PlacedDesign:
    """A design that was placed and routed.

    Attributes
    ----------
    build_id
        Of the RTL.
    megahertz
        Highest frequency of the clock, by the timing analysis of nextpnr.
    resources
        By nextpnr's name of the cells; those in use.
    wrapper_registers
        Registers of the wrapper, which are among these.
    critical
        Where the longest way begins and ends, and its nanoseconds in cells and in wires.
    tools
        What yosys and nextpnr call themselves.
    """

    build_id: str
    device: str
    title: str
    megahertz: float
    resources: dict[str, Resource]
    wrapper_registers: int
    critical: dict[str, Any]
    seed: int
    tools: tuple[str, ...]


def place_and_route(
    rtl_dir: str | Path,
    device: str = "hx8k",
    *,
    seed: int = 1,
    megahertz: float | None = None,
    timeout: float = 1800.0,
    progress: Callable[[str], None] | None = None,
) -> PlacedDesign:
    """Place and route an RTL folder, and give its frequency.

    Parameters
    ----------
    rtl_dir
        Folder that lgnx wrote.
    device
        One of `DEVICES`.
    seed
        Of the placement; another one gives another frequency.
    megahertz
        Frequency to aim at; by default more than the device has, so that nextpnr does its best.
    timeout
        Seconds that each tool may take.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    InputError
        If the device is not known, or the design does not fit: the message says by how much.
    ModelError
        If the folder cannot be read.
    ToolError, MissingExtraError
        If a tool fails, takes too long or is not installed.
    """
    if device not in DEVICES:
        raise InputError(f"device {device!r}: must be one of {', '.join(DEVICES)}")
    chosen = DEVICES[device]
    package = f"yowasp_nextpnr_{chosen.family}"
    if importlib.util.find_spec(package) is None:
        require(package, extra="pnr")
    say = progress or (lambda step: None)
    rtl, ports = read_rtl(rtl_dir), read_folder(Path(rtl_dir))
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        text, registers = wrapper(ports)
        (folder / "wrapper.v").write_text(text)
        commands = [
            verilog_for_yosys(rtl, folder),
            "read_verilog wrapper.v",
            *(command.format(top=WRAPPER) for command in _SYNTHESIS[chosen.family]),
            "tee -q -o stat.json stat -json",
        ]
        say("yosys")
        try:
            run_yosys(commands, folder, str(rtl.folder), timeout=timeout, memory=MEMORY)
        except ModelError as error:
            raise ToolError(str(error)) from None
        creator = str(json.loads((folder / "stat.json").read_text()).get("creator", "yosys"))
        say(f"nextpnr for {chosen.title}")
        _run_nextpnr(package, chosen, folder, seed, megahertz, timeout, str(rtl.folder))
        report = json.loads((folder / "report.json").read_text())
    clocks = report.get("fmax", {})
    if not clocks:
        raise ToolError(f"{rtl.folder}: nextpnr reports no clock")
    return PlacedDesign(
        build_id=rtl.build_id,
        device=device,
        title=chosen.title,
        megahertz=min(clock["achieved"] for clock in clocks.values()),
        resources={
            kind: Resource(cells["used"], cells["available"])
            for kind, cells in report["utilization"].items()
            if cells["used"]
        },
        wrapper_registers=registers,
        critical=_critical(report),
        seed=seed,
        tools=(creator, f"nextpnr-{chosen.family} {importlib.metadata.version(package)}"),
    )


def wrapper(rtl: RtlFolder) -> tuple[str, int]:
    """Verilog of the wrapper, and how many registers it has.

    ``shift_in`` moves through all inputs. ``load`` takes all outputs at once, and without it they
    move to ``shift_out``. The design's own clock is the clock of both.
    """
    inputs, outputs = rtl.ports
    names = [(port.name, port.width) for port in inputs]
    if rtl.reset:
        names.append((rtl.reset["name"], 1))
    n_in, n_out = sum(width for _, width in names), sum(port.width for port in outputs)
    connections = [f".{rtl.clock}(clk)"] if rtl.clock else []
    for vector, ports in (("given", names), ("found", [(p.name, p.width) for p in outputs])):
        low = 0
        for name, width in ports:
            connections.append(f".{name}({vector}[{low} +: {width}])")
            low += width
    body = ",\n    ".join(connections)
    text = f"""module {WRAPPER} (input wire clk, shift_in, load, output wire shift_out);
  reg [{n_in - 1}:0] given;
  reg [{n_out - 1}:0] held;
  wire [{n_out - 1}:0] found;
  reg take;
  always @(posedge clk) begin
    given <= (given << 1) | shift_in;
    take <= load;
    held <= take ? found : held << 1;
  end
  assign shift_out = held[{n_out - 1}];
  {rtl.top} design (
    {body});
endmodule
"""
    return text, n_in + n_out + 1


def _run_nextpnr(
    package: str,
    device: Device,
    folder: Path,
    seed: int,
    megahertz: float | None,
    timeout: float,
    where: str,
) -> None:
    program = (
        f"import sys, {package}; sys.exit({package}.run_nextpnr_{device.family}(sys.argv[1:]))"
    )
    command = [
        *(sys.executable, "-c", program),
        *(*device.arguments, "--json", "design.json", "--report", "report.json"),
        *("--seed", str(seed), "--freq", str(megahertz or 500), "--timing-allow-fail"),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"{where}: nextpnr took more than {timeout:g} s") from None
    if done.returncode == 0 and (folder / "report.json").is_file():
        return
    wanted = dict(re.findall(r"^Info:\s+(\S+):\s+(\d+/\s*\d+)\s+\d+%", done.stdout, re.MULTILINE))
    full = []
    for kind, numbers in wanted.items():
        used, available = map(int, numbers.split("/"))
        if used > available:
            full.append(f"{used:,} {kind} of {available:,}")
    errors = re.findall(r"^ERROR: (.*)$", done.stdout, re.MULTILINE)
    reason = errors[0] if errors else " ".join(done.stdout.split())[-400:]
    if full or _CAPACITY.search(reason):
        needs = f"needs {', '.join(full)}" if full else f"does not fit: {reason}"
        raise InputError(
            f"{where}: with its wrapper, the design {needs} on {device.title}; take a larger device"
        )
    raise ToolError(f"{where}: nextpnr failed with exit code {done.returncode}: {reason}")


def _critical(report: dict[str, Any]) -> dict[str, Any]:
    """The longest way from register to register."""
    for entry in report.get("critical_paths", ()):
        if not entry["from"].startswith("posedge") or not entry["to"].startswith("posedge"):
            continue
        path = entry["path"]
        times = {"logic": 0.0, "routing": 0.0}
        for step in path:
            times["routing" if step["type"] == "routing" else "logic"] += step["delay"]
        return {
            "from": path[0]["from"]["cell"],
            "to": path[-1]["to"]["cell"],
            "cells": sum(step["type"] == "logic" for step in path),
            "logic_ns": round(times["logic"], 2),
            "routing_ns": round(times["routing"], 2),
        }
    return {}
