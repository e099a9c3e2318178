"""A netlist cut into stages, as the assignments of one module each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.netlist.netlist import XOR_KIND, Netlist


@dataclass(frozen=True)
class Level:
    """Nodes of one level that stay inside a stage: a vector, its assignments and literals."""

    name: str
    width: int
    assignments: list[str]
    literals: np.ndarray


@dataclass(frozen=True)
class Stage:
    """One module of logic: from vector x to vector y.

    Attributes
    ----------
    n_inputs, n_outputs
        Widths of x and y.
    levels
        Vectors inside, in order.
    outputs
        Expressions of the bits of y.
    gates
        Nodes in the stage.
    tables
        Whether they make look-up tables, which synthesis is to leave in this module: ABC maps a
        flattened design anew, to the least depth and more tables.
    """

    n_inputs: int
    n_outputs: int
    levels: list[Level]
    outputs: list[str]
    gates: int
    tables: bool = False


def stages_by_level(netlist: Netlist, every: int) -> np.ndarray:
    """Stage of each node, int64 [n_nodes], where each stage holds so many levels of the netlist."""
    if not netlist.n_nodes:
        return np.zeros(0, np.int64)
    return (netlist.levels().astype(np.int64) - 1) // every


@dataclass(frozen=True)
class Part:
    """The part of a netlist that is one stage.

    Attributes
    ----------
    inputs
        Literals that it reads from the stage before, uint32 [n_inputs].
    nodes
        Variables of its own nodes, int64 [gates].
    outputs
        Literals that it gives, uint32 [n_outputs].
    """

    inputs: np.ndarray
    nodes: np.ndarray
    outputs: np.ndarray


def partition(netlist: Netlist, stage_of_node: np.ndarray) -> list[Part]:
    """Cut a netlist into stages.

    A stage hands on what later stages read, so a value that is read far away passes through every
    stage between; as a complement, where only complemented outputs read it, so that no inverter is
    left for the last stage. The last one gives the outputs.

    Parameters
    ----------
    netlist
        A netlist all of whose inputs are read.
    stage_of_node
        int64 [n_nodes]: no smaller than those of the node's fan-ins.
    """
    made = np.full(netlist.first_node + netlist.n_nodes, -1, np.int64)  # -1: an input
    made[netlist.first_node :] = stage_of_node
    n_stages = max(1, int(made.max()) + 1)
    last = np.full(len(made), -2, np.int64)  # the last stage that reads it
    for side in (0, 1):
        np.maximum.at(last, netlist.fanins[:, side] >> 1, made[netlist.first_node :])
    last[netlist.outputs >> 1] = n_stages - 1
    last[0] = -2  # the constant goes nowhere
    turned = np.zeros(len(made), bool)
    turned[netlist.outputs >> 1] = True
    turned[netlist.outputs[netlist.outputs & 1 == 0] >> 1] = False
    turned[netlist.fanins >> 1] = False
    turned[: netlist.first_node] = False
    passed = 2 * np.arange(len(made), dtype=np.uint32) + turned
    carried = passed[1 : netlist.first_node]
    parts = []
    for s in range(n_stages):
        nodes = np.flatnonzero(made == s)
        if s == n_stages - 1:
            parts.append(Part(carried, nodes, netlist.outputs))
            continue
        crossing = passed[(made <= s) & (last > s)]
        parts.append(Part(carried, nodes, crossing))
        carried = crossing
    return parts


def cut(netlist: Netlist, stage_of_node: np.ndarray, tables: bool = False) -> list[Stage]:
    """Give the assignments of each part of `partition`.

    Parameters
    ----------
    netlist, stage_of_node
        See `partition`.
    tables
        Whether the nodes make look-up tables.
    """
    levels = np.zeros(netlist.first_node + netlist.n_nodes, np.int64)
    if netlist.n_nodes:
        levels[netlist.first_node :] = netlist.levels()
    return [_stage(netlist, levels, part, tables) for part in partition(netlist, stage_of_node)]


def straight(netlist: Netlist, part: Part) -> np.ndarray:
    """Which variables only become one bit of y, and are written straight there, bool [n]."""
    n_variables = netlist.first_node + netlist.n_nodes
    found = np.zeros(n_variables, bool)
    found[part.nodes] = True
    found[netlist.fanins[part.nodes - netlist.first_node] >> 1] = False
    return found & (np.bincount(part.outputs >> 1, minlength=n_variables) == 1)


def _stage(netlist: Netlist, levels: np.ndarray, part: Part, tables: bool) -> Stage:
    name = {literal >> 1: f"x[{i}]" for i, literal in enumerate(part.inputs.tolist())}
    turned = {literal >> 1 for literal in part.inputs.tolist() if literal & 1}
    members = part.nodes
    goes, complements = part.outputs >> 1, part.outputs & 1
    ends = straight(netlist, part)

    def operand(literal: int) -> str:
        complement = literal & 1 ^ (literal >> 1 in turned)
        return f"{'~' if complement else ''}{name[literal >> 1]}"

    def expression(variable: int) -> str:
        node = variable - netlist.first_node
        a, b = netlist.fanins[node].tolist()
        sign = "^" if netlist.kinds[node] == XOR_KIND else "&"
        return f"{operand(a)} {sign} {operand(b)}"

    vectors: list[Level] = []
    direct: dict[int, str] = {}
    for level in np.unique(levels[members]).tolist():
        own = members[levels[members] == level]
        vector, lines, inside_level = f"level{level}", [], []
        for variable in own.tolist():
            if ends[variable]:
                direct[variable] = expression(variable)
                continue
            lines.append(expression(variable))
            inside_level.append(variable)
            name[variable] = f"{vector}[{len(lines) - 1}]"
        if lines:
            literals = 2 * np.array(inside_level, np.uint32)
            vectors.append(Level(vector, len(lines), lines, literals))
    outputs = []
    for variable, complement in zip(goes.tolist(), complements.tolist(), strict=True):
        if variable == 0:
            outputs.append(f"{{`LGNX_LANES{{1'b{complement}}}}}")
        elif variable in direct:
            outputs.append(f"~({direct[variable]})" if complement else direct[variable])
        else:
            outputs.append(operand(2 * variable + complement))
    return Stage(len(part.inputs), len(outputs), vectors, outputs, len(members), tables)
