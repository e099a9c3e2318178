"""From a network and the choices to the text of Verilog modules."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any

import numpy as np

import lgnx
from lgnx.converters.verilog.argmax import argmax_body, argmax_registers
from lgnx.converters.verilog.encoder import Encoder
from lgnx.converters.verilog.folder import BUILD
from lgnx.converters.verilog.interface import Interface, Trigger
from lgnx.converters.verilog.packed import PackedStage
from lgnx.converters.verilog.popcount import (
    packed_counters,
    popcount_body,
    popcount_registers,
)
from lgnx.converters.verilog.stages import Stage
from lgnx.network import Network
from lgnx.ops.errors import require

__all__ = ["Design", "Module"]

# What compact texts are without: comments inside, a net type that lint checks as well, a directive
# that the end of a file makes needless, and empty lines.
_LONG = re.compile(
    r"^ +// .*\n|^`default_nettype .*\n|^ +/\* verilator lint_on \w+ \*/\n|^\n", re.MULTILINE
)


@dataclass(frozen=True)
class Module:
    """One module of a design, as the sidecar lists it."""

    name: str
    role: str
    stage: int | None = None


@dataclass
class Design:
    """A network with everything that decides its Verilog.

    Attributes
    ----------
    stages
        Of the encoder's netlist; none where no input bit matters.
    every
        None for a combinational design. Else there is a register behind the encoder, each stage,
        the counts, and the class; and inside the trees of counts and class as
        ``tree_every`` says.
    tree_every
        Levels of adders or comparisons between registers; None for none inside.
    outputs
        Some of ``scores``, ``class``, ``trigger``; or ``bits``.
    digits
        Whether the last stage gives the digits of the counts, so that nothing is left to count.
    registered
        For each stage whether registers stand behind it in a pipelined design; None for all.
    compact
        Whether texts are short: counters in rows, as gates are, and no empty lines.
    """

    network: Network
    encoder: Encoder
    stages: list[Stage]
    pipelined: bool
    tree_every: int | None
    interface: Interface
    outputs: tuple[str, ...]
    trigger: Trigger | None
    top: str
    digits: bool = False
    registered: list[bool] | None = None
    compact: bool = False
    modules: list[Module] = field(default_factory=list)

    @property
    def stalls(self) -> bool:
        """Whether registers wait for ``enable``."""
        return self.interface.handshake == "axi-stream"

    @property
    def n_in(self) -> int:
        """Width of the input port."""
        return self.encoder.offsets[-1]

    @property
    def groups(self) -> int:
        """Number of scores."""
        return self.network.groups

    @property
    def width(self) -> int:
        """Bits of a count."""
        return self.network.group_size.bit_length()

    @property
    def class_width(self) -> int:
        """Bits of a class."""
        return (self.groups - 1).bit_length()

    @property
    def counting(self) -> bool:
        """Whether there are modules that count."""
        return bool(self.groups) and self.network.group_size > 1 and not self.digits

    @property
    def stage_registers(self) -> list[bool]:
        """For each stage whether registers stand behind it."""
        return [self.pipelined and each for each in self.registered or [True] * len(self.stages)]

    @cached_property
    def popcount_registers(self) -> int:
        """Registers inside the trees that count."""
        if not self.counting or not self.encoder.bits:
            return 0
        return popcount_registers(self.network.group_size, self.tree_every)

    @cached_property
    def argmax_registers(self) -> int:
        """Registers inside the tree that compares."""
        return argmax_registers(self.groups, self.tree_every) if "class" in self.outputs else 0

    @property
    def score_delays(self) -> int:
        """Registers of the counts behind the first, so that all outputs leave together."""
        return self.argmax_registers + int(bool({"class", "trigger"} & set(self.outputs)))

    @property
    def core_latency(self) -> int:
        """Clock edges from a sample to its result, without the handshake; 0 if combinational."""
        if not self.pipelined:
            return 0
        latency = 0
        if self.encoder.bits:
            latency += 1 + sum(self.stage_registers) + self.popcount_registers
        if self.groups:
            latency += 1 + self.score_delays
        return latency

    @property
    def latency(self) -> int:
        """The same with the handshake; at least 1 where there is a clock."""
        if not self.pipelined:
            return 0
        return max(1, self.core_latency) + int(self.stalls)

    @property
    def ports(self) -> list[tuple[str, int]]:
        """Names and widths of the outputs, in the order in which a stream packs them."""
        if not self.groups:
            return [("y", self.network.netlist.n_outputs)]
        widths = {"scores": self.groups * self.width, "class": self.class_width, "trigger": 1}
        names = {"scores": "scores", "class": "class_index", "trigger": "trigger"}
        return [(names[output], widths[output]) for output in self.outputs]

    def render(self) -> dict[str, str]:
        """Text of every file; fills ``modules``."""
        jinja2 = require("jinja2", extra="rtl")
        environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(_template),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
        )
        words, top = self.interface.words(), self.top
        common: dict[str, Any] = {
            "version": lgnx.__version__,
            "build": BUILD,
            "w": words,
            "stalls": self.stalls,
            "compact": self.compact,
        }
        files: dict[str, str] = {}

        def make(
            name: str, template: str, what: str, role: str, stage: int | None = None, **values: Any
        ) -> None:
            text = environment.get_template(template).render(
                **common, name=name, what=what, **values
            )
            if self.compact:
                text = _LONG.sub("", text)
            files[name + self.interface.suffix] = text
            self.modules.append(Module(name, role, stage))

        self.modules.clear()
        if self.encoder.bits:
            self._encoder(make)
            for number, stage in enumerate(self.stages):
                what = f"Logic, stage {number}: {stage.gates} gates."
                name = f"{top}_stage{number}"
                template = "packed_stage.v.j2" if isinstance(stage, PackedStage) else "stage.v.j2"
                make(name, template, what, "logic", number, logic=stage, lanes=True)
            self._network(make, words)
        if "class" in self.outputs:
            body = argmax_body(self.groups, self.width, self.tree_every, words, self.stalls)
            ports = [
                *self._clocked(self.argmax_registers),
                f"input  wire [{self.groups * self.width - 1}:0] x",
                f"output wire [{self.class_width - 1}:0] index",
            ]
            what = f"Index of the largest of {self.groups} numbers; of equal ones the lowest."
            make(f"{top}_argmax", "module.v.j2", what, "argmax", ports=ports, body=body)
        self._core(make)
        if self.stalls:
            self._axi_stream(make)
        return files

    def _clocked(self, registers: int | bool) -> list[str]:
        if not registers:
            return []
        return ["input  wire clk"] + (["input  wire enable"] if self.stalls else [])

    def _encoder(self, make: Any) -> None:
        encoder = self.encoder
        read = {feature for feature, _ in encoder.bits}
        make(
            f"{self.top}_encoder",
            "encoder.v.j2",
            f"Input bits: {len(encoder.bits)} of {self.network.netlist.n_inputs} are read.",
            "encoder",
            n_in=self.n_in,
            n_bits=len(encoder.bits),
            assignments=encoder_assignments(encoder),
            unused=len(read) < self.network.features,
        )

    def _network(self, make: Any, words: dict[str, str]) -> None:
        size, n_out = self.network.group_size, self.network.netlist.n_outputs
        what = f"Number of ones among {size} bits."
        if self.counting and self.compact and not self.popcount_registers:
            rows, result = packed_counters(size)
            make(
                f"{self.top}_popcount", "packed_popcount.v.j2", what, "popcount",
                size=size, count_width=self.width, width=rows[0].bits[0], rows=rows, result=result,
                nets=1 + size + 3 * sum(row.count for row in rows),
                characters=max(row.characters for row in rows), lanes=True,
            )  # fmt: skip
        elif self.counting:
            body = popcount_body(size, self.tree_every, words, self.stalls)
            ports = [
                *self._clocked(self.popcount_registers),
                f"input  wire [{size - 1}:0] `LGNX_LANE x",
                f"output wire [{self.width - 1}:0] `LGNX_LANE count",
            ]
            make(
                f"{self.top}_popcount", "module.v.j2", what, "popcount",
                ports=ports, body=body, lanes=True,
            )  # fmt: skip
        make(
            f"{self.top}_network",
            "network.v.j2",
            "From input bits to " + ("counts." if self.groups else "output bits."),
            "network",
            top=self.top,
            pipelined=self.pipelined,
            popcount_registers=self.popcount_registers,
            stages=self.stages,
            stage_registers=self.stage_registers,
            n_bits=len(self.encoder.bits),
            n_out=self.groups * self.width if self.groups else n_out,
            groups=0 if self.digits else self.groups,
            size=size,
            width=self.width,
        )

    def _core(self, make: Any) -> None:
        netlist = self.encoder.netlist
        valid = self.interface.handshake != "none" and self.pipelined
        ports = ["input  wire clk"] if self.pipelined else []
        if valid and self.interface.reset_name:
            ports.append(f"input  wire {self.interface.reset_name}")
        if self.stalls:
            ports.append("input  wire enable")
        if valid:
            ports += ["input  wire in_valid", "output wire out_valid"]
        ports.append(f"input  wire [{self.n_in - 1}:0] x")
        for name, width in self.ports:
            ports.append(f"output wire {'' if name == 'trigger' else f'[{width - 1}:0] '}{name}")
        constants: list[tuple[int, int]] = []
        if not self.encoder.bits:
            bits = netlist.outputs.astype(np.int64)
            if self.groups:
                ones = bits.reshape(self.groups, -1).sum(axis=1).tolist()
                constants = [(self.width, one) for one in ones]
            else:
                constants = [(1, bit) for bit in bits.tolist()]
        trigger = None
        if self.trigger is not None:
            trigger = {
                "words": f"group {self.trigger.group} counts {self.trigger.at_least} or more",
                "expression": self._enough(self.trigger),
            }
        make(
            f"{self.top}_core" if self.stalls else self.top,
            "core.v.j2",
            f"Logic network of {netlist.n_nodes} gates in {netlist.depth} levels.",
            "core" if self.stalls else "top",
            top=self.top,
            ports=ports,
            pipelined=self.pipelined,
            valid=valid,
            n_bits=len(self.encoder.bits),
            n_results=self.groups * self.width if self.groups else self.network.netlist.n_outputs,
            constants=constants,
            groups=self.groups,
            outputs=self.outputs,
            class_width=self.class_width if self.groups > 1 else 0,
            argmax_registers=self.argmax_registers,
            score_delays=self.score_delays,
            trigger=trigger,
            unread=not {"scores", "class"} & set(self.outputs),
            latency=max(1, self.core_latency),
        )

    def _enough(self, trigger: Trigger) -> str:
        if trigger.at_least == 0:
            return "1'b1"
        if trigger.at_least > self.network.group_size:
            return "1'b0"
        count = f"counts[{trigger.group * self.width} +: {self.width}]"
        return f"{count} > {self.width}'d{trigger.at_least - 1}"

    def _axi_stream(self, make: Any) -> None:
        used = sum(width for _, width in self.ports)
        m_width = -(-used // 8) * 8
        make(
            f"{self.top}_skid",
            "skid.v.j2",
            "Register slice: takes one more result when the receiver stops.",
            "static",
            width=m_width,
        )
        make(
            self.top,
            "axi_stream.v.j2",
            "AXI4-Stream around the core; fields stand lowest bit first.",
            "top",
            top=self.top,
            n_in=self.n_in,
            s_width=-(-self.n_in // 8) * 8,
            m_width=m_width,
            m_padding=m_width - used,
            fields=[{"name": name, "width": width} for name, width in self.ports],
        )


def encoder_assignments(encoder: Encoder) -> list[str]:
    """Assignments of an encoder: bits that are handed on, beside each other, and comparisons."""
    found: list[str] = []
    place = 0
    for (step, plain), group in itertools.groupby(enumerate(encoder.bits), _run(encoder)):
        bits = [bit for _, bit in group]
        if plain:
            low = step + place
            many = len(bits) > 1
            target = f"y[{place} +: {len(bits)}]" if many else f"y[{place}]"
            found.append(f"{target} = x[{low}{f' +: {len(bits)}' if many else ''}]")
        else:
            ((feature, value),) = bits
            assert value is not None
            port, offset = encoder.ports[feature], encoder.offsets[feature]
            part = f"x[{offset}]" if port.width == 1 else f"x[{offset} +: {port.width}]"
            left = f"$signed({part})" if port.signed else part
            literal = f"{port.width}'{'sd' if port.signed else 'd'}{abs(value)}"
            found.append(f"y[{place}] = {left} > {'-' if value < 0 else ''}{literal}")
        place += len(bits)
    return found


def _run(encoder: Encoder) -> Callable[[tuple[int, tuple[int, int | None]]], tuple[int, bool]]:
    """Key of what may be assigned at once: bits that go as far; each comparison alone."""

    def key(item: tuple[int, tuple[int, int | None]]) -> tuple[int, bool]:
        place, (feature, value) = item
        return (encoder.offsets[feature] - place, True) if value is None else (place, False)

    return key


def _template(name: str) -> str:
    """Text of a template; editable installs have no real path for its folder."""
    folder = resources.files("lgnx.converters.verilog").joinpath("templates")
    return folder.joinpath(name).read_text("utf-8")
