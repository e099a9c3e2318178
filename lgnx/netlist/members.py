"""Which nodes may be in a Boolean region, and in which one, told without running them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import onnx_ir as ir

from lgnx.netlist.probe import Probe
from lgnx.netlist.rules import has_rule


@dataclass
class Members:
    """Nodes that may be logic.

    Attributes
    ----------
    stages
        The nodes of each region, in the order of the graph.
    internal
        Nodes that compute shapes for these nodes and for nothing else.
    reasons
        Why other nodes are left out although there are rules for them.
    """

    stages: list[tuple[ir.Node, ...]]
    internal: set[ir.Node]
    reasons: dict[ir.Node, str]


def find_members(graph: ir.Graph, probe: Probe, excluded: set[ir.Node]) -> Members:
    """Find the nodes that may be logic.

    A node takes part if there is a rule for it and if what it reads is bits, constants, and
    numbers that other such nodes make of bits. Numbers must not leave a region: who makes one
    takes part only if all who read it do.

    Parameters
    ----------
    excluded
        Nodes that are known to be no logic.
    """
    finder = _Finder(graph, probe, set(excluded))
    while not finder.settle():
        pass
    stages: dict[int, list[ir.Node]] = {}
    for node in finder.nodes:
        if node in finder.members:
            stages.setdefault(finder.stage[node], []).append(node)
    ordered = [tuple(nodes) for _, nodes in sorted(stages.items())]
    return Members(ordered, finder.internal, finder.reasons)


class _Finder:
    def __init__(self, graph: ir.Graph, probe: Probe, excluded: set[ir.Node]) -> None:
        self.nodes, self.probe, self.excluded = list(graph), probe, excluded
        self.members: set[ir.Node] = set()
        self.internal: set[ir.Node] = set()
        self.stage: dict[ir.Node, int] = {}
        self.reasons: dict[ir.Node, str] = {}

    def settle(self) -> bool:
        """Take one more look; tell whether it is the last one."""
        self.members = set()
        for node in self.nodes:
            if node in self.excluded or not has_rule(node):
                continue
            stranger = self._stranger(node)
            if stranger is None:
                self.members.add(node)
            elif stranger and any(is_bits(value) for value in self._data(node)):
                self.reasons[node] = stranger
        self._find_internal()
        escaped = False
        for node in reversed(self.nodes):
            reason = self._escape(node) if node in self.members else None
            if reason:
                escaped = True
                self.members.discard(node)
                self.excluded.add(node)
                self.reasons[node] = reason
        if escaped:
            return False
        return self._number_stages()

    def _stranger(self, node: ir.Node) -> str | None:
        """Say what keeps a node out, as far as types tell; None if it may take part."""
        data = list(self._data(node))
        for value in data:
            if not is_bits(value) and value.producer() not in self.members:
                return f"its input {value.name!r} is neither bits nor a constant"
        return None if data else ""

    def _data(self, node: ir.Node) -> Iterator[ir.Value]:
        """What a node reads that depends on data."""
        return (v for v in node.inputs if v is not None and not self.probe.is_static(v))

    def _find_internal(self) -> None:
        self.internal = set()
        for node in reversed(self.nodes):
            if all(self.probe.is_static(v) for v in node.outputs) and all(
                not value.is_graph_output()
                and all(u in self.members or u in self.internal for u in value.consumers())
                for value in node.outputs
            ):
                self.internal.add(node)

    def _escape(self, node: ir.Node) -> str | None:
        """Say where a number that a member makes leaves the region."""
        for value in node.outputs:
            if is_bits(value):
                continue
            if value.is_graph_output():
                return f"the number that it makes, {value.name!r}, is an output of the model"
            for user in value.consumers():
                if user not in self.members and user not in self.internal:
                    return (
                        f"the number that it makes, {value.name!r}, is read by {user.name!r} "
                        f"({user.op_type}), which is not logic"
                    )
        return None

    def _number_stages(self) -> bool:
        """Number the members by how often a path to them crosses into logic.

        Nodes that make numbers belong where these are read; it may be that they cannot.
        """
        stage: dict[ir.Node, int] = {}
        for node in self.nodes:
            member = node in self.members
            best = 0
            for value in self._data(node) if member else node.inputs:
                producer = None if value is None else value.producer()
                if producer is None or producer not in stage:
                    continue
                best = max(best, stage[producer] + int(member and producer not in self.members))
            stage[node] = best
        for node in reversed(self.nodes):
            numbers = [v for v in node.outputs if not is_bits(v)] if node in self.members else []
            readers = {u for v in numbers for u in v.consumers() if u in self.members}
            stages = {stage[u] for u in readers}
            if len(stages) > 1:
                self.reasons[node] = "the number that it makes is read by different regions"
                self.excluded.add(node)
                return False
            if stages:
                stage[node] = stages.pop()
        self.stage = stage
        return True


def is_bits(value: ir.Value) -> bool:
    """Tell whether a value is bool."""
    return value.dtype == ir.DataType.BOOL
