"""The Verilog of an RTL folder read back through yosys: one netlist for each module.

Nothing is flattened. A module that holds others is read with these cut out: what goes into them
are outputs of its netlist, what comes out are inputs. Registers are wires in the netlists, and are
counted apart.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgnx.converters.circuit import Circuit
from lgnx.converters.yosys_json import read_yosys_json
from lgnx.converters.yosys_run import run_yosys
from lgnx.ops.errors import ComparisonError, ModelError
from lgnx.verify.rtl import Rtl
from lgnx.verify.rtl_yosys import MEMORY, verilog_for_yosys

__all__ = ["Instance", "ReadModule", "read_back"]

CONTROLS = ("clk", "enable", "rst", "rst_n")

_COMMANDS = ("proc", "opt_dff -simple-dffe", "simplemap", "techmap", "simplemap", "opt_clean")
# Edge of the clock, what else there is, and which way each of it is active.
_REGISTER = re.compile(r"\$_(?P<kind>S?DFFC?E?|DFFE)_(?P<edges>[PN01]+)_")


@dataclass(frozen=True)
class Instance:
    """A module inside another: bits that go in and come out, as ``port[bit]``."""

    name: str
    module: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class ReadModule:
    """One module.

    Attributes
    ----------
    circuit
        Inputs are those of the module but for clock, enable and reset, then the outputs of its
        instances, called ``instance.port[bit]``; outputs are those of the module, then inputs of
        its instances.
    instances
        In the order of the file.
    registers
        How many there are, bit by bit.
    latency
        Registers on the way from any input to any output, the same on every way.
    """

    name: str
    circuit: Circuit
    instances: tuple[Instance, ...]
    registers: int
    latency: int


def read_back(
    rtl: Rtl, *, roots: Collection[str] | None = None, timeout: float = 600.0
) -> tuple[dict[str, ReadModule], str]:
    """Read every module of a design's core: all but the wrapper of an AXI stream.

    Parameters
    ----------
    roots
        Read these modules instead, and those that they hold.
    timeout
        Seconds that yosys may take.

    Returns
    -------
    tuple
        The modules by name, and what yosys calls itself.

    Raises
    ------
    ModelError
        If yosys refuses the Verilog.
    ComparisonError
        If ways through the registers of a module differ in length, or a register hangs on another
        clock or enable than the design's.
    ToolError, MissingExtraError
        If yosys fails, takes too long, or is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        commands = [
            verilog_for_yosys(rtl, folder),
            f"hierarchy -check -top {rtl.core if roots is None else rtl.top}",
            *_COMMANDS,
            "write_json output.json",
        ]
        run_yosys(commands, folder, str(rtl.folder), timeout=timeout, memory=MEMORY)
        content = json.loads((folder / "output.json").read_bytes())
    modules = content["modules"]
    if roots is not None:
        modules = _held_by(modules, roots)
    read: dict[str, ReadModule] = {}
    for module in _inside_first(modules, str(rtl.folder)):
        read[module] = _read(module, modules[module], read, str(rtl.folder))
    return read, str(content.get("creator", "yosys"))


def _held_by(modules: dict[str, Any], roots: Collection[str]) -> dict[str, Any]:
    """Modules and all that they hold."""
    found: dict[str, Any] = {}
    waiting = [name for name in roots if name in modules]
    while waiting:
        name = waiting.pop()
        found[name] = modules[name]
        kinds = {cell["type"] for cell in modules[name]["cells"].values()}
        waiting += [kind for kind in kinds & modules.keys() if kind not in found]
    return found


def _inside_first(modules: dict[str, Any], where: str) -> list[str]:
    """Names of modules, each after those that it holds."""
    order: list[str] = []
    for name in modules:  # a design is three modules deep
        stack = [name]
        while stack:
            top = stack[-1]
            inside = {cell["type"] for cell in modules[top]["cells"].values()} & modules.keys()
            waiting = [inner for inner in inside if inner not in order]
            if waiting and len(stack) > len(modules):
                raise ModelError(f"{where}: module {top!r} holds itself")
            if waiting:
                stack.append(waiting[0])
            else:
                stack.pop()
                if top not in order:
                    order.append(top)
    return order


def _read(
    name: str, module: dict[str, Any], known: dict[str, ReadModule], where: str
) -> ReadModule:
    cells, ports = module["cells"], dict(module["ports"])
    logic: dict[str, Any] = {}
    instances, registers = [], []
    for label, cell in cells.items():
        if cell["type"] in known:
            instance, added = _cut_out(label, cell, module)
            instances.append(instance)
            ports |= added
        elif "FF_" in cell["type"] or "FFE_" in cell["type"] or "FFCE_" in cell["type"]:
            _check_register(name, label, cell, ports, where)
            registers.append(cell)
            pins = {"A": cell["connections"]["D"], "Y": cell["connections"]["Q"]}
            logic[label] = {**_WIRE, "connections": pins}
        else:
            logic[label] = cell
    data = {port: entry for port, entry in ports.items() if port not in CONTROLS}
    source = {"modules": {name: {**module, "ports": data, "cells": logic}}}
    latency = 0
    if registers or instances:
        latency = _latency(name, module, known, where)
    circuit = read_yosys_json(source, f"{where}: module {name!r}")
    return ReadModule(name, circuit, tuple(instances), len(registers), latency)


_WIRE = {
    "hide_name": 1,
    "type": "$_BUF_",
    "parameters": {},
    "attributes": {},
    "port_directions": {"A": "input", "Y": "output"},
}


def _cut_out(
    label: str, cell: dict[str, Any], module: dict[str, Any]
) -> tuple[Instance, dict[str, Any]]:
    """Ports that stand for an instance: where it gives, the module is given."""
    added: dict[str, Any] = {}
    inputs: list[str] = []
    outputs: list[str] = []
    for pin, bits in cell["connections"].items():
        if pin in CONTROLS:
            continue
        gives = cell["port_directions"][pin] == "output"
        added[f"{label}.{pin}"] = {"direction": "input" if gives else "output", "bits": bits}
        names = [f"{pin}[{i}]" for i in range(len(bits))] if len(bits) > 1 else [pin]
        (outputs if gives else inputs).extend(names)
    return Instance(label, cell["type"], tuple(inputs), tuple(outputs)), added


def _check_register(
    name: str, label: str, cell: dict[str, Any], ports: dict[str, Any], where: str
) -> None:
    match = _REGISTER.fullmatch(cell["type"])
    what = f"{where}: module {name!r}: register {label!r}"
    pins = cell["connections"]
    if match is None or match["edges"][0] != "P" or pins["C"] != _bits(ports, "clk"):
        raise ComparisonError(f"{what}: {cell['type']} is not clocked by the rising edge of clk")
    enable = _bits(ports, "enable")
    if ("E" in pins) != (enable is not None) or ("E" in pins and pins["E"] != enable):
        raise ComparisonError(f"{what}: does not wait for 'enable' as the design does")


def _bits(ports: dict[str, Any], name: str) -> list[Any] | None:
    return ports[name]["bits"] if name in ports else None


def _latency(name: str, module: dict[str, Any], known: dict[str, ReadModule], where: str) -> int:
    """Registers on the way from inputs to outputs.

    Raises
    ------
    ComparisonError
        If two ways that meet differ.
    """
    delays: dict[Any, int] = {}
    for port, entry in module["ports"].items():
        if entry["direction"] == "input" and port not in CONTROLS:
            delays |= dict.fromkeys(entry["bits"], 0)
    readers: dict[Any, list[str]] = {}
    missing: dict[str, set[Any]] = {}
    cells = module["cells"]
    driven = {bit for cell in cells.values() for bit in _pins(cell, "output")} | delays.keys()
    for label, cell in cells.items():
        missing[label] = {bit for bit in _pins(cell, "input") if bit in driven}
        for bit in missing[label]:
            readers.setdefault(bit, []).append(label)
    ready = [label for label, bits in missing.items() if not bits]
    arrived = list(delays)
    while ready or arrived:
        while arrived:
            bit = arrived.pop()
            for label in readers.get(bit, ()):
                missing[label].discard(bit)
                if not missing[label]:
                    ready.append(label)
        if not ready:
            break
        label = ready.pop()
        cell = cells[label]
        given = {delays[bit] for bit in _pins(cell, "input") if delays.get(bit, -1) >= 0}
        if len(given) > 1:
            raise ComparisonError(
                f"{where}: module {name!r}: {label!r} joins ways of {min(given)} and {max(given)} "
                "registers"
            )
        # Constants come at any time.
        own = -1
        if given:
            inner = known.get(cell["type"])
            own = given.pop() + (inner.latency if inner else int("FF" in cell["type"]))
        for bit in _pins(cell, "output"):
            if bit not in delays:
                delays[bit] = own
                arrived.append(bit)
    ends = {
        delays.get(bit, -1)
        for port in module["ports"].values()
        if port["direction"] == "output"
        for bit in port["bits"]
    } - {-1}
    if len(ends) > 1:
        raise ComparisonError(
            f"{where}: module {name!r}: outputs come after {min(ends)} and {max(ends)} registers"
        )
    return ends.pop() if ends else 0


def _pins(cell: dict[str, Any], direction: str) -> list[Any]:
    """Nets at a cell's inputs or outputs, without constants and controls."""
    directions = cell["port_directions"]
    skipped = {"C", "E", "R", "S"} if "FF" in cell["type"] else set(CONTROLS)
    return [
        bit
        for pin, bits in cell["connections"].items()
        if directions.get(pin) == direction and pin not in skipped
        for bit in bits
        if not isinstance(bit, str)
    ]
