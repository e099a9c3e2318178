"""Boolean regions: the parts of a model that are logic, found by symbolic execution."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.netlist.symbolic import (
    SAMPLES,
    NotBooleanError,
    fold,
    from_literals,
    is_data_movement,
    is_logic,
    run_node,
    to_literals,
)


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
        Values that are read outside the region; their bits are the outputs of the netlist.
    sink_shapes
        Shape of each sink without the batch.
    netlist
        What the region computes.
    """

    nodes: list[ir.Node] = field(default_factory=list)
    sources: list[ir.Value] = field(default_factory=list)
    source_shapes: list[tuple[int, ...]] = field(default_factory=list)
    sinks: list[ir.Value] = field(default_factory=list)
    sink_shapes: list[tuple[int, ...]] = field(default_factory=list)
    netlist: Netlist | None = None


def constant_value(value: ir.Value | None) -> np.ndarray | None:
    """Value of an initializer or of a Constant node; None for anything else."""
    if value is None:
        return None
    tensor = ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def find_regions(model: ir.Model) -> tuple[list[Region], dict[ir.Node, str]]:
    """Find the Boolean regions of a model.

    Nodes of one region are those with the same number of crossings from other operators into
    logic on their way, so a region never depends on itself through something outside.

    Returns
    -------
    tuple
        The regions that hold logic operators, and for each node that could have been in one the
        reason why it is not.
    """
    opset = model.opset_imports.get("", 18)
    stages = _stages(model.graph)
    by_stage: dict[int, list[ir.Node]] = {}
    for node, stage in stages.items():
        by_stage.setdefault(stage, []).append(node)
    reasons: dict[ir.Node, str] = {}
    regions = []
    for _, nodes in sorted(by_stage.items()):
        region = _execute(nodes, opset, reasons)
        if any(is_logic(node) for node in region.nodes) and region.sinks:
            regions.append(region)
    return regions, reasons


def _may_be_boolean(node: ir.Node) -> bool:
    """Tell, from types alone, whether a node takes and gives bits."""
    if not (is_logic(node) or is_data_movement(node)):
        return False
    carriers = [value for value in node.inputs if value is not None and _is_bool(value)]
    return bool(carriers) and all(_is_bool(value) for value in node.outputs)


def _is_bool(value: ir.Value) -> bool:
    return value.dtype == ir.DataType.BOOL


def _stages(graph: ir.Graph) -> dict[ir.Node, int]:
    """Number the Boolean nodes by how often a path to them crosses into logic."""
    stage: dict[ir.Node, int] = {}
    boolean: dict[ir.Node, int] = {}
    for node in graph:
        is_boolean = _may_be_boolean(node)
        best = 0
        for value in node.inputs:
            producer = None if value is None else value.producer()
            if producer is None or producer not in stage:
                continue
            crossing = is_boolean and producer not in boolean
            best = max(best, stage[producer] + int(crossing))
        stage[node] = best
        if is_boolean:
            boolean[node] = best
    return boolean


def _execute(nodes: list[ir.Node], opset: int, reasons: dict[ir.Node, str]) -> Region:
    """Run the nodes of a stage; those that turn out not to be Boolean are left out.

    A node that fails may sit between others, so the stage is run again without what depended on
    it until nothing fails any more.
    """
    left = list(nodes)
    while True:
        region, failed = _try(left, opset, reasons)
        if not failed:
            return region
        # What follows a failed node would come back into the region through it.
        tainted = set(failed)
        for node in left:
            if any(v is not None and v.producer() in tainted for v in node.inputs):
                tainted.add(node)
                reasons.setdefault(node, "it depends on a node that is not Boolean")
        left = [node for node in left if node not in tainted]


def _try(
    nodes: list[ir.Node], opset: int, reasons: dict[ir.Node, str]
) -> tuple[Region, list[ir.Node]]:
    members = set(nodes)
    region = Region(nodes=nodes)
    shapes: dict[ir.Value, tuple[int, ...]] = {}
    failed = []
    for node in nodes:
        for value in node.inputs:
            if (
                value is None
                or value in shapes
                or value.producer() in members
                or not _is_bool(value)
                or constant_value(value) is not None
            ):
                continue
            shape = _sample_shape(value)
            if shape is None:
                reasons[node] = f"the shape of its input {value.name!r} is not known"
                failed.append(node)
                continue
            shapes[value] = shape
    if failed:
        return region, failed
    widths = [int(np.prod(shape, dtype=np.int64)) for shape in shapes.values()]
    builder = NetlistBuilder(sum(widths))
    inputs = np.split(builder.inputs(), np.cumsum(widths)[:-1]) if widths else []
    values = {
        value: from_literals(part.reshape(shape))
        for (value, shape), part in zip(shapes.items(), inputs, strict=True)
    }
    known: dict[ir.Value, np.ndarray | None] = {}
    for node in nodes:
        symbols = [None if value is None else values.get(value) for value in node.inputs]
        constants = [
            None if symbol is not None else _probe(value, values, known, opset)
            for symbol, value in zip(symbols, node.inputs, strict=True)
        ]
        try:
            outputs = run_node(node, symbols, constants, builder, opset)
        except NotBooleanError as error:
            reasons[node] = str(error)
            return region, [node]
        values.update(zip(node.outputs, outputs, strict=True))
    region.sources = list(shapes)
    region.source_shapes = list(shapes.values())
    for node in nodes:
        for value in node.outputs:
            if value.is_graph_output() or any(user not in members for user in value.consumers()):
                region.sinks.append(value)
    literals = [to_literals(values[value]) for value in region.sinks]
    region.sink_shapes = [part.shape for part in literals]
    bits = [part.ravel() for part in literals]
    region.netlist = builder.finish(np.concatenate(bits) if bits else np.zeros(0, np.uint32))
    return region, []


def _sample_shape(value: ir.Value) -> tuple[int, ...] | None:
    """Shape without the batch, where it is static."""
    if value.shape is None or len(value.shape) < 1:
        return None
    extents = list(value.shape)[1:]
    if not all(isinstance(extent, int) for extent in extents):
        return None
    return tuple(int(extent) for extent in extents)  # type: ignore[arg-type]


def _probe(
    value: ir.Value | None,
    values: dict[ir.Value, np.ndarray],
    known: dict[ir.Value, np.ndarray | None],
    opset: int,
) -> np.ndarray | None:
    """Value that does not depend on data: a constant, or a shape computed from the probe batch."""
    if value is None:
        return None
    if value in known:
        return known[value]
    result = constant_value(value)
    node = value.producer()
    if result is None and node is not None and node.domain == "":
        if node.op_type == "Shape":
            result = _probe_shape(node, values, opset)
        else:
            inputs = [_probe(source, values, known, opset) for source in node.inputs]
            missing = [
                source
                for source, part in zip(node.inputs, inputs, strict=True)
                if source is not None and part is None
            ]
            if not missing and node.inputs:
                try:
                    results = fold(node, inputs, opset)
                except NotBooleanError:
                    results = []
                if results:
                    result = results[value.index() or 0]
    known[value] = result
    return result


def _probe_shape(
    node: ir.Node, values: dict[ir.Value, np.ndarray], opset: int
) -> np.ndarray | None:
    source = node.inputs[0]
    if source is None:
        return None
    if source in values:
        shape: tuple[int, ...] = values[source].shape
    else:
        inner = _sample_shape(source)
        if inner is None:
            return None
        first = source.shape[0] if source.shape is not None else None
        shape = (first if isinstance(first, int) else SAMPLES, *inner)
    start = node.attributes.get_int("start", 0)
    end = node.attributes.get_int("end", len(shape))
    return np.array(shape[start:end], np.int64)
