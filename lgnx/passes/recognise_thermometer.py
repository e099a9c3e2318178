"""Recognise comparisons of numbers with constants as Thermometer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from lgnx.netlist.members import find_members
from lgnx.netlist.probe import Probe, constant_value
from lgnx.netlist.rules import has_rule
from lgnx.netlist.rules.movement import is_data_movement, moved_inputs
from lgnx.ops import DOMAIN, VERSION
from lgnx.passes.edit import Inserter, is_lgnx, is_op, remove_dead, replace

__all__ = ["RecogniseThermometerPass"]

_BOOL = ir.DataType.BOOL
_MIRRORED = {
    "Equal": "Equal",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
}


class RecogniseThermometerPass(ir.passes.InPlacePass):
    """Let comparisons with constants whose bits go to logic be Thermometer.

    In the rules, c is constant and not NaN, and Compare has no numbers that are made of bits.

    - ``Compare(Move(x), c)`` with a single c becomes ``Move(Compare(x, c))``, where Move is data
      movement.
    - All comparisons of one x, and all its Thermometers, become one Thermometer; ``x > c`` is one
      of its bits. So is ``Unsqueeze(x) > c`` with several c along the new axis: a bit for each.
    - Where both ``>`` and ``>=`` occur, all are ``>=``: ``x > c`` is ``x >= next(c)``, next(c)
      being the next larger number of the type; it stays a comparison if there is none.
    - ``x < c`` is ``Not(x >= c)``, and with floats ``And(x >= -inf, Not(x >= c))``, so NaN gives 0;
      ``x <= c`` likewise; ``x == c`` is ``And(x >= c, Not(x > c))``.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        graph = model.graph
        probe = Probe(model.opset_imports.get("", 18))
        inside = {n for part in find_members(graph, probe, set()).stages for n in part}
        modified = False
        for node in [n for n in graph if n not in inside and _leads_to_logic(n)]:
            current: ir.Node | None = node
            while current is not None:
                current = _sink(graph, current)
                modified |= current is not None
        by_x: dict[ir.Value, list[_Comparison]] = {}
        for node in graph:
            found = _comparison(node) if node not in inside and _leads_to_logic(node) else None
            if found is not None:
                by_x.setdefault(found.x, []).append(found)
        for comparisons in by_x.values():
            if len(comparisons) > 1 or not is_lgnx(comparisons[0].node, "Thermometer"):
                modified |= _merge(graph, comparisons)
        if modified:
            graph.sort()
            model.opset_imports.setdefault(DOMAIN, VERSION)
        return ir.passes.PassResult(model, modified)


@dataclass
class _Comparison:
    """A comparison of x.

    ``limits`` [..., T] broadcasts against x with an axis appended; ``axis`` is where the node has
    the axis of T, None if it has none, T being 1.
    """

    node: ir.Node
    x: ir.Value
    op: str
    limits: np.ndarray
    axis: int | None

    @property
    def needs(self) -> tuple[bool, bool, bool]:
        """Whether it is made of x > c, of x >= c, and of x >= -inf."""
        upper = self.op in ("Less", "LessOrEqual")
        return (
            self.op in ("Greater", "LessOrEqual", "Equal"),
            self.op in ("GreaterOrEqual", "Less", "Equal"),
            upper and self.limits.dtype.kind == "f",
        )


def _leads_to_logic(node: ir.Node) -> bool:
    return any(has_rule(user) for value in node.outputs for user in value.consumers())


def _operands(node: ir.Node) -> tuple[ir.Value, str, np.ndarray] | None:
    """The x, operator and c of a comparison whose constant is on the right."""
    if not is_op(node, *_MIRRORED):
        return None
    for side, op in ((0, node.op_type), (1, _MIRRORED[node.op_type])):
        x, c = node.inputs[side], constant_value(node.inputs[1 - side])
        if x is None or c is None or constant_value(x) is not None or x.shape is None:
            continue
        if c.dtype.kind in "iuf" and c.size and not np.isnan(c).any():
            return x, op, c
    return None


def _sink(graph: ir.Graph, node: ir.Node) -> ir.Node | None:
    """Compare before moving; give the new comparison."""
    operands = _operands(node)
    if operands is None:
        return None
    x, op, c = operands
    move = x.producer()
    if c.size != 1 or c.ndim > len(x.shape or ()) or move is None or not is_data_movement(move):
        return None
    source = move.inputs[0]
    if moved_inputs(move) != [0] or is_op(move, "Pad") or len(move.outputs) != 1 or source is None:
        return None
    insert = Inserter(graph, node, node.name or node.op_type.lower())
    limit = insert.constant("limit", c.reshape(()))
    bits = insert.op(op, [source, limit], dtype=_BOOL, shape=source.shape)
    attributes = {a.name: a.value for a in move.attributes.values()}
    y = node.outputs[0]
    moved = insert.op(
        move.op_type, [bits, *move.inputs[1:]], attributes, dtype=_BOOL, shape=y.shape
    )
    replace(y, moved)
    remove_dead(graph, [move, node])
    return bits.producer()


def _comparison(node: ir.Node) -> _Comparison | None:
    if is_lgnx(node, "Thermometer"):
        x, limits = node.inputs[0], constant_value(node.inputs[1])
        if x is None or x.shape is None or limits is None or not limits.ndim:
            return None
        op = "Greater" if node.attributes.get_int("strict", 1) else "GreaterOrEqual"
        return _checked(_Comparison(node, x, op, limits, len(x.shape)))
    operands = _operands(node)
    if operands is None:
        return None
    x, op, c = operands
    rank = len(x.shape or ())
    spread = x.producer()
    if c.size > 1 and c.ndim <= rank and spread is not None and is_op(spread, "Unsqueeze"):
        axes, source = constant_value(spread.inputs[1]), spread.inputs[0]
        if axes is not None and axes.size == 1 and source is not None:
            axis = int(axes.reshape(())) % rank
            limits = np.moveaxis(c.reshape(*[1] * (rank - c.ndim), *c.shape), axis, -1)
            found = _checked(_Comparison(node, source, op, limits, axis))
            if found is not None:
                return found
    return _checked(_Comparison(node, x, op, c[..., None], None))


def _checked(found: _Comparison) -> _Comparison | None:
    """Give a comparison back if its limits are the same for all samples, and add no axes."""
    shape = list(found.x.shape or ())
    outer = found.limits.shape[:-1]
    if not shape or len(outer) > len(shape):
        return None
    if len(outer) == len(shape) and outer[0] != 1:
        return None
    pairs = zip(reversed(outer), reversed(shape), strict=False)
    return found if all(n in (1, extent) for n, extent in pairs) else None


def _merge(graph: ir.Graph, comparisons: list[_Comparison]) -> bool:
    """Replace comparisons of one x by one Thermometer."""
    above, at_least, valid = (
        any(parts) for parts in zip(*(c.needs for c in comparisons), strict=True)
    )
    strict = above and not at_least and not valid
    if above and not strict:
        comparisons = [c for c in comparisons if not c.needs[0] or _has_next(c.limits)]
    if not comparisons or (len(comparisons) == 1 and is_lgnx(comparisons[0].node, "Thermometer")):
        return False
    planes = _Planes(strict)
    wanted = [planes.of(comparison) for comparison in comparisons]
    x, first = comparisons[0].x, comparisons[0].node
    insert = Inserter(graph, first, first.name or "thermometer")
    thresholds = np.stack(np.broadcast_arrays(*planes.arrays), axis=-1)
    shape = list(x.shape or ())
    attributes = {} if strict else {"strict": 0}
    width = len(planes.arrays)
    bits = insert.op(
        "Thermometer",
        [x, insert.constant("thresholds", thresholds)],
        attributes,
        dtype=_BOOL,
        shape=[*shape, width],
        domain=DOMAIN,
    )
    for comparison, places in zip(comparisons, wanted, strict=True):
        replace(comparison.node.outputs[0], _made(insert, bits, comparison, places, width, shape))
    for comparison in comparisons:
        spread = comparison.node.inputs[0].producer() if comparison.node.inputs[0] else None
        remove_dead(graph, [comparison.node] if spread is None else [spread, comparison.node])
    return True


def _has_next(limits: np.ndarray) -> bool:
    """Tell whether each number has a next larger one."""
    top = np.inf if limits.dtype.kind == "f" else np.iinfo(limits.dtype).max
    return bool((limits < top).all())


def _next(limits: np.ndarray) -> np.ndarray:
    if limits.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.nextafter(limits, limits.dtype.type(np.inf))
    return limits + limits.dtype.type(1)


class _Planes:
    """The thresholds of one x, one array [...] for each bit."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.arrays: list[np.ndarray] = []
        self._places: dict[tuple[tuple[int, ...], bytes], int] = {}

    def of(self, comparison: _Comparison) -> list[list[int]]:
        """Places of x > c, of x >= c and of x >= -inf, as far as a comparison needs them."""
        limits = comparison.limits
        above, at_least, valid = comparison.needs
        places: list[list[int]] = [[], [], []]
        if above:
            places[0] = list(self._add(limits if self.strict else _next(limits)))
        if at_least:
            places[1] = list(self._add(limits))
        if valid:
            places[2] = list(self._add(np.full(1, -np.inf, limits.dtype)))
        return places

    def _add(self, limits: np.ndarray) -> Iterator[int]:
        for plane in np.moveaxis(limits, -1, 0):
            while plane.ndim and plane.shape[0] == 1:
                plane = plane[0]
            if (plane == plane.reshape(-1)[0]).all():
                plane = plane.reshape(-1)[0]
            key = plane.shape, plane.tobytes()
            if key not in self._places:
                self._places[key] = len(self.arrays)
                self.arrays.append(np.asarray(plane))
            yield self._places[key]


def _made(
    insert: Inserter,
    bits: ir.Value,
    comparison: _Comparison,
    places: list[list[int]],
    width: int,
    shape: list[Any],
) -> ir.Value:
    """Make what a comparison gave of the bits of the thermometer."""
    count = comparison.limits.shape[-1]

    def take(part: list[int]) -> ir.Value:
        if part == list(range(width)):
            return bits
        index = insert.constant("bits", np.array(part, np.int64))
        extents = [*shape, len(part)]
        return insert.op("Gather", [bits, index], {"axis": -1}, dtype=_BOOL, shape=extents)

    def logic(op: str, *values: ir.Value) -> ir.Value:
        return insert.op(op, values, dtype=_BOOL, shape=[*shape, count])

    above, at_least, valid = places
    op = comparison.op
    if op == "Greater":
        result = take(above)
    elif op == "GreaterOrEqual":
        result = take(at_least)
    elif op == "Equal":
        result = logic("And", take(at_least), logic("Not", take(above)))
    else:
        result = logic("Not", take(at_least if op == "Less" else above))
        if valid:
            result = logic("And", take(valid), result)
    rank = len(shape)
    if comparison.axis is None:
        last = insert.constant("axis", np.array([-1], np.int64))
        return insert.op("Squeeze", [result, last], dtype=_BOOL, shape=shape)
    if comparison.axis == rank:
        return result
    order = list(range(rank))
    order.insert(comparison.axis, rank)
    extents = [*shape[: comparison.axis], count, *shape[comparison.axis :]]
    return insert.op("Transpose", [result], {"perm": order}, dtype=_BOOL, shape=extents)
