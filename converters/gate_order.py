"""Gates in any order as a netlist: what formats need whose files name nets before they drive them.

Literals are those of `lgnx.netlist.Netlist`: 2 * variable + complement; variable 0 is false, then
come the inputs, then the gates in the order in which they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist

__all__ = ["GateCycleError", "Gates", "from_gates", "in_order"]


class GateCycleError(Exception):
    """Gates feed each other in a circle.

    Attributes
    ----------
    gates
        Numbers of the gates on one circle, each read by the next and the last by the first.
    """

    def __init__(self, gates: list[int]) -> None:
        super().__init__(f"gates {gates} form a cycle")
        self.gates = gates


@dataclass(frozen=True)
class Gates:
    """Gates of one fan-in.

    Attributes
    ----------
    tables
        uint8 [n, max(1, 2^k / 8)], as of LogicDense: bit j is the output at address j.
    fanins
        uint32 [n, k], literals of any variables; column 0 is the low bit of the address.
    """

    tables: np.ndarray
    fanins: np.ndarray


def from_gates(n_inputs: int, groups: Sequence[Gates], outputs: np.ndarray) -> Netlist:
    """Make a netlist of gates, whatever order they are in.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    groups
        The gates. Their variables are numbered through all groups, from n_inputs + 1.
    outputs
        uint32 [m], literals.

    Raises
    ------
    GateCycleError
        If the gates have no order.
    """
    n_gates = sum(len(group.fanins) for group in groups)
    first = n_inputs + 1
    # Every gate's output is an input at first, so that gates can be built in any order.
    builder = NetlistBuilder(n_inputs + n_gates)
    built = [builder.lut(group.tables, group.fanins) for group in groups]
    made = np.concatenate([*built, np.zeros(0, np.uint32)]).astype(np.uint32)
    draft = builder.finish(outputs)
    made = _through_wires(made, first)
    replaced = 2 * np.arange(first + n_gates + draft.n_nodes, dtype=np.uint32)
    replaced[first + n_gates :] -= np.uint32(2 * n_gates)
    is_node = made >> 1 >= first + n_gates
    replaced[first : first + n_gates] = made - np.where(is_node, 2 * n_gates, 0).astype(np.uint32)

    def replace(literals: np.ndarray) -> np.ndarray:
        return replaced.take(literals >> 1) ^ (literals & 1)

    try:
        return in_order(n_inputs, draft.kinds, replace(draft.fanins), replace(draft.outputs))
    except GateCycleError as cycle:
        gate_of = {int(node): gate for gate, node in enumerate(made >> 1) if is_node[gate]}
        nodes = (gate_of.get(node + first + n_gates) for node in cycle.gates)
        raise GateCycleError([gate for gate in nodes if gate is not None]) from None


def in_order(n_inputs: int, kinds: np.ndarray, fanins: np.ndarray, outputs: np.ndarray) -> Netlist:
    """Sort the nodes of a netlist, so that each reads smaller variables only.

    Parameters
    ----------
    n_inputs, kinds, fanins, outputs
        As of `Netlist`, but that nodes may read any others.

    Raises
    ------
    GateCycleError
        If there is no such order.
    """
    n, first = len(kinds), n_inputs + 1
    sources = (fanins >> 1).astype(np.int64) - first
    if not (sources >= np.arange(n)[:, None]).any():
        return Netlist(n_inputs, kinds, fanins, outputs)
    order = np.array(_order(n, sources), np.int64)
    number = np.arange(first + n, dtype=np.uint32)
    number[first + order] = np.arange(first, first + n, dtype=np.uint32)

    def renumber(literals: np.ndarray) -> np.ndarray:
        return 2 * number.take(literals >> 1) + (literals & 1)

    return Netlist(
        n_inputs, kinds.take(order), renumber(fanins.take(order, axis=0)), renumber(outputs)
    )


def _order(n: int, sources: np.ndarray) -> list[int]:
    """Nodes in an order in which they can be evaluated; ``sources`` [n, 2], negative for none."""
    readers = np.repeat(np.arange(n), sources.shape[1])
    flat = sources.ravel()
    readers, flat = readers[flat >= 0], flat[flat >= 0]
    starts = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=n))]).tolist()
    waits = np.bincount(readers, minlength=n)
    order = np.flatnonzero(waits == 0).tolist()
    missing = waits.tolist()
    by_source = readers[np.argsort(flat, kind="stable")].tolist()
    # Lists, and not whole levels at a time: a chain has as many levels as nodes.
    for node in order:
        for reader in by_source[starts[node] : starts[node + 1]]:
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)
    if len(order) < n:
        raise GateCycleError(_cycle(missing, sources))
    return order


def _cycle(missing: list[int], sources: np.ndarray) -> list[int]:
    """Go back from a node that waits, through nodes that wait, until one comes again."""
    node = next(node for node, count in enumerate(missing) if count)
    place: dict[int, int] = {}
    path: list[int] = []
    while node not in place:
        place[node] = len(path)
        path.append(node)
        node = next(source for source in sources[node].tolist() if source >= 0 and missing[source])
    return path[place[node] :][::-1]


def _through_wires(made: np.ndarray, first: int) -> np.ndarray:
    """Replace gates that are another gate's output, or its complement, by what that one is.

    ``made`` [n] are literals, in which the gates are variables ``first`` to ``first + n - 1``.
    """
    n = len(made)
    for _ in range(n.bit_length() + 1):
        gate = (made >> 1).astype(np.int64) - first
        wires = np.flatnonzero((gate >= 0) & (gate < n))
        if not len(wires):
            return made
        step = made.copy()
        step[wires] = made[gate[wires]] ^ (made[wires] & 1)
        made = step
    gate = (made >> 1).astype(np.int64) - first
    raise GateCycleError([int(gate[wires[0]])])
