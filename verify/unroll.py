"""A machine run clock by clock on symbols: what its outputs are as functions of what went in.

Bits that are known are put in as constants, so that control, which reads no data, stays known, and
what it does not let through falls away. What is left is the netlist of a computation that the
hardware does over many clocks.
"""

from __future__ import annotations

import numpy as np

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.verify.machine import UNKNOWN, Machine

__all__ = ["Unrolling", "known_bits"]

_TIDY_NODES = 1 << 21  # after which nodes that nothing holds are dropped


def known_bits(literals: np.ndarray) -> np.ndarray:
    """Give 0 or 1 where a literal is constant, else `UNKNOWN`; uint8."""
    return np.minimum(literals, UNKNOWN).astype(np.uint8)


class Unrolling:
    """A machine and what its registers hold, as literals over free variables.

    Parameters
    ----------
    machine
        What is run.
    n_free
        Variables of whoever runs it, `free`. Others stand for what registers hold at the start, and
        for bits that the Verilog leaves undefined.
    start
        uint8 [registers]: 0, 1, or `UNKNOWN`, which is a variable.
    clocks
        How many there may be.
    """

    def __init__(self, machine: Machine, n_free: int, start: np.ndarray, clocks: int) -> None:
        self.machine = machine
        unknown = self._unknown = np.flatnonzero(start == UNKNOWN)
        undefined = machine.step.n_inputs - len(machine.inputs) - len(start)
        self._builder = NetlistBuilder(n_free + len(unknown) + undefined * clocks)
        variables = self._builder.inputs()
        self.free = variables[:n_free]
        self.state = start.astype(np.uint32)
        self.state[unknown] = variables[n_free : n_free + len(unknown)]
        self._undefined = variables[n_free + len(unknown) :].reshape(clocks, undefined)
        self._kept: list[np.ndarray] = []
        self._clocks = self._made = self._alive = 0

    def clock(self, inputs: np.ndarray) -> np.ndarray:
        """Run a clock on literals of the inputs, and give those of the outputs before its edge."""
        if self._made > max(_TIDY_NODES, 2 * self._alive):
            self._tidy()  # not below: it would number anew what is given
        values = self.look(self.machine.step, inputs)
        own = len(self.machine.outputs)
        self.state = values[own:]
        self._clocks += 1
        return values[:own]

    def look(self, step: Netlist, inputs: np.ndarray) -> np.ndarray:
        """Literals of what a part of the machine's step gives in the clock that comes."""
        literals = np.concatenate([inputs, self.state, self._undefined[self._clocks]])
        return self.embed(step, literals.astype(np.uint32))

    def keep(self, literals: np.ndarray) -> None:
        """Hold literals until `finish`, which gives them in the order in which they were held."""
        self._kept.append(literals)

    def embed(self, netlist: Netlist, literals: np.ndarray) -> np.ndarray:
        """Append what is left of a netlist once its known inputs are put in."""
        own = np.arange(netlist.first_node + netlist.n_nodes, dtype=np.uint32) * 2
        constant = literals < UNKNOWN
        own[1 : netlist.first_node][constant] = literals[constant]
        fanins = own[netlist.fanins >> 1] ^ (netlist.fanins & 1)
        outputs = own[netlist.outputs >> 1] ^ (netlist.outputs & 1)
        left = Netlist(
            netlist.n_inputs, *engine.optimize(netlist.n_inputs, netlist.kinds, fanins, outputs)
        )
        self._made += left.n_nodes
        return self._builder.embed(left, literals)

    def cause(self, literal: int) -> str:
        """Say in words which variables a literal depends on."""
        end = np.array([literal], np.uint32)
        whole = self._builder.finish(end)
        _, fanins, ends = engine.optimize(whole.n_inputs, whole.kinds, whole.fanins, end)
        read = np.unique(np.concatenate([fanins.ravel(), ends]) >> 1)
        read = read[(read > 0) & (read <= whole.n_inputs)].astype(np.int64) - 1 - len(self.free)
        held = [self.machine.registers[self._unknown[i]] for i in read[read >= 0]
                if i < len(self._unknown)]  # fmt: skip
        parts = ["the data"] if (read < 0).any() else []
        if held:
            more = f" and {len(held) - 3} more" if len(held) > 3 else ""
            parts.append(f"what {', '.join(held[:3])}{more} held before")
        return " and ".join(parts) or "bits that the Verilog leaves undefined"

    def finish(self) -> Netlist:
        """Give what was kept, simplified together: equal structures are the same literals.

        It is the end of the run.
        """
        self.state = self.state[:0]
        self._tidy()
        return self._builder.finish(np.concatenate([*self._kept, np.zeros(0, np.uint32)]))

    def _tidy(self) -> None:
        """Drop nodes that nothing reads any more, and make equal ones one."""
        held = [self.state, *self._kept]
        netlist = self._builder.finish(np.concatenate(held))
        netlist = Netlist(
            netlist.n_inputs,
            *engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs),
        )
        self._builder, literals = NetlistBuilder.from_netlist(netlist)
        ends = np.cumsum([len(part) for part in held])
        self.state, *self._kept = np.split(literals, ends[:-1])
        self._made = self._alive = netlist.n_nodes
