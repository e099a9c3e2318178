"""Data movement on wires: onnx's own implementation moves their numbers."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.arithmetic import bits_for
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.evaluate import evaluate
from lgnx.netlist.rules.values import NotBooleanError, Symbols, decode

_END = np.iinfo(np.int32).max  # what exporters write for the end of an axis, or more

_MOVES = frozenset(
    """
    Concat DepthToSpace Expand Flatten Gather GatherElements GatherND Identity Pad Reshape
    ScatterElements ScatterND Slice SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze
    """.split()
)


def is_data_movement(node: ir.Node) -> bool:
    """Tell whether an operator moves values about without looking at them."""
    return node.domain == "" and node.op_type in _MOVES


def moved_inputs(node: ir.Node) -> list[int]:
    """Inputs whose values a data movement moves; the others say where to."""
    if node.op_type == "Concat":
        return list(range(len(node.inputs)))
    if node.op_type == "Pad" and len(node.inputs) > 2 and node.inputs[2] is not None:
        return [0, 2]
    if node.op_type.startswith("Scatter"):
        return [0, 2]
    return [0]


def _run(call: Call) -> list[Symbols]:
    moved = moved_inputs(call.node)
    # Numbers that are kept as a table stay so where they are only moved about.
    fills = call.node.op_type in ("Pad", "Trilu")  # with 0, unless told otherwise
    take = call.raw if len(moved) == 1 and not fills else call.symbols
    symbols = {i: take(i) for i in moved}
    others = [
        None if i in symbols or not call.given(i) else call.constant(i)
        for i in range(len(call.inputs))
    ]
    scatters = call.node.op_type.startswith("Scatter")
    for value in symbols.values():
        if value.samples is not None and not scatters:
            _keeps_samples(call, decode([value])[1], len(value.shape), others)
    low = min([value.low for value in symbols.values()] + [0] * fills)
    high = max([value.high for value in symbols.values()] + [0] * fills)
    width = bits_for(low, high)
    planes = {i: _extended(value, width) for i, value in symbols.items()}
    results = [
        evaluate(
            call.node,
            [planes[i][w] if i in planes else other for i, other in enumerate(others)],
            call.opset,
        )
        for w in range(width)
    ]
    kind, table = symbols[0].dtype, symbols[0].table
    samples = next((v.samples for v in symbols.values() if v.samples is not None), None)
    outputs = [
        Symbols(np.stack(part), low, high, kind, samples, table)
        for part in zip(*results, strict=True)
    ]
    for output in outputs:
        _, batch = decode([output])
        if scatters:  # into what may be constant
            _keeps_samples(call, batch, len(output.shape), others)
    return outputs


def _extended(value: Symbols, width: int) -> np.ndarray:
    """The planes of numbers, with copies of the sign or zeros in front."""
    missing = width - len(value.planes)
    sign = value.planes[-1:] if value.low < 0 else np.zeros_like(value.planes[-1:])
    return np.concatenate([value.planes, *[sign] * missing])


def _keeps_samples(call: Call, batch: int, rank: int, others: list[np.ndarray | None]) -> None:
    """Refuse what selects along the batch, which two samples alone may not show."""
    if _picks_samples(call, batch, rank, others):
        raise NotBooleanError("it may pick samples of the batch")


def _picks_samples(call: Call, batch: int, rank: int, others: list[np.ndarray | None]) -> bool:
    op, attributes = call.node.op_type, call.node.attributes
    if attributes.get_string("reduction", "none") != "none":
        raise NotBooleanError("it computes where it scatters")
    if op in ("Concat", "Gather", "GatherElements", "ScatterElements", "Split"):
        return attributes.get_int("axis", 0) % rank == batch
    if op == "Trilu":
        return batch >= rank - 2
    if op == "ScatterND":
        indices = others[1]
        assert indices is not None
        return batch < indices.shape[-1]
    if op == "GatherND":
        first = attributes.get_int("batch_dims", 0)
        indices = others[1]
        assert indices is not None
        return first <= batch < first + indices.shape[-1]
    if op == "Pad":
        pads, axes = [*others, None, None, None][1:4:2]
        assert pads is not None
        axes = np.arange(rank) if axes is None else axes % rank
        return bool(pads.reshape(2, -1)[:, axes == batch].any())
    if op == "Slice":
        starts, ends, axes, steps = [*others, None, None, None, None][1:5]
        assert starts is not None
        assert ends is not None
        axes = np.arange(len(starts)) if axes is None else axes % rank
        steps = np.ones(len(starts)) if steps is None else steps
        whole = (starts == 0) & (ends >= _END) & (steps == 1)
        return bool(((axes == batch) & ~whole).any())
    return False


RULES = {("", name): _run for name in _MOVES}
