"""Recognise counts of bits as GroupSum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value, sample_shape
from lgnx.ops import DOMAIN, VERSION
from lgnx.passes.edit import Inserter, batch_dim, is_lgnx, is_op, remove_dead, replace

__all__ = ["RecogniseGroupSumPass"]

_FLOATS = (ir.DataType.FLOAT, ir.DataType.DOUBLE)
_INTEGERS = (ir.DataType.INT32, ir.DataType.INT64)
_SCALE = {"bias": 0.0, "tau": 1.0, "beta": 0.0}


class RecogniseGroupSumPass(ir.passes.InPlacePass):
    """Let sums of bits be GroupSum.

    In the rules, ``F(b)`` is a Cast of bits to float, double, int32 or int64, c a single constant
    that float32 holds exactly, and a GroupSum has no other reader.

    - ``ReduceSum(F(b))`` over any axes but the batch becomes GroupSum over bits that are transposed
      and reshaped to rows; its counts are reshaped to what they were.
    - ``ReduceMean(F(b))`` likewise, with tau; float and double only.
    - ``Cast(GroupSum)`` of unscaled counts becomes a GroupSum of that type.
    - ``Add``, ``Sub``, ``Div`` and ``Mul`` of a GroupSum with c become its bias, tau and beta as
      long as that keeps the order of the steps; Mul where c is a power of two.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            if node.graph is None or node.domain != "" or not node.inputs:
                continue
            before = [v.producer() for v in node.inputs if v is not None]
            if is_op(node, "ReduceSum", "ReduceMean"):
                done = _count(model.graph, node)
            elif is_op(node, "Cast"):
                done = _cast(node)
            elif is_op(node, "Add", "Sub", "Div", "Mul"):
                done = _scale(node)
            else:
                continue
            if done:
                remove_dead(model.graph, [n for n in before if n is not None] + [node])
                modified = True
        if modified:
            model.opset_imports.setdefault(DOMAIN, VERSION)
        return ir.passes.PassResult(model, modified)


def _count(graph: ir.Graph, node: ir.Node) -> bool:
    cast = node.inputs[0].producer() if node.inputs[0] is not None else None
    bits = cast.inputs[0] if cast is not None and is_op(cast, "Cast") else None
    y = node.outputs[0]
    types = _FLOATS if is_op(node, "ReduceMean") else (*_FLOATS, *_INTEGERS)
    if bits is None or bits.dtype != ir.DataType.BOOL or y.dtype not in types:
        return False
    shape = sample_shape(bits)
    axes = None if shape is None else _axes(node, len(shape) + 1)
    if shape is None or axes is None or 0 in axes or not all(shape):
        return False
    kept = [axis for axis in range(1, len(shape) + 1) if axis not in axes]
    groups = int(np.prod([shape[axis - 1] for axis in kept], dtype=np.int64))
    size = int(np.prod([shape[axis - 1] for axis in axes], dtype=np.int64))
    if y.dtype is None or not _exact(size, y.dtype):
        return False
    insert = Inserter(graph, node, node.name or "group_sum")
    batch, order = batch_dim(bits), [0, *kept, *axes]
    if order != sorted(order):
        moved = [batch, *(shape[axis - 1] for axis in order[1:])]
        bits = insert.op("Transpose", [bits], {"perm": order}, dtype=bits.dtype, shape=moved)
    if len(shape) > 1:
        bits = insert.reshape(bits, [0, groups * size], [batch, groups * size])
    attributes: dict[str, int | float] = {"groups": groups, "dtype": int(y.dtype)}
    if is_op(node, "ReduceMean"):
        attributes["tau"] = float(size)
    counts = insert.op(
        "GroupSum", [bits], attributes, dtype=y.dtype, shape=[batch, groups], domain=DOMAIN
    )
    if node.attributes.get_int("keepdims", 1):
        target = [1 if axis in axes else n for axis, n in enumerate(shape, 1)]
    else:
        target = [shape[axis - 1] for axis in kept]
    if target != [groups]:
        counts = insert.reshape(counts, [0, *target], [batch, *target])
    replace(y, counts)
    return True


def _axes(node: ir.Node, rank: int) -> list[int] | None:
    """Axes that a node reduces; None for all of them, and where they are not known."""
    axes: Sequence[int] | None = node.attributes.get_ints("axes", None)
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        given = constant_value(node.inputs[1])
        axes = None if given is None else given.tolist()
    return sorted({axis % rank for axis in axes}) if axes else None


def _exact(count: int, dtype: ir.DataType) -> bool:
    """Tell whether a type holds all counts up to this one."""
    bits = {ir.DataType.FLOAT: 24, ir.DataType.INT32: 31}.get(dtype, 53)
    return count < 1 << bits


def _group_sum(value: ir.Value | None) -> ir.Node | None:
    """The GroupSum that gives a value to one reader alone."""
    node = None if value is None else value.producer()
    if node is None or value is None or not is_lgnx(node, "GroupSum"):
        return None
    alone = not value.is_graph_output() and len(list(value.uses())) == 1
    return node if alone else None


def _scale_of(node: ir.Node) -> dict[str, float]:
    return {name: node.attributes.get_float(name, value) for name, value in _SCALE.items()}


def _cast(node: ir.Node) -> bool:
    total = _group_sum(node.inputs[0])
    kind = ir.DataType(node.attributes.get_int("to"))
    if total is None or kind not in (*_FLOATS, *_INTEGERS) or _scale_of(total) != _SCALE:
        return False
    bits = total.inputs[0]
    width = bits.shape[-1] if bits is not None and bits.shape is not None else None
    if not isinstance(width, int):
        return False
    size = width // total.attributes.get_int("groups")
    was = ir.DataType(total.attributes.get_int("dtype", int(ir.DataType.FLOAT)))
    if not (_exact(size, kind) and _exact(size, was)):
        return False
    total.attributes["dtype"] = ir.AttrInt64("dtype", int(kind))
    _become(total, node.outputs[0])
    return True


def _scale(node: ir.Node) -> bool:
    left, right = (_group_sum(value) for value in node.inputs)
    total, c = left, constant_value(node.inputs[1])
    if total is None and not is_op(node, "Sub", "Div"):
        total, c = right, constant_value(node.inputs[0])
    if total is None or c is None or c.size != 1 or not np.isfinite(c).all():
        return False
    y, rank = node.outputs[0], len(total.outputs[0].shape or ())
    if c.ndim > rank or y.dtype not in (*_FLOATS, *_INTEGERS):
        return False
    value = float(c.reshape(()))
    if value != float(np.float32(value)):
        return False
    scale, integer = _scale_of(total), y.dtype in _INTEGERS
    if is_op(node, "Add", "Sub"):
        added = -value if is_op(node, "Sub") else value
        first = scale == _SCALE
        if not first and scale["beta"] != 0:
            return False
        changed = {"bias" if first else "beta": added}
    else:
        divisor = value if is_op(node, "Div") else _inverse(value)
        if integer or scale["tau"] != 1 or scale["beta"] != 0 or divisor is None or divisor <= 0:
            return False
        changed = {"tau": divisor}
    if integer and not value.is_integer():
        return False
    for name, number in changed.items():
        total.attributes[name] = ir.AttrFloat32(name, number)
    _become(total, y)
    return True


def _inverse(value: float) -> float | None:
    """1 / value where dividing by it is the same as multiplying with the value: powers of two."""
    mantissa, exponent = np.frexp(value)
    return 1 / value if mantissa == 0.5 and -100 < exponent < 100 else None


def _become(total: ir.Node, y: ir.Value) -> None:
    """Let a GroupSum give what its reader gave."""
    old = total.outputs[0]
    assert y.dtype is not None
    old.dtype = y.dtype
    replace(y, old)
