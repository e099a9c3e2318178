"""What a design would cost on an FPGA, as yosys maps it: tables, registers, carries, levels.

An estimate: no placement, no routing, and a vendor's synthesis finds other solutions.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgnx.converters.yosys_run import run_yosys
from lgnx.ops.errors import InputError
from lgnx.verify.machine import plain_name
from lgnx.verify.rtl import Rtl, RtlModule, read_rtl
from lgnx.verify.rtl_yosys import MEMORY, verilog_for_yosys

__all__ = ["TARGETS", "Estimate", "Part", "estimate_rtl"]

_REST = "registers and wiring"
_ORDER = (
    *("encoder", "line buffers", "windows and control", "kernels", "collector"),
    *("logic", "popcount", "argmax", _REST),
)
_LEVELS = re.compile(r"^Longest topological path in (\S+) \(length=(\d+)\):$", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """A family of FPGAs.

    Attributes
    ----------
    script
        Commands of yosys after the files are read; ``{top}`` is the top module.
    luts, registers, carries
        Patterns of its cells. A look-up table counts as one, whatever its inputs.
    """

    title: str
    script: tuple[str, ...]
    luts: str
    registers: str
    carries: str


TARGETS: dict[str, Target] = {
    "xilinx": Target(
        "AMD 7 series (synth_xilinx)",
        ("synth_xilinx -family xc7 -noiopad -noclkbuf -top {top}",),
        r"LUT[1-6]|INV|SRL\w+",
        r"FD[RSCP]E\w*",
        r"CARRY4",
    ),
    "ecp5": Target(
        "Lattice ECP5 (synth_ecp5)",
        ("synth_ecp5 -noflatten -top {top}",),
        r"LUT4",
        r"TRELLIS_FF",
        r"CCU2C",
    ),
    "ice40": Target(
        "Lattice iCE40 (synth_ice40)",
        ("synth_ice40 -noflatten -top {top}",),
        r"SB_LUT4",
        r"SB_DFF\w*",
        r"SB_CARRY",
    ),
    "lut6": Target(
        "look-up tables of six inputs (synth -lut 6)",
        ("synth -lut 6 -top {top}",),
        r"\$lut",
        r"\$_\w*DFF\w*_",
        r"(?!)",
    ),
    "lut4": Target(
        "look-up tables of four inputs (synth -lut 4)",
        ("synth -lut 4 -top {top}",),
        r"\$lut",
        r"\$_\w*DFF\w*_",
        r"(?!)",
    ),
}
"""By the name that the command line takes."""

LONGEST_WAY = (
    "delete t:FD[RSCP]E* t:TRELLIS_FF t:SB_DFF* t:$_*DFF*_ t:SRL* t:RAMB* t:DP16KD t:SB_RAM40*",
    "ltp",
)
"""Commands that report the longest way between registers, once cells are counted.

``ltp -noff`` alone goes through the registers of a family, which it takes for other cells.
"""


@dataclass(frozen=True)
class Part:
    """The modules of one role, all their instances together.

    Attributes
    ----------
    role
        ``encoder``, ``logic``, ``popcount``, ``argmax``, or ``registers and wiring``; in a
        streaming design also ``line buffers``, ``windows and control``, ``kernels`` and
        ``collector``, and ``logic`` is that behind the collector.
    instances
        Of these modules in the design.
    luts, registers, carries
        Cells of the target.
    levels
        Cells on the longest way through one of the modules.
    """

    role: str
    instances: int
    luts: int
    registers: int
    carries: int
    levels: int


@dataclass(frozen=True)
class Estimate:
    """What a design would cost.

    Attributes
    ----------
    target, title
        Name and description of the family.
    parts
        By role; ``total`` is their sum.
    other
        Cells of the whole design that are none of these, by type.
    tool
        What yosys calls itself.
    """

    build_id: str
    target: str
    title: str
    parts: tuple[Part, ...]
    total: Part
    other: dict[str, int]
    tool: str


def estimate_rtl(
    rtl_dir: str | Path,
    target: str = "xilinx",
    *,
    timeout: float = 1800.0,
    progress: Callable[[str], None] | None = None,
) -> Estimate:
    """Estimate the cost of an RTL folder.

    The hierarchy is kept, so the encoder, the logic, the counts and the class are told apart.

    Parameters
    ----------
    rtl_dir
        Folder that `lgnx.converters.verilog.write_rtl` wrote.
    target
        One of `TARGETS`.
    timeout
        Seconds that yosys may take.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    InputError
        If the target is not known.
    ModelError
        If the folder cannot be read.
    ToolError, MissingExtraError
        If yosys fails, takes too long or is not installed.
    """
    if target not in TARGETS:
        raise InputError(f"target {target!r}: must be one of {', '.join(TARGETS)}")
    say = progress or (lambda step: None)
    rtl, chosen = read_rtl(rtl_dir), TARGETS[target]
    say(chosen.title)
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        commands = [
            verilog_for_yosys(rtl, folder),
            f"hierarchy -check -top {rtl.top}",
            *(command.format(top=rtl.top) for command in chosen.script),
            "tee -q -o stat.json stat -json",
            *LONGEST_WAY,
        ]
        log = run_yosys(commands, folder, str(rtl.folder), timeout=timeout, memory=MEMORY)
        content = json.loads((folder / "stat.json").read_text())
    return _summed(rtl, target, chosen, content, log)


def _part_of(rtl: Rtl, module: RtlModule) -> str:
    """The part of the design that a module counts to."""
    if rtl.stream is not None:
        layers = [layer.module for layer in rtl.stream.layers]
        if module.name == f"{rtl.top}_line":
            return "line buffers"
        control = {f"{rtl.top}_fold", *(f"{layer}_split" for layer in layers)}
        if module.role == "window" or module.name in control:
            return "windows and control"
        if module.role in ("kernels", "logic") and module.name.startswith(
            tuple(f"{layer}_" for layer in layers)
        ):
            return "kernels"
    return module.role if module.role in _ORDER else _REST


def _summed(rtl: Rtl, target: str, chosen: Target, content: dict[str, Any], log: str) -> Estimate:
    modules = {
        name.lstrip("\\"): {k.lstrip("\\"): n for k, n in entry["num_cells_by_type"].items()}
        for name, entry in content["modules"].items()
    }
    levels = {name.lstrip("\\"): int(length) for name, length in _LEVELS.findall(log)}
    instances = _instances(rtl.top, modules)
    part_of = {module.name: _part_of(rtl, module) for module in rtl.modules}
    rows: dict[str, list[int]] = {}
    other: Counter[str] = Counter()
    for name, count in instances.items():
        row = rows.setdefault(part_of.get(plain_name(name), _REST), [0] * 5)
        row[0] += count
        for kind, number in modules[name].items():
            if kind in modules:
                continue
            for place, pattern in enumerate((chosen.luts, chosen.registers, chosen.carries), 1):
                if re.fullmatch(pattern, kind):
                    row[place] += count * number
                    break
            else:
                other[kind] += count * number
        row[4] = max(row[4], levels.get(name, 0))
    parts = tuple(Part(role, *row) for role, row in rows.items())
    parts = tuple(sorted(parts, key=lambda part: _ORDER.index(part.role)))
    total = Part(
        role="total",
        instances=sum(part.instances for part in parts),
        luts=sum(part.luts for part in parts),
        registers=sum(part.registers for part in parts),
        carries=sum(part.carries for part in parts),
        levels=max(part.levels for part in parts),
    )
    other.pop("$scopeinfo", None)
    tool = str(content.get("creator", "yosys"))
    return Estimate(rtl.build_id, target, chosen.title, parts, total, dict(other), tool)


def _instances(top: str, modules: dict[str, dict[str, int]]) -> Counter[str]:
    """How often each module stands in the design."""
    found: Counter[str] = Counter({top: 1})
    waiting = [(top, 1)]
    while waiting:
        name, count = waiting.pop()
        for kind, number in modules[name].items():
            if kind in modules:
                found[kind] += count * number
                waiting.append((kind, count * number))
    return found
