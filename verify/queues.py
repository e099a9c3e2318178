"""Proof that a module is a queue: it gives every beat as it came, in order, under any stalls.

Its control takes few values. For each one that can be reached, it is found in which registers the
beats inside stand, by running the module on symbols; then every clock from it is checked to keep to
that, with anything in all other registers.
"""

from __future__ import annotations

import itertools

import numpy as np

from lgnx.netlist.build import NetlistBuilder
from lgnx.ops import engine
from lgnx.verify.elastic import Elastic
from lgnx.verify.machine import UNKNOWN

__all__ = ["queue_fault"]

_MOST_STATES = 1024

Where = list[list[frozenset[int]]]
"""For each beat inside, the oldest first, and each of its bits, registers that hold it."""


def queue_fault(module: Elastic) -> str | None:
    """Tell what keeps a module from being a queue, in words; None where it is one.

    Proved are: what is offered is the oldest beat inside; nothing is offered while none is inside;
    no beat is taken without being there from then on, or leaves but by being taken; and a beat that
    is inside is offered within as many clocks as there are states of control.
    """
    start = _after_reset(module)
    control = np.flatnonzero(start != UNKNOWN)
    if not len(control):
        return "no register is known at the start"
    places: dict[bytes, Where] = {}
    waiting: list[tuple[np.ndarray, Where]] = [(start[control], [])]
    width = len(module.inputs("s_data"))
    if len(module.outputs("m_data")) != width:
        return "gives beats of another width"
    while waiting:
        state, where = waiting.pop()
        key = state.tobytes()
        if key in places:
            known = places[key]
            if len(known) != len(where):
                return "as many beats are not always inside"
            where = [
                [a & b for a, b in zip(*bits, strict=True)]
                for bits in zip(known, where, strict=True)
            ]
            if not all(all(bits) for bits in where):
                return "the beats inside do not stand where they stood before"
            if where == known:
                continue
        if len(places) == _MOST_STATES:
            return f"control takes more than {_MOST_STATES} values"
        places[key] = where
        for taken, left in itertools.product((0, 1), repeat=2):
            found = _clock(module, control, state, where, taken, left)
            if isinstance(found, str):
                return found
            waiting.append(found)
    return _late(module, control, places)


def _after_reset(module: Elastic) -> np.ndarray:
    """What registers hold at the start, uint8; `UNKNOWN` where it may be anything."""
    machine = module.machine
    if module.reset is None:
        return machine.start
    name, off = module.reset
    literals = NetlistBuilder(machine.step.n_inputs).inputs()
    literals[module.inputs(name)] = 1 - off
    values = _evaluated(module, literals)[len(machine.outputs) :]
    return np.minimum(values, UNKNOWN).astype(np.uint8)


def _evaluated(module: Elastic, literals: np.ndarray) -> np.ndarray:
    """Literals of the outputs, simplified; a variable keeps its literal."""
    builder = NetlistBuilder(module.machine.step.n_inputs)
    whole = builder.finish(builder.embed(module.machine.step, literals))
    parts = engine.optimize(whole.n_inputs, whole.kinds, whole.fanins, whole.outputs)
    return parts[2]


def _clock(
    module: Elastic,
    control: np.ndarray,
    state: np.ndarray,
    where: Where,
    valid: int,
    ready: int,
) -> tuple[np.ndarray, Where] | str:
    """One clock: control afterwards and where the beats stand then; or what is wrong."""
    machine = module.machine
    first = len(machine.inputs)
    variables = NetlistBuilder(machine.step.n_inputs).inputs()
    literals = variables.copy()
    literals[first + control] = state
    literals[module.inputs("s_valid")], literals[module.inputs("m_ready")] = valid, ready
    if module.reset is not None:
        literals[module.inputs(module.reset[0])] = module.reset[1]
    beats = []
    for bits in where:
        chosen = np.array([min(held) for held in bits], np.int64)
        beats.append(variables[first + chosen])
        for held, literal in zip(bits, beats[-1], strict=True):
            literals[[first + place for place in held]] = literal
    values = _evaluated(module, literals)
    offered, takes = (int(values[module.outputs(p)[0]]) for p in ("m_valid", "s_ready"))
    if max(offered, takes) > 1:
        return "the handshakes depend on data"
    if offered:
        if not beats:
            return "a beat is offered, but none is inside"
        if (values[module.outputs("m_data")] != beats[0]).any():
            return "what is offered is not the oldest beat inside"
    if offered and ready:
        beats = beats[1:]
    if valid and takes:
        beats = [*beats, variables[module.inputs("s_data")]]
    following = values[len(machine.outputs) :]
    if (following[control] > 1).any():
        return "control depends on data"
    holders: dict[int, set[int]] = {}
    for place, literal in enumerate(following.tolist()):
        holders.setdefault(literal, set()).add(place)
    stand = [[frozenset(holders.get(bit, ())) for bit in beat.tolist()] for beat in beats]
    if not all(all(bits) for bits in stand):
        return "a beat is lost"
    return following[control].astype(np.uint8), stand


def _late(module: Elastic, control: np.ndarray, places: dict[bytes, Where]) -> str | None:
    """Tell whether a beat can stay inside for ever, though the receiver takes what is offered."""
    for key in places:
        seen = set()
        while places[key] and key not in seen:
            seen.add(key)
            found = _clock(module, control, np.frombuffer(key, np.uint8), places[key], 0, 1)
            assert not isinstance(found, str)
            key = found[0].tobytes()
        if places[key]:
            return "a beat stays inside for ever"
    return None
