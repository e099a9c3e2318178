"""Proof that a streaming design gives the same results in the same order under any stalls.

Every module between two handshakes is proved to be elastic (`lgnx.verify.elastic`), and the modules
are proved to stand in a chain: between them are wires, logic without memory, or a pipeline in which
everything moves at once. The dense part at the end has a proof of its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.ops.errors import ComparisonError
from lgnx.verify.elastic import Elastic, machine_fault, passage_fault, run_with_stalls
from lgnx.verify.machine import Machine, plain_name, read_parts
from lgnx.verify.queues import queue_fault
from lgnx.verify.rtl import Rtl

__all__ = ["ChainClaim", "prove_chain"]

_FORMS: tuple[tuple[str, Callable[[Elastic, float], str | None]], ...] = (
    ("a machine that steps or stands still, one clock from any state", machine_fault),
    ("a passage, one clock from any state", passage_fault),
    ("a queue, one clock from every state of its control", lambda module, _: queue_fault(module)),
)


@dataclass(frozen=True)
class ChainClaim:
    """What was to be proved, its status, by what, and the seconds it took."""

    what: str
    status: str
    method: str
    seconds: float


def prove_chain(
    rtl: Rtl, *, budget: float, progress: Callable[[str], None]
) -> Iterator[ChainClaim]:
    """Prove the modules of a streaming design elastic, and that they stand in a chain.

    Parameters
    ----------
    budget
        Seconds for each proof.
    progress
        Called with the name of each step as it begins.
    """
    started = time.perf_counter()
    names = _elastic_names(rtl)
    tail = f"{rtl.top}_tail"
    shell, parts = read_parts(rtl, [*names, tail], timeout=budget)
    seconds = time.perf_counter() - started
    for kind, machine in parts.items():
        if (name := plain_name(kind)) != tail:
            progress(f"stalls of {name}")
            yield _elastic_claim(rtl, name, machine, budget)
    progress("connections")
    started = time.perf_counter()
    fault = _Chain(rtl, shell).fault()
    seconds += time.perf_counter() - started
    yield ChainClaim(
        f"between its {len(shell.boxes)} modules with handshakes, {rtl.top} has wires, logic, and "
        "pipelines that move at once",
        "refuted" if fault else "proved",
        fault or "the handshakes' own wires, and the ranks of registers",
        seconds,
    )


def _elastic_names(rtl: Rtl) -> list[str]:
    assert rtl.stream is not None
    known = {module.name for module in rtl.modules}
    wanted = [f"{rtl.top}_slice", f"{rtl.top}_fold", rtl.stream.collector]
    for layer in rtl.stream.layers:
        wanted += [f"{layer.module}_split", layer.window]
    return [name for name in wanted if name in known]


def _elastic_claim(rtl: Rtl, name: str, machine: Machine, budget: float) -> ChainClaim:
    started = time.perf_counter()
    width = len(_places(machine.outputs, "m_data"))
    what = f"module {name}, {width} bits: what it gives does not depend on stalls"
    reset = None if rtl.reset is None else (rtl.reset.name, int(rtl.reset.active_low))
    module = Elastic(machine, reset)
    faults = []
    for method, fault_of in _FORMS:
        fault = fault_of(module, budget)
        if fault is None:
            return ChainClaim(what, "proved", method, time.perf_counter() - started)
        faults.append(fault)
    clock = run_with_stalls(module)
    if clock is None:
        status, method = "tested", f"of no form that is known ({faults[0]}); random stalls"
    else:
        status, method = "refuted", f"{faults[0]}; with stalls, results differ in clock {clock}"
    return ChainClaim(what, status, method, time.perf_counter() - started)


@dataclass(frozen=True)
class _End:
    """A handshake at the shell: what gives beats, or takes them.

    ``valid`` and ``data`` of a giver are inputs of the shell and ``ready`` is an output; of a taker
    the other way round.
    """

    name: str
    valid: int
    ready: int
    data: np.ndarray


class _Chain:
    """What stands between the modules."""

    def __init__(self, rtl: Rtl, shell: Machine) -> None:
        self.machine = shell
        step = shell.step
        self.builder = NetlistBuilder(step.n_inputs)
        self.variables = self.builder.inputs()
        self.first = len(shell.inputs)
        self.reset = None if rtl.reset is None else (rtl.reset.name, int(rtl.reset.active_low))
        tail = f"{rtl.top}_tail"
        takes, gives = shell.outputs, shell.inputs
        self.givers = [_end(rtl.top, "s_axis_t", gives, takes)]
        self.takers = [_end(rtl.top, "m_axis_t", takes, gives)]
        for instance, module in shell.boxes.items():
            prefixes = ("s_axis_t", "m_axis_t") if module == tail else ("s_", "m_")
            self.takers.append(_end(instance, f"{instance}.{prefixes[0]}", takes, gives))
            self.givers.append(_end(instance, f"{instance}.{prefixes[1]}", gives, takes))

    def fault(self) -> str | None:
        """Tell what keeps the modules from being a chain."""
        if len(self.takers) != len(self.givers):
            return "there is not one who takes for each who gives"
        found = [self.giver_of(taker) for taker in self.takers]
        for taker, link in zip(self.takers, found, strict=True):
            if isinstance(link, str):
                return f"before {taker.name}: {link}"
        follows = {g.name: t.name for t, g in zip(self.takers, found, strict=True)
                   if not isinstance(g, str)}  # fmt: skip
        top = self.givers[0].name
        here, count = follows.get(top), 1
        while here != top and here in follows and count <= len(self.takers):
            here, count = follows[here], count + 1
        return None if here == top and count == len(self.takers) else "they do not stand in a row"

    def giver_of(self, taker: _End) -> _End | str:
        """Who gives what a taker takes; or what is wrong."""
        values = self.run({})
        valid = int(values[taker.valid])
        direct = next((g for g in self.givers if valid == self.variables[g.valid]), None)
        if direct is not None:
            if values[direct.ready] != self.variables[taker.ready]:
                return f"s_ready does not go to {direct.name} as it is"
            reads = self.reads(values[taker.data])
            strange = set(reads.tolist()) - set(direct.data.tolist())
            return f"data does not come from {direct.name} alone" if strange else direct
        place = (valid >> 1) - 1
        if valid & 1 or not self.first <= place < self.first + len(self.machine.registers):
            return "s_valid is neither a module's nor a register"
        return self.pipeline(taker, place)

    def pipeline(self, taker: _End, last: int) -> _End | str:
        """Check a pipeline that ends in a register, its last valid bit."""
        moving = self.run({last: 1, taker.ready: 1})
        idle = self.run({last: 0})
        reads = self.reads(idle[taker.data])
        rank = set(reads.tolist()) | {last}
        ranks = []
        sources: set[int] = set()
        registers: set[int] = set()
        valid_bit = last
        while not sources:
            if any(not self.first <= place for place in rank) or rank & registers:
                return "registers of a pipeline stand in a ring, or beside an input"
            registers |= rank
            ranks.append(sorted(rank))
            following = idle[self.next_of(np.array(sorted(rank - {valid_bit}), np.int64))]
            before = set(self.reads(following).tolist())
            coming = int(idle[self.next_of(np.array([valid_bit]))][0])
            if coming & 1 or coming < 2 or coming > self.variables[-1]:
                return "a valid bit of a pipeline is not the one before it"
            valid_bit = (coming >> 1) - 1
            if valid_bit < self.first:
                sources = before | {valid_bit}
            elif valid_bit in before:
                return "a pipeline's data depends on its valid bits"
            else:
                rank = before | {valid_bit}
        giver = next((g for g in self.givers if g.valid == valid_bit), None)
        if giver is None or sources - {valid_bit} - set(giver.data.tolist()):
            return "a pipeline has more than one source"
        own = np.array(sorted(registers), np.int64)
        held = self.variables[own].copy()
        held[own == last] = 1
        blocked = self.run({last: 1, taker.ready: 0})
        if (blocked[self.next_of(own)] != held).any() or blocked[giver.ready] != 0:
            return "a pipeline moves while its result is not taken"
        if (moving[self.next_of(own)] != idle[self.next_of(own)]).any():
            return "a pipeline's step depends on its valid bit"
        if moving[giver.ready] != 1 or idle[giver.ready] != 1:
            return "a pipeline does not move at once"
        return giver

    def next_of(self, registers: np.ndarray) -> np.ndarray:
        return len(self.machine.outputs) + registers - self.first

    def run(self, known: dict[int, int]) -> np.ndarray:
        """Literals of outputs and next registers, simplified, with some inputs known."""
        literals = self.variables.copy()
        if self.reset is not None:
            literals[_places(self.machine.inputs, self.reset[0])] = self.reset[1]
        for place, value in known.items():
            literals[place] = value
        netlist = NetlistBuilder(len(literals))
        whole = netlist.finish(netlist.embed(self.machine.step, literals))
        parts = engine.optimize(whole.n_inputs, whole.kinds, whole.fanins, whole.outputs)
        self.last_run = Netlist(whole.n_inputs, *parts)
        return parts[2]

    def reads(self, literals: np.ndarray) -> np.ndarray:
        """Places of the inputs on which literals of the last run depend."""
        net = self.last_run
        parts = engine.optimize(net.n_inputs, net.kinds, net.fanins, literals)
        read = np.unique(np.concatenate([parts[1].ravel(), parts[2]]) >> 1).astype(np.int64)
        return read[(read > 0) & (read <= net.n_inputs)] - 1


def _end(name: str, prefix: str, forward: tuple[str, ...], backward: tuple[str, ...]) -> _End:
    """One handshake, with ``valid`` and data in one list of names and ``ready`` in the other."""
    valid, ready = _places(forward, f"{prefix}valid"), _places(backward, f"{prefix}ready")
    if len(valid) != 1 or len(ready) != 1:
        raise ComparisonError(f"{name}: has no handshake {prefix}valid, {prefix}ready")
    return _End(name, int(valid[0]), int(ready[0]), _places(forward, f"{prefix}data"))


def _places(names: tuple[str, ...], port: str) -> np.ndarray:
    pattern = re.compile(re.escape(port) + r"(\[\d+\])?")
    return np.array([i for i, name in enumerate(names) if pattern.fullmatch(name)], np.int64)
