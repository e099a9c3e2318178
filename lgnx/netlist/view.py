"""Netlists and models for people: cones, levels, fan-out, critical path, networkx graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from lgnx.netlist.netlist import AND_KIND, Netlist
from lgnx.ops.errors import InputError, require

__all__ = [
    "FanOut",
    "cone",
    "critical_path",
    "draw_cone",
    "fan_out",
    "level_histogram",
    "model_to_networkx",
    "to_networkx",
]


def to_networkx(netlist: Netlist, input_names: Sequence[str] | None = None) -> Any:
    """Turn a netlist into a `networkx.MultiDiGraph`.

    Graph nodes are the variables that are read, all inputs among them, and ``"y0"``, ``"y1"``...
    for the outputs. Attributes of a graph node: ``kind`` ("constant", "input", "and", "xor" or
    "output"), ``level`` and ``label``. Attributes of an edge: ``inverted``; ``slot`` is 0 or 1.

    Parameters
    ----------
    netlist
        A valid netlist.
    input_names
        Labels of the inputs; x0, x1... if not given.

    Raises
    ------
    MissingExtraError
        If networkx is not installed.
    InputError
        If the number of names does not fit.
    """
    graph = require("networkx", extra="view").MultiDiGraph()
    first = netlist.first_node
    if (np.concatenate([netlist.fanins.ravel(), netlist.outputs]) < 2).any():
        graph.add_node(0, kind="constant", level=0, label="0")
    for i, label in enumerate(names_of_inputs(netlist, input_names)):
        graph.add_node(1 + i, kind="input", level=0, label=label)
    levels = variable_levels(netlist)
    for i, kind in enumerate(netlist.kinds.tolist()):
        kind_name = "and" if kind == AND_KIND else "xor"
        level = int(levels[first + i])
        graph.add_node(first + i, kind=kind_name, level=level, label=kind_name.upper())
    for i, fanins in enumerate(netlist.fanins.tolist()):
        for slot, literal in enumerate(fanins):
            graph.add_edge(literal >> 1, first + i, inverted=bool(literal & 1), slot=slot)
    for i, literal in enumerate(netlist.outputs.tolist()):
        level = int(levels[literal >> 1]) + 1
        graph.add_node(f"y{i}", kind="output", level=level, label=f"y{i}")
        graph.add_edge(literal >> 1, f"y{i}", inverted=bool(literal & 1), slot=0)
    return graph


def model_to_networkx(model: onnx.ModelProto) -> Any:
    """Turn the main graph of a model into a `networkx.MultiDiGraph`, one graph node for each node.

    Graph nodes are ``"input NAME"``, ``"output NAME"``, and the names of the model's nodes (or
    ``"#3"`` for the unnamed node 3). Attributes: ``op``, ``domain`` and ``label``. Edges carry
    the name of the ``value``. Initializers are not shown.

    Raises
    ------
    MissingExtraError
        If networkx is not installed.
    """
    graph = require("networkx", extra="view").MultiDiGraph()
    initializers = {tensor.name for tensor in model.graph.initializer}
    makers: dict[str, str] = {}
    for value in model.graph.input:
        if value.name not in initializers:
            makers[value.name] = f"input {value.name}"
            graph.add_node(makers[value.name], op="input", domain="", label=value.name)
    for number, node in enumerate(model.graph.node):
        name = node.name if node.name and node.name not in graph else f"#{number}"
        graph.add_node(name, op=node.op_type, domain=node.domain, label=node.op_type)
        for value_name in node.input:
            if value_name in makers:
                graph.add_edge(makers[value_name], name, value=value_name)
        makers.update((value_name, name) for value_name in node.output if value_name)
    for value in model.graph.output:
        name = f"output {value.name}"
        graph.add_node(name, op="output", domain="", label=value.name)
        if value.name in makers:
            graph.add_edge(makers[value.name], name, value=value.name)
    return graph


def cone(netlist: Netlist, outputs: int | Sequence[int]) -> Netlist:
    """Give the part of a netlist that some of its outputs depend on.

    Parameters
    ----------
    netlist
        A valid netlist.
    outputs
        Number or numbers of the outputs to keep, in this order.

    Returns
    -------
    Netlist
        With all inputs, but only the nodes that are needed, in their order.

    Raises
    ------
    InputError
        If there is no such output.
    """
    numbers = np.atleast_1d(np.asarray(outputs, np.int64))
    wrong = numbers[(numbers < 0) | (numbers >= netlist.n_outputs)]
    if wrong.size:
        raise InputError(
            f"output {wrong[0]} does not exist: the netlist has {netlist.n_outputs} outputs"
        )
    first = netlist.first_node
    kept = netlist.outputs[numbers]
    needed = np.zeros(first + netlist.n_nodes, bool)
    front = np.unique(kept >> 1)
    while front.size:
        needed[front] = True
        nodes = front[front >= first] - first
        sources = np.unique(netlist.fanins[nodes] >> 1)
        front = sources[~needed[sources]]
    needed[:first] = True
    renumbered = np.cumsum(needed, dtype=np.uint32) - np.uint32(1)
    nodes = needed[first:]

    def renumber(literals: np.ndarray) -> np.ndarray:
        return 2 * renumbered[literals >> 1] + (literals & 1)

    return Netlist(
        netlist.n_inputs, netlist.kinds[nodes], renumber(netlist.fanins[nodes]), renumber(kept)
    )


def critical_path(netlist: Netlist) -> list[int]:
    """Variables along a longest path from an input to an output, in this order.

    The last one is the variable of an output; one variable alone if no output needs a node, and
    none if there is no output.
    """
    if not netlist.n_outputs:
        return []
    levels = variable_levels(netlist)
    ends = netlist.outputs >> 1
    path = [int(ends[np.argmax(levels[ends])])]
    while path[-1] >= netlist.first_node:
        sources = netlist.fanins[path[-1] - netlist.first_node] >> 1
        path.append(int(sources[np.argmax(levels[sources])]))
    return path[::-1]


def level_histogram(netlist: Netlist) -> np.ndarray:
    """Nodes at each level, int64 [highest level]; entry 0 is level 1, which reads inputs only."""
    if not netlist.n_nodes:
        return np.zeros(0, np.int64)
    return np.bincount(netlist.levels())[1:]


@dataclass(frozen=True)
class FanOut:
    """How often the inputs and nodes of a netlist are read, by nodes and outputs.

    Attributes
    ----------
    mean, maximum
        Over inputs and nodes.
    histogram
        int64; entry i is how many of them are read i times.
    unused_inputs
        Inputs that nothing reads.
    """

    mean: float
    maximum: int
    histogram: np.ndarray
    unused_inputs: int


def fan_out(netlist: Netlist) -> FanOut:
    """Statistics of `Netlist.fan_outs`, the constant left out."""
    counts = netlist.fan_outs()[1:]
    return FanOut(
        mean=float(counts.mean()) if counts.size else 0.0,
        maximum=int(counts.max(initial=0)),
        histogram=np.bincount(counts),
        unused_inputs=int((counts[: netlist.n_inputs] == 0).sum()),
    )


def variable_levels(netlist: Netlist) -> np.ndarray:
    """Level of each variable, uint32 [1 + n_inputs + n_nodes]; 0 for constant and inputs."""
    return np.concatenate([np.zeros(netlist.first_node, np.uint32), netlist.levels()])


def names_of_inputs(netlist: Netlist, names: Sequence[str] | None) -> list[str]:
    """Labels of the inputs: those given, or x0, x1...

    Raises
    ------
    InputError
        If their number does not fit.
    """
    if names is None:
        return [f"x{i}" for i in range(netlist.n_inputs)]
    if len(names) != netlist.n_inputs:
        raise InputError(f"{len(names)} input names for {netlist.n_inputs} inputs")
    return list(names)


def draw_cone(netlist: Netlist, output: int, path: Any = None, **options: Any) -> Any:
    """Draw what one output depends on; see `lgnx.netlist.drawing.draw_cone`."""
    from lgnx.netlist import drawing

    return drawing.draw_cone(netlist, output, path, **options)
