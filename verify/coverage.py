"""Toggle coverage of a simulation: which nets of a design never change, and which never can.

>>> coverage = measure_coverage(CoSimulation("rtl/"), [x], model="model.onnx")
>>> coverage.modules, coverage.never
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.verilog.write import digest
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops import engine
from lgnx.ops.errors import ToolError
from lgnx.optimize.proof import prove
from lgnx.verify.build import build_library
from lgnx.verify.design_nets import design_nets
from lgnx.verify.runner import Runner
from lgnx.verify.simulation import CoSimulation
from lgnx.verify.stalls import random_stalls

__all__ = ["Coverage", "ModuleCoverage", "QuietBit", "measure_coverage"]

_CHUNK = 4096
_STALLS = 25
_NO_OUTPUTS = (None,) * 4
_PROOFS = 200  # nets whose constancy is asked of SAT
_LINE = re.compile(r"C '(.*)' (\d+)")
_EDGE = re.compile(r"(.*):(0->1|1->0)")


@dataclass(frozen=True)
class ModuleCoverage:
    """The bits of all instances of a module; those of a generated row count once.

    Attributes
    ----------
    bits
        Nets, bit by bit.
    toggled
        Of these, those that went up and came down.
    once
        Those that changed in one direction only.
    never
        Those that did not change.
    """

    module: str
    bits: int
    toggled: int
    once: int
    never: int


@dataclass(frozen=True)
class QuietBit:
    """A bit that did not change.

    Attributes
    ----------
    net
        Its name, with instances and bit.
    output
        Whether it is an output of the design.
    verdict
        ``"constant"``: no input can change it, by proof; ``"can change"``: other samples than
        these would change it; ``"unknown"``: neither was found out.
    """

    net: str
    output: bool
    verdict: str


@dataclass(frozen=True)
class Coverage:
    """What a simulation toggled.

    Attributes
    ----------
    samples
        That were simulated.
    modules
        In the order of the design.
    never
        The bits that did not change, outputs first.
    """

    samples: int
    modules: tuple[ModuleCoverage, ...]
    never: tuple[QuietBit, ...]

    @property
    def dead_outputs(self) -> tuple[QuietBit, ...]:
        """Outputs of the design that did not change."""
        return tuple(bit for bit in self.never if bit.output)

    def content(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return asdict(self) | {"dead_outputs": [asdict(bit) for bit in self.dead_outputs]}


def measure_coverage(
    simulation: CoSimulation, batches: Iterable[np.ndarray], *, model: Any = None
) -> Coverage:
    """Simulate samples with Verilator's toggle coverage.

    The first call for a design builds a library that counts. A stream is stalled at random at both
    ends.

    Parameters
    ----------
    batches
        Each ``[batch, ...]`` in the model's input.
    model
        The model that the design was written from, by which nets can be proved constant; without
        it nothing is known of them.

    Raises
    ------
    InputError
        If a sample does not fit.
    HandshakeError
        If the handshake is wrong.
    ToolError, MissingExtraError
        If the build or the simulation fails.
    """
    rtl = simulation.rtl
    library = build_library(
        rtl, extra="coverage", cache_dir=simulation.cache_dir, jobs=simulation.jobs
    )
    runner = Runner(library, rtl, _CHUNK, simulation.timeout)
    percent = _STALLS if rtl.handshake == "axi-stream" else 0
    samples = 0
    for x in batches:
        codes = rtl.codes(x)
        for start in range(0, len(codes), _CHUNK):
            part = codes[start : start + _CHUNK]
            runner.run(part, _NO_OUTPUTS, random_stalls(len(part), percent, samples + start))
        samples += len(codes)
    with tempfile.TemporaryDirectory(prefix="lgnx-") as folder:
        path = Path(folder) / "coverage.dat"
        status, message = runner.coverage(path)
        if status or not path.is_file():
            raise ToolError(f"the coverage of {rtl.top} cannot be written: {message}")
        counts = read_counts(path.read_text("utf-8").splitlines())
    runner.close()
    return _summary(simulation, samples, counts, model)


Counts = dict[tuple[str, str, str], list[int]]


def read_counts(lines: Iterable[str]) -> Counts:
    """Read Verilator's coverage data: for (module, instance, net) how often it went up and down."""
    counts: Counts = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        fields = dict(part.split("\x02", 1) for part in match[1].split("\x01") if "\x02" in part)
        edge = _EDGE.fullmatch(fields.get("o", ""))
        if fields.get("page", "").startswith("v_toggle/") and edge is not None:
            module = fields["page"].removeprefix("v_toggle/")
            instance = fields["h"].removeprefix("TOP.")
            both = counts.setdefault((module, instance, edge[1]), [0, 0])
            both[edge[2] == "1->0"] += int(match[2])
    return counts


def _summary(simulation: CoSimulation, samples: int, counts: Counts, model: Any) -> Coverage:
    rtl = simulation.rtl
    ports = {name for name, _ in rtl.outputs} | {"m_axis_tdata", "m_axis_tvalid", "out_valid"}
    rows: dict[str, list[int]] = {}
    never: list[tuple[str, bool]] = []
    for (module, instance, net), (up, down) in counts.items():
        if net.startswith("unused"):
            continue
        row = rows.setdefault(module, [0, 0, 0])
        row[(up > 0) + (down > 0)] += 1
        if not up and not down:
            output = instance in (rtl.top, f"{rtl.top}.core") and net.split("[")[0] in ports
            never.append((f"{instance}.{net}", output))
    order = [m.name for m in reversed(rtl.modules) if m.name in rows]
    order += sorted(set(rows) - set(order))
    verdicts = _verdicts(simulation, [name for name, _ in never], model)
    quiet = [QuietBit(name, output, verdicts.get(name, "unknown")) for name, output in never]
    return Coverage(
        samples,
        tuple(ModuleCoverage(m, sum(rows[m]), rows[m][2], rows[m][1], rows[m][0]) for m in order),
        tuple(sorted(quiet, key=lambda bit: not bit.output)),
    )


def _verdicts(simulation: CoSimulation, names: list[str], model: Any) -> dict[str, str]:
    """Ask of each net that is the model's, too, whether it is constant."""
    if model is None or not names or simulation.rtl.stream is not None:
        return {}
    network = model if isinstance(model, Network) else Network.from_model(model)
    if digest(network.netlist) != simulation.rtl.netlist_sha256:
        return {}
    design = design_nets(simulation.rtl, network)
    place: dict[str, int] = {}
    for net in design.nets:
        width = net.bits.stop - net.bits.start
        for bit in range(width):
            place[f"{net.name}[{bit}]" if width > 1 else net.name] = net.bits.start + bit
            place[f"{net.name}[{bit}]"] = net.bits.start + bit
    known = [name for name in names if name in place]
    found: dict[str, str] = {}
    if known:
        whole = design.netlist
        outputs = whole.outputs[[place[name] for name in known]]
        parts = engine.optimize(whole.n_inputs, whole.kinds, whole.fanins, outputs)
        small = Netlist(whole.n_inputs, *parts)
        rng = np.random.default_rng(0)
        values: np.ndarray = small.simulate(rng.random((_CHUNK, whole.n_inputs)) < 0.5)
        changes = np.asarray(values.any(axis=0) & ~values.all(axis=0))
        asked: dict[int, str] = {}
        for place_, name in enumerate(known):
            literal = int(small.outputs[place_])
            if literal < 2:
                found[name] = "constant"
            elif changes[place_]:
                found[name] = "can change"
            elif literal in asked or len(asked) < _PROOFS:
                if literal not in asked:
                    asked[literal] = _is_constant(small, place_, bool(values[:1, place_].all()))
                found[name] = asked[literal]
    return found


def _is_constant(netlist: Netlist, output: int, value: bool) -> str:
    one = Netlist(
        netlist.n_inputs,
        *engine.optimize(
            netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs[output : output + 1]
        ),
    )
    nothing = np.zeros(0, np.uint8), np.zeros((0, 2), np.uint32)
    verdict = prove(one, Netlist(one.n_inputs, *nothing, np.array([int(value)], np.uint32)))
    return {"proved": "constant", "refuted": "can change", "tested": "unknown"}[verdict.status]
