"""Proof that stalls change nothing for a module between two handshakes.

Such a module takes beats (``s_valid``, ``s_ready``, ``s_data``) and gives beats (``m_valid``,
``m_ready``, ``m_data``). It is proved that what it gives depends on the beats that it took,
in their order, and on nothing that the two ends do in between. Modules of this kind, in a row,
give the same results in the same order under any stalls (Kahn, IFIP 1974). Each proof is about one
clock, from any state, so it holds for all time. A module is of one of three forms:

- a machine, which makes a step or stands still, and offers what its registers hold;
- a passage, which gives a beat in the clock in which it takes one;
- a queue, which gives every beat as it came (`lgnx.verify.queues`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.optimize.proof import prove
from lgnx.verify.machine import UNKNOWN, Machine

__all__ = ["Elastic", "machine_fault", "passage_fault", "run_with_stalls"]

_LANES, _CLOCKS = 128, 1000  # of the search for a difference


@dataclass(frozen=True)
class Elastic:
    """A module between two handshakes.

    Attributes
    ----------
    machine
        The module.
    reset
        Name of its reset and the value at which it does not reset, or None.
    """

    machine: Machine
    reset: tuple[str, int] | None

    def inputs(self, port: str) -> np.ndarray:
        """Places of a port among the inputs."""
        return _places(self.machine.inputs, port)

    def outputs(self, port: str) -> np.ndarray:
        """Places of a port among the outputs."""
        return _places(self.machine.outputs, port)


def _places(names: tuple[str, ...], port: str) -> np.ndarray:
    found = [i for i, name in enumerate(names) if name == port or name.startswith(f"{port}[")]
    return np.array(found, np.int64)


def machine_fault(module: Elastic, budget: float) -> str | None:
    """Tell what keeps a module from being a machine, in words; None where it is one.

    In every state:

    - what is offered depends on registers alone;
    - while it is offered and not taken, nothing moves, and no beat is taken;
    - with nothing offered, ``m_ready`` changes nothing, and a module that could take a beat, and
      gets none, stands still;
    - whether a beat is taken then does not depend on ``s_valid`` or ``s_data``, nor does a step
      that takes none;
    - a beat that is taken while a result leaves does what it does when it comes later.
    """
    one = _Clock(module, budget)
    states = one.state
    plain = one.run()
    offered = plain.valid
    if (one.reads([*plain.data, offered]) < one.first_register).any():
        return "what is offered does not come from registers alone"
    blocked = one.run(m_ready=0)
    if not one.never([*one.xor(blocked.next, states), blocked.ready], offered):
        return "something moves while a result is not taken"
    free = one.run(m_ready=1)
    idle = one.not_(offered)
    same = [*one.xor(free.next, blocked.next), one.xor(free.ready, blocked.ready)]
    if not one.never(same, idle):
        return "m_ready changes something while nothing is offered"
    unasked = one.run(m_ready=1, s_valid=0)
    if not one.never([one.xor(free.ready, unasked.ready)], 1) or (
        set(one.reads([free.ready])) & set(module.inputs("s_data").tolist())
    ):
        return "s_ready depends on what comes"
    wants = free.ready
    if not one.never(one.xor(unasked.next, states), one.and_(wants, idle)):
        return "a step that takes a beat does not wait for it"
    blind = one.run(m_ready=1, s_valid=0, s_data=0)
    if not one.never(one.xor(free.next, blind.next), one.not_(wants)):
        return "a step that takes no beat looks at what comes"
    both = one.run(m_ready=1, s_valid=1)
    later = one.run(m_ready=1, s_valid=1, state=unasked.next)
    differ = [*one.xor(both.next, later.next), later.valid, one.not_(later.ready)]
    if not one.never(differ, one.and_(wants, offered)):
        return "a beat that comes while a result is taken does something else than one that waits"
    return None


def passage_fault(module: Elastic, budget: float) -> str | None:
    """Tell what keeps a module from being a passage, in words; None where it is one.

    In every state: without a beat nothing is offered and nothing moves; what is offered does not
    depend on ``m_ready``; a beat on which something is offered is taken exactly when the result is,
    and nothing moves before; any other beat is taken at once.
    """
    one = _Clock(module, budget)
    plain, taken = one.run(s_valid=1), one.run(s_valid=1, m_ready=1)
    without = one.run(s_valid=0)
    if not one.never([*one.xor(without.next, one.state), without.valid], 1):
        return "something moves without a beat"
    if set(one.reads([*plain.data, plain.valid])) & set(module.inputs("m_ready").tolist()):
        return "what is offered depends on m_ready"
    blocked = one.run(s_valid=1, m_ready=0)
    held = [*one.xor(blocked.next, one.state), blocked.ready, one.not_(taken.ready)]
    if not one.never(held, plain.valid):
        return "a beat is not taken together with its result"
    at_once = [*one.xor(blocked.next, taken.next), one.not_(blocked.ready), one.not_(taken.ready)]
    if not one.never(at_once, one.not_(plain.valid)):
        return "a beat without a result is not taken at once"
    return None


@dataclass(frozen=True)
class _Result:
    """Literals of one clock: the ports, and what the registers hold next."""

    ready: np.ndarray
    valid: np.ndarray
    data: np.ndarray
    next: np.ndarray


class _Clock:
    """One clock of a module, from any state, under several conditions."""

    def __init__(self, module: Elastic, budget: float) -> None:
        self.module, self.machine, self.budget = module, module.machine, budget
        self.builder = NetlistBuilder(module.machine.step.n_inputs)
        self.variables = self.builder.inputs()
        self.first_register = len(module.machine.inputs)
        last = self.first_register + len(module.machine.registers)
        self.state = self.variables[self.first_register : last]
        self.xor, self.and_, self.not_ = self.builder.xor, self.builder.and_, self.builder.not_

    def run(self, *, state: np.ndarray | None = None, **known: int) -> _Result:
        """Run the clock with some ports known, from another state where one is given."""
        module, literals = self.module, self.variables.copy()
        if state is not None:
            literals[self.first_register : self.first_register + len(state)] = state
        if module.reset is not None:
            name, off = module.reset
            literals[module.inputs(name)] = off
        for port, value in known.items():
            literals[module.inputs(port)] = value
        values = self.builder.embed(self.machine.step, literals)
        return _Result(
            values[module.outputs("s_ready")[0]],
            values[module.outputs("m_valid")[0]],
            values[module.outputs("m_data")],
            values[len(self.machine.outputs) :],
        )

    def reads(self, literals: list[np.ndarray]) -> np.ndarray:
        """Places of the inputs on which literals depend."""
        netlist = _simplified(self.builder, np.array(literals, np.uint32))
        read = np.unique(np.concatenate([netlist.fanins.ravel(), netlist.outputs]) >> 1)
        return read[(read > 0) & (read <= netlist.n_inputs)].astype(np.int64) - 1

    def never(self, literals: list[np.ndarray] | np.ndarray, where: np.ndarray | int) -> bool:
        """Tell whether literals are all 0 where another is 1, for every state and input."""
        ends = np.atleast_1d(np.array(literals, np.uint32))
        netlist = _simplified(self.builder, self.and_(ends, np.asarray(where, np.uint32)))
        left = np.flatnonzero(netlist.outputs)
        if not len(left):
            return True
        if (netlist.outputs == 1).any():
            return False
        ends = netlist.outputs[left]
        parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, ends)
        nothing = NetlistBuilder(netlist.n_inputs).finish(np.zeros(len(left), np.uint32))
        found = Netlist(netlist.n_inputs, *parts)
        return prove(found, nothing, budget=self.budget).status == "proved"


def _simplified(builder: NetlistBuilder, literals: np.ndarray) -> Netlist:
    whole = builder.finish(literals)
    parts = engine.optimize(whole.n_inputs, whole.kinds, whole.fanins, whole.outputs)
    return Netlist(whole.n_inputs, *parts)


def run_with_stalls(module: Elastic) -> int | None:
    """Look for a run with stalls that gives other results than one without; gives its clock."""
    machine = module.machine
    rng = np.random.default_rng(0)
    data = rng.integers(0, 2, (_CLOCKS + 1, len(module.inputs("s_data")))).astype(bool)
    result_bits = module.outputs("m_data")
    weights = rng.integers(1, 1 << 63, len(result_bits), np.uint64)
    start = np.where(machine.start == UNKNOWN, 0, machine.start).astype(bool)
    chance = np.linspace(0, 0.9, _LANES)  # lane 0 is the one without stalls
    state = np.repeat(start[None], _LANES, axis=0)
    bits = np.zeros((_LANES, machine.step.n_inputs), bool)
    sent, received = np.zeros(_LANES, np.int64), np.zeros(_LANES, np.int64)
    results = np.zeros((_LANES, _CLOCKS), np.uint64)
    clocks = np.zeros((_LANES, _CLOCKS), np.int64)
    offered = np.zeros(_LANES, bool)
    first = len(machine.inputs)
    for clock in range(_CLOCKS):
        running = clock > 0
        if module.reset is not None:
            name, off = module.reset
            bits[:, module.inputs(name)] = bool(off) == running
        offered = (offered | (rng.random(_LANES) >= chance)) & running
        accepts = (rng.random(_LANES) >= chance) & running
        bits[:, module.inputs("s_valid")] = offered[:, None]
        bits[:, module.inputs("s_data")] = np.where(offered[:, None], data[sent], ~data[sent])
        bits[:, module.inputs("m_ready")] = accepts[:, None]
        bits[:, first : first + state.shape[1]] = state
        found = machine.step.simulate(bits)
        left = np.flatnonzero(accepts & found[:, module.outputs("m_valid")[0]])
        given = found[left][:, result_bits].astype(np.uint64)
        results[left, received[left]] = (given * weights).sum(axis=1, dtype=np.uint64)
        clocks[left, received[left]] = clock
        received[left] += 1
        taken = offered & found[:, module.outputs("s_ready")[0]]
        sent += taken
        offered &= ~taken
        state = found[:, len(machine.outputs) :]
    there = np.arange(_CLOCKS) < np.minimum(received, received[0])[:, None]
    differs = (results != results[0]) & there
    return int(clocks[differs].min()) if differs.any() else None
