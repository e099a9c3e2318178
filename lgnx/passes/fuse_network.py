"""Fuse every Boolean region into one LogicNetwork node."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.netlist import Netlist
from lgnx.netlist.probe import constant_value
from lgnx.netlist.regions import Region, find_regions
from lgnx.ops import DOMAIN, VERSION, engine
from lgnx.ops.program import encode
from lgnx.passes.edit import Inserter, batch_dim, is_lgnx, remove_dead, replace

__all__ = ["FuseNetworkPass"]

_BITS = ir.DataType.BOOL


class FuseNetworkPass(ir.passes.InPlacePass):
    """Replace each Boolean region by one LogicNetwork.

    Rules:

    - A region is what symbolic execution can turn into a netlist; everything else stays as it is.
    - If all its bits come from one Thermometer, that becomes part of the node. If all come from
      one UnpackBits, the node takes its words. Otherwise its sources are flattened and
      concatenated.
    - If all its bits go to one GroupSum over rows, that becomes part of the node. Otherwise the
      output bits are split and reshaped to what they were.

    Parameters
    ----------
    simplify
        Apply the optimiser's rules to the netlist.
    """

    def __init__(self, simplify: bool = True) -> None:
        super().__init__()
        self.simplify = simplify

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        regions, _ = find_regions(model)
        moved: dict[ir.Value, ir.Value] = {}
        for number, region in enumerate(regions):
            # What an earlier region gave has a new value by now.
            region.sources = [moved.get(source, source) for source in region.sources]
            name = f"network_{number}" if len(regions) > 1 else "network"
            moved.update(self._fuse(model.graph, region, name))
        if regions:
            # The nodes of a region may stand between others that its network now depends on.
            model.graph.sort()
            model.opset_imports.setdefault(DOMAIN, VERSION)
        return ir.passes.PassResult(model, bool(regions))

    def _fuse(self, graph: ir.Graph, region: Region, name: str) -> dict[ir.Value, ir.Value]:
        """Fuse one region; give the new value of each of its sinks."""
        netlist = region.netlist
        assert netlist is not None
        if self.simplify:
            parts = engine.optimize(
                netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs
            )
            netlist = Netlist(netlist.n_inputs, *parts)
        total = _group_sum(region)
        insert = Inserter(graph, region.nodes[-1], name, origin=None)
        thermometer, packed = _thermometer(region), _packed(region)
        attributes: dict[str, object] = {"n_outputs": netlist.n_outputs}
        rest: list[ir.Value | None] = []
        if thermometer:
            x, thresholds, strict = thermometer
            if not strict:
                attributes["strict"] = 0
            extent = batch_dim(x)
            rest = [insert.constant("thresholds", thresholds)]
        elif packed:
            x, batch = packed
            extent = batch_dim(total.outputs[0] if total else region.sinks[0])
            rest = [None, batch]
        else:
            x = _join(insert, region)
            extent = batch_dim(x)
        inputs = [x, insert.constant("program", encode(netlist.to_program())), *rest]
        dtype, width = _BITS, netlist.n_outputs
        if total:
            attributes |= {a.name: a.value for a in total.attributes.values()}
            dtype = total.outputs[0].dtype or ir.DataType.FLOAT
            width = total.attributes.get_int("groups")
            attributes["dtype"] = int(dtype)
        y = insert.op(
            "LogicNetwork",
            inputs,
            attributes,
            dtype=dtype,
            shape=[extent, width],
            domain=DOMAIN,
        )
        producer = y.producer()
        assert producer is not None
        producer.name = name
        if total:
            replace(total.outputs[0], y)
            remove_dead(graph, [*region.nodes, total])
            return {}
        moved = dict(zip(region.sinks, _split(insert, region, y), strict=True))
        for sink, part in moved.items():
            replace(sink, part)
        remove_dead(graph, region.nodes)
        return moved


def _thermometer(region: Region) -> tuple[ir.Value, np.ndarray, bool] | None:
    """Numbers, thresholds and strictness, if all bits of the region are of one Thermometer."""
    if len(region.sources) != 1:
        return None
    node = region.sources[0].producer()
    if node is None or not is_lgnx(node, "Thermometer"):
        return None
    x = node.inputs[0]
    if x is None or x.shape is None or len(x.shape) < 1:
        return None
    thresholds = constant_value(node.inputs[1])
    if thresholds is None:
        return None
    strict = node.attributes.get_int("strict", 1) == 1
    if np.isnan(thresholds).any():
        return None
    rank = len(x.shape) + 1
    if thresholds.ndim == rank:  # thresholds that differ between samples are not of the network
        if thresholds.shape[0] != 1:
            return None
        thresholds = thresholds[0]
    return x, np.ascontiguousarray(thresholds), strict


def _packed(region: Region) -> tuple[ir.Value, ir.Value] | None:
    """Words and batch, if all bits of the region are unpacked from these."""
    if len(region.sources) != 1 or len(region.source_shapes[0]) != 1:
        return None
    node = region.sources[0].producer()
    if node is None or not is_lgnx(node, "UnpackBits"):
        return None
    words, batch = node.inputs
    return None if words is None or batch is None else (words, batch)


def _group_sum(region: Region) -> ir.Node | None:
    """The GroupSum that all bits of the region go to, if there is one."""
    if len(region.sinks) != 1 or not _is_rows(region.sink_shapes[0]):
        return None
    sink = region.sinks[0]
    users = list(sink.consumers())
    if sink.is_graph_output() or len(users) != 1 or not is_lgnx(users[0], "GroupSum"):
        return None
    return users[0]


def _join(insert: Inserter, region: Region) -> ir.Value:
    """All sources side by side, bool [B, n_inputs]."""
    flat = []
    for source, shape in zip(region.sources, region.source_shapes, strict=True):
        width = int(np.prod(shape, dtype=np.int64))
        if len(shape) == 1:
            flat.append(source)
        else:
            flat.append(insert.reshape(source, [-1, width], [batch_dim(source), width]))
    if len(flat) == 1:
        return flat[0]
    width = sum(int(np.prod(shape, dtype=np.int64)) for shape in region.source_shapes)
    return insert.op("Concat", flat, {"axis": 1}, dtype=_BITS, shape=[batch_dim(flat[0]), width])


def _split(insert: Inserter, region: Region, y: ir.Value) -> list[ir.Value]:
    """The output bits as the region's sinks."""
    parts, start = [], 0
    for sink, shape in zip(region.sinks, region.sink_shapes, strict=True):
        width = int(np.prod(shape, dtype=np.int64))
        part = y
        if len(region.sinks) > 1:
            bounds = [
                insert.constant(name, np.array([value], np.int64))
                for name, value in (("start", start), ("end", start + width), ("axis", 1))
            ]
            part = insert.op("Slice", [y, *bounds], dtype=_BITS, shape=[batch_dim(y), width])
        if not _is_rows(shape):
            part = insert.reshape(part, [-1, *shape[1:]], [batch_dim(sink), *shape[1:]])
        parts.append(part)
        start += width
    return parts


def _is_rows(shape: tuple[int, ...]) -> bool:
    """Tell whether a sink is one row of bits for each sample."""
    return len(shape) == 2 and shape[0] == 1
