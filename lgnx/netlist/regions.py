"""Boolean regions: the parts of a model that are logic, found by symbolic execution."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.members import find_members
from lgnx.netlist.netlist import Netlist
from lgnx.netlist.probe import Probe, sample_shape
from lgnx.netlist.rules import is_logic, run_node
from lgnx.netlist.rules.values import SAMPLES, NotBooleanError, Symbols, decode, source_bits
from lgnx.ops import DOMAIN

# Inputs that may depend on the size of the batch: they only give a shape.
_SHAPES = {"Reshape": 1, "Expand": 1}

MAX_FIXED_BATCH = 64
"""A batch of a fixed size beyond this is run as if it was open."""


@dataclass
class Region:
    """A convex Boolean part of a graph.

    Attributes
    ----------
    nodes
        Its nodes, in the order of the graph.
    sources
        bool values from outside that it reads; their bits, flattened per sample in C order and
        concatenated, are the inputs of the netlist.
    source_shapes
        Shape of each source without the batch.
    sinks
        bool values that are read outside the region; their bits are the outputs of the netlist.
    sink_shapes
        Shape of each sink, whose first axis is the entries of one sample along the batch.
    netlist
        What the region computes.
    """

    nodes: list[ir.Node] = field(default_factory=list)
    sources: list[ir.Value] = field(default_factory=list)
    source_shapes: list[tuple[int, ...]] = field(default_factory=list)
    sinks: list[ir.Value] = field(default_factory=list)
    sink_shapes: list[tuple[int, ...]] = field(default_factory=list)
    netlist: Netlist | None = None


def find_regions(model: ir.Model) -> tuple[list[Region], dict[ir.Node, str]]:
    """Find the Boolean regions of a model.

    Nodes of one region are those with the same number of crossings from other operators into
    logic on their way, so a region never depends on itself through something outside. A node that
    turns out not to be Boolean is left out, and what follows it starts another region.

    Returns
    -------
    tuple
        The regions that hold logic operators, or hand bits to GroupSum, and for each node that
        could have been in one the reason why it is not.
    """
    probe = Probe(model.opset_imports.get("", 18))
    reasons: dict[ir.Node, str] = {}
    excluded: set[ir.Node] = set()
    done: dict[tuple[ir.Node, ...], Region] = {}
    while True:
        members = find_members(model.graph, probe, excluded)
        failed: dict[ir.Node, str] = {}
        regions = []
        for nodes in members.stages:
            region = done.get(nodes)
            if region is None:
                region, found = _Execution(nodes, members.internal, probe).run()
                failed |= found
                if not found:
                    done[nodes] = region
            regions.append(region)
        reasons |= failed
        if not failed:
            break
        excluded |= failed.keys()
    return [region for region in regions if _is_useful(region)], members.reasons | reasons


def _is_useful(region: Region) -> bool:
    """Tell whether a region makes gates, or at least hands bits to GroupSum."""
    return bool(region.sinks) and (
        any(is_logic(node) for node in region.nodes)
        or any((u.domain, u.op_type) == (DOMAIN, "GroupSum") for u in region.sinks[0].consumers())
    )


class _Execution:
    """Runs the nodes of one stage on wires."""

    def __init__(self, nodes: tuple[ir.Node, ...], internal: set[ir.Node], probe: Probe) -> None:
        self.nodes, self.internal, self.probe = nodes, internal, probe
        self.region = Region(nodes=list(nodes))
        self.symbols: dict[ir.Value, Symbols] = {}
        self.failed: dict[ir.Node, str] = {}
        self.fixed = False

    def run(self) -> tuple[Region, dict[ir.Node, str]]:
        """Give the region, or the nodes that are not Boolean with the reasons."""
        builder = self._sources()
        for node in self.nodes if not self.failed else ():
            if any(v is not None and v.producer() in self.failed for v in node.inputs):
                self.failed.setdefault(node, "")
                continue
            try:
                outputs = run_node(node, self._inputs(node), builder, self.probe.opset)
            except NotBooleanError as error:
                self.failed[node] = str(error)
                continue
            self.symbols.update(zip(node.outputs, outputs, strict=True))
        if not self.failed:
            self._sinks(builder)
        # What depends on a failed node is not to blame.
        return self.region, {node: reason for node, reason in self.failed.items() if reason}

    def _sources(self) -> NetlistBuilder:
        members, shapes = set(self.nodes), {}
        for node in self.nodes:
            for value in node.inputs:
                if value is None or value.producer() in members or self.probe.is_static(value):
                    continue
                shape = sample_shape(value)
                if shape is None:
                    self.failed[node] = f"the shape of its input {value.name!r} is not known"
                    continue
                shapes[value] = shape
        sizes = {value.shape[0] for value in shapes if value.shape is not None}
        size = sizes.pop() if len(sizes) == 1 else None
        self.fixed = isinstance(size, int) and 1 <= size <= MAX_FIXED_BATCH
        samples = size if isinstance(size, int) and self.fixed else SAMPLES
        widths = [int(np.prod(shape, dtype=np.int64)) for shape in shapes.values()]
        builder = NetlistBuilder(sum(widths))
        parts = np.split(builder.inputs(), np.cumsum(widths)[:-1]) if widths else []
        for (value, shape), part in zip(shapes.items(), parts, strict=True):
            self.symbols[value] = source_bits(part.reshape(shape), samples)
        self.region.sources = list(shapes)
        self.region.source_shapes = list(shapes.values())
        return builder

    def _inputs(self, node: ir.Node) -> list[Symbols | np.ndarray | None]:
        inputs: list[Symbols | np.ndarray | None] = []
        for i, value in enumerate(node.inputs):
            if value is None or value in self.symbols:
                inputs.append(None if value is None else self.symbols[value])
                continue
            known = self.probe.run(value, self.symbols, fixed=self.fixed)
            if known.varies.any() and _SHAPES.get(node.op_type) != i:
                raise NotBooleanError(f"its input {value.name!r} depends on the size of the batch")
            inputs.append(known.array)
        return inputs

    def _sinks(self, builder: NetlistBuilder) -> None:
        members, bits = set(self.nodes), [np.zeros(0, np.uint32)]
        for node in self.nodes:
            for value in node.outputs:
                users = [user for user in value.consumers() if user not in members]
                if not value.is_graph_output() and all(user in self.internal for user in users):
                    continue
                (number,), batch = decode([self.symbols[value]])
                if batch != 0:
                    self.failed[node] = "the first axis of its output is not the batch"
                    continue
                self.region.sinks.append(value)
                self.region.sink_shapes.append(number.planes.shape[1:])
                bits.append(number.planes[0].ravel())
        self.region.netlist = builder.finish(np.concatenate(bits))
