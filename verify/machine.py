"""A clocked design as one machine: a netlist from inputs and registers to outputs and registers.

yosys flattens the design, except for modules that are given; these are cut out, and netlists stand
in their place. So parts that were proved apart are taken as what they were proved to be.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.yosys_json import read_yosys_json
from lgnx.converters.yosys_run import KEEP_NONE, run_yosys
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.ops.errors import ComparisonError
from lgnx.verify.rtl import Rtl
from lgnx.verify.rtl_yosys import MEMORY, verilog_for_yosys

__all__ = ["UNKNOWN", "Machine", "plain_name", "read_machine", "read_parts"]

UNKNOWN = 2

_FLATTEN = ("flatten", "opt_expr", "opt_clean", "memory", "opt_expr", "opt_clean")
_REGISTERS = ("async2sync", "dffunmap", "simplemap", "techmap", "simplemap", "dffunmap")
_GATES = ("simplemap", "opt_clean", "setundef -undriven -anyseq", "write_json output.json")
_REGISTER, _UNDEFINED = "$_DFF_P_", "$anyseq"


@dataclass(frozen=True)
class Machine:
    """A synchronous design with one clock.

    Attributes
    ----------
    step
        From the inputs, the registers, and bits that Verilog leaves undefined, to the outputs, then
        what the registers hold next.
    inputs, outputs
        Names of the bits: ``port``, or ``port[i]`` of a wider one.
    registers
        Names, for messages.
    start
        uint8: 0 or 1 where a register has an initial value, else `UNKNOWN`.
    boxes
        Modules inside that are left open, by instance, as yosys calls them. What they give are
        inputs ``instance.pin[i]``, behind those of the design, what they read are outputs.
    """

    step: Netlist
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    registers: tuple[str, ...]
    start: np.ndarray
    boxes: dict[str, str]


def read_machine(
    rtl: Rtl,
    known: Mapping[str, Netlist],
    *,
    cuts: Collection[str] = (),
    probes: Collection[str] = (),
    memory: int = MEMORY,
    timeout: float = 600.0,
) -> Machine:
    """Read a design as one machine.

    Parameters
    ----------
    known
        What modules inside compute, ports without clock in the order in which they are declared.
        They are not looked into.
    cuts
        Nets of the top module that are cut in two: what drives one is an output of its name, what
        reads it reads an input ``net.i``.
    probes
        Nets of the top module that become outputs.
    memory
        MiB that yosys may use.
    timeout
        Seconds that it may take.

    Raises
    ------
    ModelError
        If yosys refuses the Verilog.
    ComparisonError
        If a register hangs on another clock, or known modules feed each other in a ring.
    ToolError, MissingExtraError
        If yosys fails, takes too long, or is not installed.
    """
    opened = [f"expose {' '.join(f'{rtl.top}/w:{net}' for net in probes)}"] if probes else []
    if cuts:
        opened.append(f"expose -cut {' '.join(f'{rtl.top}/w:{net}' for net in cuts)}")
    modules = _modules(rtl, known, memory, timeout, opened)
    return _machine(modules[rtl.top], modules, known, (), f"{rtl.folder}: module {rtl.top!r}")


def read_parts(
    rtl: Rtl, boxes: Collection[str], *, memory: int = MEMORY, timeout: float = 600.0
) -> tuple[Machine, dict[str, Machine]]:
    """Read a design with some of its modules left open, and each of these as a machine.

    Parameters
    ----------
    boxes
        The modules. None of them is inside another.
    memory, timeout
        See `read_machine`, which raises the same.

    Returns
    -------
    tuple
        The design around them; and the modules, by the name that yosys has for them, which is
        another for each choice of their parameters (`plain_name` gives that of the Verilog).
    """
    modules = _modules(rtl, boxes, memory, timeout)
    shell = _machine(modules[rtl.top], modules, {}, boxes, f"{rtl.folder}: module {rtl.top!r}")
    parts = {}
    for name in dict.fromkeys(shell.boxes.values()):
        where = f"{rtl.folder}: module {plain_name(name)!r}"
        parts[name] = _machine(modules[name], modules, {}, (), where)
    return shell, parts


def plain_name(kind: str) -> str:
    """Name of a module in the Verilog, whatever its parameters are."""
    return kind.split("\\")[1] if kind.startswith("$paramod") and "\\" in kind else kind


def _modules(
    rtl: Rtl, kept: Collection[str], memory: int, timeout: float, opened: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Modules in gates and registers: the top, and those that are kept, each flattened."""
    where = str(rtl.folder)
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        commands = [
            verilog_for_yosys(rtl, folder),
            f"hierarchy -check -top {rtl.top}",
            KEEP_NONE,
            # A module with parameters is one of its own for each choice of them.
            *(f"setattr -mod -set keep_hierarchy 1 {m} *\\{m} *\\{m}\\*" for m in kept),
            "proc",
            *opened,
            *_FLATTEN,
            *_REGISTERS,
            *_GATES,
        ]
        run_yosys(commands, folder, where, timeout=timeout, memory=memory)
        content = json.loads((folder / "output.json").read_bytes())
    found: dict[str, dict[str, Any]] = content["modules"]
    return found


def _machine(
    module: dict[str, Any],
    modules: Mapping[str, Any],
    known: Mapping[str, Netlist],
    boxes: Collection[str],
    where: str,
) -> Machine:
    ports: dict[str, Any] = dict(module["ports"])
    clocks = [bit for name, port in ports.items() if name == "clk" for bit in port["bits"]]
    ports.pop("clk", None)
    cells: dict[str, Any] = {}
    registers: list[str] = []
    undefined: list[Any] = []
    taken: dict[str, Any] = {}
    given: dict[str, Any] = {}
    parts: list[_Part] = []
    opened: dict[str, str] = {}
    for label, cell in module["cells"].items():
        pins = cell["connections"]
        name = plain_name(cell["type"])
        if name in boxes:
            opened[label] = cell["type"]
            for pin, bits in pins.items():
                if pin != "clk":
                    gives_ = cell["port_directions"][pin] == "output"
                    direction = "input" if gives_ else "output"
                    ports[f"{label}.{pin}"] = {"direction": direction, "bits": bits}
        elif name in known:
            order = list(modules[cell["type"]]["ports"])
            reads = [pin for pin in order if cell["port_directions"][pin] == "input"]
            gives = [pin for pin in order if cell["port_directions"][pin] == "output"]
            parts.append(
                _Part(
                    known[name],
                    tuple(f"{label}.{pin}" for pin in reads),
                    tuple(f"{label}.{pin}" for pin in gives),
                )
            )
            for pin in reads:
                taken[f"{label}.{pin}"] = {"direction": "output", "bits": pins[pin]}
            for pin in gives:
                given[f"{label}.{pin}"] = {"direction": "input", "bits": pins[pin]}
        elif "DFF" in cell["type"] or "DLATCH" in cell["type"]:
            if cell["type"] != _REGISTER or pins["C"] != clocks:
                raise ComparisonError(
                    f"{where}: register {label!r}: {cell['type']} is not clocked by the rising "
                    "edge of clk"
                )
            registers.append(label)
        elif cell["type"] == _UNDEFINED:
            undefined += pins["Y"]
        else:
            cells[label] = cell
    of_registers = [module["cells"][label]["connections"] for label in registers]
    state = {"direction": "input", "bits": [bit for pins in of_registers for bit in pins["Q"]]}
    following = {"direction": "output", "bits": [bit for pins in of_registers for bit in pins["D"]]}
    own = {name for name, port in ports.items() if port["direction"] == "input"}
    everything = {
        **{name: port for name, port in ports.items() if name in own},
        **({"Q": state} if registers else {}),
        **({"U": {"direction": "input", "bits": undefined}} if undefined else {}),
        **given,
        **{name: port for name, port in ports.items() if name not in own},
        **({"D": following} if registers else {}),
        **taken,
    }
    source = {"modules": {"machine": {**module, "ports": everything, "cells": cells}}}
    circuit = read_yosys_json(source, where)
    n_own = sum(len(ports[name]["bits"]) for name in own)
    n_out = len(circuit.output_names) - sum(len(t["bits"]) for t in taken.values())
    glue = _Glue(circuit.netlist, circuit.input_names, circuit.output_names)
    step = glue.with_parts(parts, n_own + len(registers) + len(undefined), n_out, where)
    initial = _initial(module)
    return Machine(
        step=step,
        inputs=circuit.input_names[:n_own],
        outputs=circuit.output_names[: n_out - len(registers)],
        registers=tuple(_names(module, of_registers, registers)),
        start=np.array([initial.get(p["Q"][0], UNKNOWN) for p in of_registers], np.uint8),
        boxes=opened,
    )


@dataclass(frozen=True)
class _Part:
    """A known module inside: its netlist, and the ports that stand for its pins."""

    netlist: Netlist
    reads: tuple[str, ...]
    gives: tuple[str, ...]


class _Glue:
    """What is left around the known modules."""

    def __init__(self, netlist: Netlist, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        self.netlist = netlist
        self.inputs = _places(inputs)
        self.outputs = _places(outputs)

    def with_parts(self, parts: list[_Part], n_inputs: int, n_outputs: int, where: str) -> Netlist:
        """Put the known netlists in: a netlist of the first inputs and outputs alone."""
        glue = self.netlist
        builder = NetlistBuilder(n_inputs)
        literals = np.zeros(glue.n_inputs, np.uint32)
        literals[:n_inputs] = builder.inputs()
        waiting = np.zeros(glue.n_inputs, bool)
        waiting[n_inputs:] = True
        open_ = list(parts)
        while open_:
            dark = _reached(glue, waiting)
            reads = [np.concatenate([self.outputs[pin] for pin in p.reads]) for p in open_]
            ready = [not dark[places].any() for places in reads]
            if not any(ready):
                raise ComparisonError(f"{where}: its parts feed each other in a ring")
            values = builder.embed(glue, literals)
            for part, places, is_ready in zip(open_, reads, ready, strict=True):
                if is_ready:
                    gives = np.concatenate([self.inputs[pin] for pin in part.gives])
                    literals[gives] = builder.embed(part.netlist, values[places])
                    waiting[gives] = False
            open_ = [part for part, is_ready in zip(open_, ready, strict=True) if not is_ready]
        values = builder.embed(glue, literals)[:n_outputs]
        found = builder.finish(values)
        return Netlist(
            n_inputs, *engine.optimize(n_inputs, found.kinds, found.fanins, found.outputs)
        )


def _places(names: Iterable[str]) -> dict[str, np.ndarray]:
    """Positions of the bits of each port."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        base, bracket, index = name.rpartition("[")
        port = base if bracket and index.rstrip("]").isdigit() else name
        found.setdefault(port, []).append(place)
    return {port: np.array(places) for port, places in found.items()}


def _reached(netlist: Netlist, marked: np.ndarray) -> np.ndarray:
    """Tell which outputs depend on inputs that are marked."""
    dark = np.zeros(netlist.first_node + netlist.n_nodes, bool)
    dark[1 : netlist.first_node] = marked
    if netlist.n_nodes:
        levels = netlist.levels()
        order = np.argsort(levels, kind="stable")
        bounds = np.searchsorted(levels[order], np.arange(1, int(levels.max()) + 2))
        for first, last in pairwise(bounds.tolist()):
            nodes = order[first:last]
            dark[netlist.first_node + nodes] = dark[netlist.fanins[nodes] >> 1].any(axis=1)
    return dark[netlist.outputs >> 1]


def _initial(module: dict[str, Any]) -> dict[Any, int]:
    """Initial values of nets."""
    found: dict[Any, int] = {}
    for net in module["netnames"].values():
        text = net["attributes"].get("init")
        if isinstance(text, str):
            for bit, value in zip(net["bits"], reversed(text), strict=False):
                if value in "01":
                    found[bit] = int(value)
    return found


def _names(module: dict[str, Any], pins: list[dict[str, Any]], labels: list[str]) -> list[str]:
    """What the registers are called in the Verilog."""
    called: dict[Any, str] = {}
    for name, net in module["netnames"].items():
        for i, bit in enumerate(net["bits"]):
            known = called.get(bit)
            if known is None or (net["hide_name"] == 0 and known.startswith("$")):
                called[bit] = f"{name}[{i}]" if len(net["bits"]) > 1 else name
    return [called.get(p["Q"][0], label) for p, label in zip(pins, labels, strict=True)]
