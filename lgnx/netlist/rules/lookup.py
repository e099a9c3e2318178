"""Gather, GatherElements and GatherND of constants by numbers on wires: truth tables."""

from __future__ import annotations

import numpy as np

from lgnx.netlist.arithmetic import Number
from lgnx.netlist.rules import movement
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import (
    Batch,
    NotBooleanError,
    Symbols,
    constant_symbols,
    decode,
    encode,
)
from lgnx.ops.tables import MAX_INPUTS, pack_tables

_MAX_ENTRIES = 1 << 26


def _run(call: Call) -> list[Symbols]:
    if not isinstance(call.inputs[1], Symbols):
        return movement.RULES["", call.node.op_type](call)
    data = call.constant(0)
    (index,), batch = decode([call.symbols(1)])
    rules = {"Gather": _gather, "GatherElements": _gather_elements, "GatherND": _gather_nd}
    codes, entries, batch = rules[call.node.op_type](call, data, index, batch)
    return [encode(_look_up(call, codes, entries), batch, data.dtype)]


def _gather(
    call: Call, data: np.ndarray, index: Number, batch: Batch
) -> tuple[Number, np.ndarray, Batch]:
    axis = call.node.attributes.get_int("axis", 0) % data.ndim
    before, after = data.shape[:axis], data.shape[axis + 1 :]
    shape = index.planes.shape[1:]
    planes = index.planes.reshape(-1, *[1] * axis, *shape, *[1] * len(after))
    entries = np.moveaxis(data, axis, -1)
    entries = entries.reshape(*before, *[1] * len(shape), *after, -1)
    return Number(planes, index.low, index.high), entries, batch.at(axis + batch)


def _gather_elements(
    call: Call, data: np.ndarray, index: Number, batch: Batch
) -> tuple[Number, np.ndarray, Batch]:
    axis = call.node.attributes.get_int("axis", 0) % data.ndim
    if axis == batch or not (data == data.take([0], axis=batch)).all():
        raise NotBooleanError("it may pick samples of the batch")
    shape = index.planes.shape[1:]
    taken = tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(shape))
    entries = np.moveaxis(data[taken], axis, -1)
    return index, np.expand_dims(entries, axis), batch


def _gather_nd(
    call: Call, data: np.ndarray, index: Number, batch: Batch
) -> tuple[Number, np.ndarray, Batch]:
    if call.node.attributes.get_int("batch_dims", 0):
        raise NotBooleanError("it has batch_dims")
    parts = np.moveaxis(index.planes, -1, 0)
    fixed, planes = parts[:-1], parts[-1]
    if (fixed > 1).any() or (fixed.size and index.low < 0):
        raise NotBooleanError("more than one of its indices is not constant")
    weights = (1 << np.arange(len(planes), dtype=np.int64)).reshape(-1, *[1] * (planes.ndim - 1))
    places = tuple((part * weights).sum(axis=0) for part in fixed)
    tail = data.shape[len(parts) :]
    if any((place >= n).any() for place, n in zip(places, data.shape, strict=False)):
        raise NotBooleanError("an index is out of range")
    entries = np.moveaxis(data[places] if places else data, -1 - len(tail), -1)
    if not places:
        entries = entries.reshape(*[1] * (planes.ndim - 1), *tail, -1)
    planes = planes.reshape(*planes.shape, *[1] * len(tail))
    # The constant indices may be larger than the one that is not.
    width = len(planes)
    while width > 1 and not planes[width - 1].any():
        width -= 1
    high = min(index.high, (1 << width) - 1) if index.low >= 0 else index.high
    return Number(planes[:width] if index.low >= 0 else planes, index.low, high), entries, batch


def _look_up(call: Call, codes: Number, entries: np.ndarray) -> Number:
    """Take the entry of each number of tables [..., n], which broadcast against the numbers."""
    n, width = entries.shape[-1], len(codes.planes)
    if codes.low < -n or codes.high >= n:
        raise NotBooleanError(
            f"its indices may lie from {codes.low} to {codes.high}, out of the range of {n} entries"
        )
    shape = np.broadcast_shapes(codes.planes.shape[1:], entries.shape[:-1])
    if width > MAX_INPUTS or int(np.prod(shape)) << width > _MAX_ENTRIES:
        raise NotBooleanError("its truth tables would be too large")
    constant_symbols(entries)  # whole numbers
    values = Number.constant(entries)
    given = np.arange(codes.low, codes.high + 1)
    literals = np.broadcast_to(codes.planes, (width, *shape)).reshape(width, -1).T
    made = []
    for plane in values.planes:
        truth = np.zeros((*shape, 1 << width), bool)
        truth[..., given % (1 << width)] = plane[..., given % n]
        tables = pack_tables(truth.reshape(-1, 1 << width))
        made.append(call.builder.lut(tables, literals).reshape(shape))
    return Number(np.stack(made), values.low, values.high)


RULES = {("", name): _run for name in ("Gather", "GatherElements", "GatherND")}
