"""Timing diagrams of docs/hardware.md, drawn from what small designs do.

Each diagram is a simulation: a design is written by `write_rtl`, read back through yosys, and run
clock by clock. docs/timing/ gets its WaveJSON and the picture that wavedrom makes of it.

    python docs/draw_timing.py          writes the files
    python docs/draw_timing.py --check  says whether they are what would be written
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import wavedrom

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.ops.tables import pack_tables
from lgnx.verify.machine import Machine, read_machine
from lgnx.verify.rtl import read_rtl

FOLDER = Path(__file__).parent / "timing"
BITS = 6  # of a sample
NAMES = "abcdefgh"


@dataclass(frozen=True)
class Diagram:
    """One picture.

    Attributes
    ----------
    title
        Stands over it.
    options
        Of `write_rtl`.
    inputs
        For each input bit its value in every clock, as digits.
    offered
        The sample at the input in each clock, as its letter, "-" where none is. With AXI4-Stream
        the samples in their order: each stays until it is taken.
    shown
        Signals, in order.
    """

    title: str
    options: dict[str, Any]
    offered: str
    shown: tuple[str, ...]
    inputs: dict[str, str] = field(default_factory=dict)


DIAGRAMS = {
    "none": Diagram(
        "no handshake, latency 4",
        {"handshake": "none"},
        "abcd-----",
        ("x", "scores", "class_index"),
    ),
    "valid": Diagram(
        "valid, with a synchronous reset, latency 4",
        {"handshake": "valid", "reset": "sync"},
        "-a-bc------",
        ("rst", "in_valid", "x", "out_valid", "scores", "class_index"),
        {"rst": "10000000000", "in_valid": "01011000000"},
    ),
    "axi-stream": Diagram(
        "AXI4-Stream: the receiver rests for four clocks, and the sender has to wait",
        {"handshake": "axi-stream", "reset": "sync-low"},
        "abcdefgh",
        (
            "rst_n",
            "s_axis_tvalid",
            "s_axis_tready",
            "s_axis_tdata",
            "m_axis_tvalid",
            "m_axis_tready",
            "m_axis_tdata",
        ),
        {
            "rst_n": "0" + "1" * 19,
            "s_axis_tvalid": "01111111111111111111",
            "m_axis_tready": "11111100001111111111",
        },
    ),
}


def network() -> tuple[lgnx.Network, dict[str, np.ndarray]]:
    """A small network, and samples whose scores differ, by letter."""
    rng = np.random.default_rng(5)
    layers, inputs = [], BITS
    for width in (16, 30):
        wires = np.stack([rng.choice(inputs, 2, replace=False) for _ in range(width)])
        gates = rng.choice([0b0001, 0b0110, 0b0111, 0b1000, 0b1110], width)
        tables = pack_tables((gates[:, None] >> np.arange(4)) & 1)
        layers.append(lgnx.torch.LogicDense(wires.astype(np.int32), tables))
        inputs = width
    module = torch.nn.Sequential(*layers, lgnx.torch.GroupSum(2))
    model = lgnx.export(module, torch.zeros(1, BITS, dtype=torch.bool))
    built = lgnx.Network.from_model(model)
    every = (np.arange(2**BITS)[:, None] >> np.arange(BITS) & 1).astype(bool)
    scores, first = np.unique(built.scores(every), axis=0, return_index=True)
    winners = scores.argmax(1)
    pairs = zip(first[winners == 0], first[winners == 1], strict=False)
    return built, {name: every[at] for name, at in zip(NAMES, np.ravel(list(pairs)), strict=False)}


class Simulation:
    """A design, clock by clock."""

    def __init__(self, machine: Machine):
        self.machine = machine
        self.state = np.where(machine.start == 1, 1, 0).astype(bool)

    def look(self, values: dict[str, int]) -> dict[str, int]:
        """Outputs of the clock, before its edge, for values of the inputs."""
        bits = [_bit(values, name) for name in self.machine.inputs]
        unknown = self.machine.step.n_inputs - len(bits) - len(self.state)
        row = np.concatenate([np.array(bits, bool), self.state, np.zeros(unknown, bool)])
        out = self.machine.step.simulate(row[None])[0]
        self._next = out[len(self.machine.outputs) :]
        found: dict[str, int] = {}
        for name, value in zip(self.machine.outputs, out, strict=False):
            port, place = _place(name)
            found[port] = found.get(port, 0) | int(value) << place
        return found

    def tick(self) -> None:
        """The rising edge."""
        self.state = self._next


def _place(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", name)
    assert match
    return match[1], int(match[2] or 0)


def _bit(values: dict[str, int], name: str) -> int:
    port, place = _place(name)
    return values[port] >> place & 1


def simulate(diagram: Diagram) -> dict[str, list[int]]:
    """Values of every port in each clock."""
    built, samples = network()
    codes = {name: int(sample @ (1 << np.arange(BITS))) for name, sample in samples.items()}
    with tempfile.TemporaryDirectory() as name:
        write_rtl(built, Path(name) / "rtl", stages_every=2, **diagram.options)
        rtl = read_rtl(Path(name) / "rtl")
        simulation = Simulation(read_machine(rtl, {}))
    stream = diagram.options["handshake"] == "axi-stream"
    clocks = len(next(iter(diagram.inputs.values()), diagram.offered))
    waiting = list(diagram.offered)
    rows: dict[str, list[int]] = {}
    for clock in range(clocks):
        values = {port: int(digits[clock]) for port, digits in diagram.inputs.items()}
        if stream:
            values["s_axis_tvalid"] &= bool(waiting)
            values["s_axis_tdata"] = codes[waiting[0]] if waiting else 0
        else:
            values["x"] = codes.get(diagram.offered[clock], 0)
        found = simulation.look(values)
        for port, value in (values | found).items():
            rows.setdefault(port, []).append(value)
        if stream and values["s_axis_tvalid"] and found["s_axis_tready"]:
            waiting.pop(0)
        simulation.tick()
    return rows


def wave(diagram: Diagram) -> dict[str, Any]:
    """WaveJSON of a diagram."""
    built, samples = network()
    rows = simulate(diagram)
    clocks = len(next(iter(rows.values())))
    scores = {name: built.scores(sample[None])[0] for name, sample in samples.items()}
    width = int(built.group_size).bit_length()
    names: dict[str, dict[int, str]] = {"x": {}, "scores": {}}
    for name, sample in samples.items():
        names["x"][int(sample @ (1 << np.arange(BITS)))] = name
        names["scores"][int(scores[name][0]) | int(scores[name][1]) << width] = f"f({name})"
    names["s_axis_tdata"] = names["x"]
    # Scores below, the class above: the ports in their order.
    names["m_axis_tdata"] = {
        code | int(np.argmax([code & (1 << width) - 1, code >> width])) << 2 * width: label
        for code, label in names["scores"].items()
    }
    valid = {
        "x": rows.get("in_valid", [c != "-" for c in diagram.offered]),
        "s_axis_tdata": rows.get("s_axis_tvalid"),
        "m_axis_tdata": rows.get("m_axis_tvalid"),
    }
    results = rows.get("out_valid")
    if results is None and "x" in rows:
        offered = [c != "-" for c in diagram.offered]
        results = [False] * 4 + offered[: clocks - 4]
    signals: list[dict[str, Any]] = [{"name": "clk", "wave": "P" + "." * (clocks - 1)}]
    for port in diagram.shown:
        if port in ("scores", "class_index", "x") or port.endswith("tdata"):
            labels = names.get(port) or {0: "0", 1: "1"}
            said = [
                labels[value] if ok else "x"
                for value, ok in zip(rows[port], valid.get(port) or results, strict=True)
            ]
        else:
            said = [str(int(value)) for value in rows[port]]
        signals.append(_signal(port, said))
    return {
        "signal": signals,
        "head": {"text": diagram.title, "tick": 0},
        "config": {"hscale": 1},
    }


def _signal(port: str, said: list[str]) -> dict[str, Any]:
    text, labels = "", []
    for before, now in zip(["", *said], said, strict=False):
        if now in ("0", "1", "x") and port != "class_index":
            text += "." if now == before else now
        elif now == before and port != "class_index":
            text += "."
        elif now == "x":
            text += "." if before == "x" else "x"
        else:
            text += "="
            labels.append(now)
    return {"name": port, "wave": text} | ({"data": labels} if labels else {})


def files() -> dict[Path, str]:
    """What the folder should hold."""
    found = {}
    for name, diagram in DIAGRAMS.items():
        content = wave(diagram)
        text = json.dumps(content, ensure_ascii=False)
        found[FOLDER / f"{name}.json"] = json.dumps(content, indent=1) + "\n"
        found[FOLDER / f"{name}.svg"] = _svg(text)
    return found


def _svg(text: str) -> str:
    drawn = wavedrom.render(text).tostring()
    # Pages may be dark.
    return drawn.replace("<svg ", '<svg style="background:white" ', 1) + "\n"


def main() -> None:
    """Write, or check."""
    wanted = files()
    if "--check" in sys.argv[1:]:
        stale = [p.name for p, t in wanted.items() if not p.exists() or p.read_text("utf-8") != t]
        sys.exit(f"docs/timing: {', '.join(stale)}: run docs/draw_timing.py" if stale else 0)
    FOLDER.mkdir(exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
