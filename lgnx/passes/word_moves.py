"""Operators that move or combine bits, as the same on words.

The batch is the first axis of bits and the last one of words, so an operator that leaves the batch
alone is the same operator on words, its axes one lower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.passes.edit import Inserter, batch_dim, is_op, sample_shape
from lgnx.passes.words import WORDS, shaped

_BITWISE = {"And": "BitwiseAnd", "Or": "BitwiseOr", "Xor": "BitwiseXor", "Not": "BitwiseNot"}
_END = np.iinfo(np.int32).max  # what exporters write for the end of an axis, or more
_ONES = ~np.uint64(0)
_ABSENT = np.zeros(0, np.int64)

Moved = tuple[dict[str, Any], list[np.ndarray]] | None
"""Attributes and constants of an operator on words."""


@dataclass(frozen=True)
class WordMove:
    """What an operator on bits is on words.

    Attributes
    ----------
    op_type
        Of the operator on words.
    sources
        Bits whose words are its first inputs; an array is such words itself, for any batch.
    attributes
        Its attributes.
    constants
        Its further inputs.
    """

    op_type: str
    sources: Sequence[ir.Value | np.ndarray]
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: Sequence[np.ndarray] = ()

    @property
    def bits(self) -> list[ir.Value]:
        """Sources that are not constant."""
        return [source for source in self.sources if isinstance(source, ir.Value)]

    def emit(self, insert: Inserter, words: Sequence[ir.Value], shape: Sequence[int]) -> ir.Value:
        """Write the operator on the words of `bits`; ``shape`` is the result's without W."""
        left = iter(words)
        inputs = [
            shaped(insert, next(left), sample_shape(source) or ())
            if isinstance(source, ir.Value)
            else insert.constant("words", source)
            for source in self.sources
        ]
        inputs += [insert.constant("places", array) for array in self.constants]
        return insert.op(self.op_type, inputs, self.attributes, dtype=WORDS, shape=[*shape, None])


def same_rows(value: ir.Value) -> ir.Value | None:
    """Bits whose words a value has, too, since only the axes of a sample were regrouped."""
    node = value.producer()
    if not is_op(node, "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"):
        return None
    assert node is not None
    source = node.inputs[0]
    before, after = sample_shape(source), sample_shape(value)
    if before is None or after is None or np.prod(before) != np.prod(after):
        return None
    return source


def word_move(value: ir.Value) -> WordMove | None:
    """Give what the operator behind a value is on words; None where it is no such operator."""
    node = value.producer()
    if node is None or node.domain != "" or sample_shape(value) is None:
        return None
    if node.op_type in _BITWISE:
        return _logic(node)
    if node.op_type == "Concat":
        return _concat(node)
    if node.op_type == "Split":
        return _split(node, value)
    source = node.inputs[0] if node.inputs else None
    rule = _MOVES.get(node.op_type)
    if rule is None or source is None or source.shape is None or sample_shape(source) is None:
        return None
    given = [*node.inputs[1:], *[None] * 4][:4]
    constants = [_ABSENT if v is None else constant_value(v) for v in given]
    known = [constant for constant in constants if constant is not None]
    if len(known) < len(given):
        return None
    moved = rule(node, len(source.shape), known)
    return None if moved is None else WordMove(node.op_type, [source], *moved)


def _concat(node: ir.Node) -> WordMove | None:
    parts = [part for part in node.inputs if part is not None]
    if any(sample_shape(part) is None or constant_value(part) is not None for part in parts):
        return None
    axis = node.attributes.get_int("axis", 0) % len(parts[0].shape or ())
    return WordMove("Concat", parts, {"axis": axis - 1}) if axis else None


def _split(node: ir.Node, value: ir.Value) -> WordMove | None:
    """One output of Split, which is a Slice."""
    source = node.inputs[0]
    shapes = [shape for v in node.outputs if (shape := sample_shape(v)) is not None]
    if source is None or sample_shape(source) is None or len(shapes) < len(node.outputs):
        return None
    axis = node.attributes.get_int("axis", 0) % (1 + len(shapes[0])) - 1
    if axis < 0:
        return None
    ends = np.cumsum([0, *(shape[axis] for shape in shapes)])
    start, end = ends[value.index() or 0 :][:2]
    numbers = [np.array([n], np.int64) for n in (start, end, axis, 1)]
    return WordMove("Slice", [source], {}, numbers)


def _transpose(node: ir.Node, rank: int, constants: list[np.ndarray]) -> Moved:
    perm = list(node.attributes.get_ints("perm", range(rank)[::-1]))
    return None if perm[0] else ({"perm": [*(p - 1 for p in perm[1:]), rank - 1]}, [])


def _gather(node: ir.Node, rank: int, constants: list[np.ndarray]) -> Moved:
    axis = node.attributes.get_int("axis", 0) % rank
    return ({"axis": axis - 1}, constants[:1]) if axis else None


def _slice(node: ir.Node, rank: int, constants: list[np.ndarray]) -> Moved:
    starts, ends, axes, steps = constants
    axes = axes % rank if axes.size else np.arange(len(starts))
    steps = steps if steps.size else np.ones_like(starts)
    whole = (starts == 0) & (ends >= _END) & (steps == 1)
    inner = axes != 0
    if not (inner | whole).all():
        return None
    return {}, [n[inner].astype(np.int64) for n in (starts, ends, axes - 1, steps)]


def _pad(node: ir.Node, rank: int, constants: list[np.ndarray]) -> Moved:
    pads, bit, axes, _ = constants
    whole = np.zeros((2, rank), np.int64)
    whole[:, axes % rank if axes.size else np.arange(rank)] = pads.reshape(2, -1)
    if whole[:, 0].any():
        return None
    moved = [np.roll(whole, -1, axis=1).ravel()]
    if bit.any():
        moved.append(np.array(_ONES))
    return {"mode": node.attributes.get_string("mode", "constant")}, moved


def _tile(node: ir.Node, rank: int, constants: list[np.ndarray]) -> Moved:
    repeats = constants[0]
    return ({}, [np.roll(repeats, -1)]) if repeats[0] == 1 else None


def _logic(node: ir.Node) -> WordMove | None:
    """And, Or, Xor and Not of bits, and of constants that are the same for every sample."""
    constants = [constant_value(value) for value in node.inputs]
    bits = [v for v, c in zip(node.inputs, constants, strict=True) if v is not None and c is None]
    if not bits or any(sample_shape(value) is None for value in bits):
        return None
    ranks = {len(value.shape or ()) for value in bits}
    extents = [batch_dim(value) for value in bits]
    # A batch of one would be broadcast, which words cannot be.
    if len(ranks) > 1 or any(getattr(n, "value", n) is None for n in extents):
        return None
    if any(n != extents[0] for n in extents):
        return None
    rank = ranks.pop()
    sources: list[ir.Value | np.ndarray] = []
    for value, constant in zip(node.inputs, constants, strict=True):
        if constant is None:
            assert value is not None
            sources.append(value)
            continue
        if constant.ndim > rank or (constant.ndim == rank and len(constant) != 1):
            return None
        rows = constant.reshape([1] * (rank - constant.ndim) + list(constant.shape))[0]
        sources.append(np.where(rows, _ONES, np.uint64(0)).astype(np.uint64)[..., None])
    return WordMove(_BITWISE[node.op_type], sources)


_MOVES: dict[str, Callable[[ir.Node, int, list[np.ndarray]], Moved]] = {
    "Transpose": _transpose,
    "Gather": _gather,
    "Slice": _slice,
    "Pad": _pad,
    "Tile": _tile,
}
