"""Remove the detours of bits through floats."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lgnx.netlist.probe import constant_value
from lgnx.netlist.rules import is_data_movement
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops._windows import MAX_SPATIAL
from lgnx.passes.edit import Inserter, fresh_name, is_op, remove_dead, replace

__all__ = ["RemoveCastsPass", "bits_of", "constant_bits", "moved_inputs"]

_BOOL = ir.DataType.BOOL


class RemoveCastsPass(ir.passes.InPlacePass):
    """Let bits stay bool where torch code carries them as 0.0 and 1.0.

    In the rules, ``F(b)`` is a Cast of bits to numbers.

    - Data movement: ``Move(F(a), F(b), ...)`` becomes ``F(Move(a, b, ...))``; constants of zeros
      and ones move along.
    - ``Cast(F(b))`` to bool becomes ``b``; to another number type, one Cast.
    - ``Greater(F(b), c)`` with 0 <= c < 1 becomes ``b``; ``Greater(c, F(b))`` with 0 < c <= 1
      becomes ``Not(b)``; GreaterOrEqual and Less likewise.
    - ``Mul(F(a), F(b))`` and ``Min`` become ``F(And(a, b))``, ``Max`` becomes ``F(Or(a, b))``.
    - ``MaxPool(F(a))`` becomes ``F(OrPool(a))``, unless it asks for more than OrPool does.
    - ``Sub(1, F(a))`` becomes ``F(Not(a))``.
    - ``Sub(Add(F(a), F(b)), Mul(F(a), F(b)))`` becomes ``F(Or(a, b))``.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified, again = False, True
        while again:
            again = False
            for node in list(model.graph):
                if node.graph is not None and self._rewrite(model.graph, node):
                    modified = again = True
        return ir.passes.PassResult(model, modified)

    def _rewrite(self, graph: ir.Graph, node: ir.Node) -> bool:
        if node.domain != "" or len([v for v in node.inputs if v is not None]) == 0:
            return False
        before = [v.producer() for v in node.inputs if v is not None]
        if is_op(node, "Cast"):
            done = _merge_casts(graph, node)
        elif is_op(node, "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
            done = _compare(graph, node)
        elif is_op(node, "Max", "Min", "Mul", "Sub"):
            done = _arithmetic(graph, node)
        elif is_op(node, "MaxPool"):
            done = _pool(graph, node)
        elif is_data_movement(node):
            done = _sink(graph, node)
        else:
            return False
        if done:
            remove_dead(graph, [n for n in before if n is not None and n is not node] + [node])
        return done


def bits_of(value: ir.Value | None) -> ir.Value | None:
    """``b``, if the value is ``F(b)``."""
    node = None if value is None else value.producer()
    if not is_op(node, "Cast"):
        return None
    assert node is not None
    source = node.inputs[0]
    return source if source is not None and source.dtype == _BOOL else None


def _type(value: ir.Value) -> ir.DataType:
    return value.dtype or ir.DataType.FLOAT


def _name(node: ir.Node) -> str:
    return node.name or node.op_type.lower()


def _float_of(insert: Inserter, bits: ir.Value, like: ir.Value) -> ir.Value:
    dtype = _type(like)
    return insert.op("Cast", [bits], {"to": int(dtype)}, dtype=dtype, shape=like.shape)


def _merge_casts(graph: ir.Graph, node: ir.Node) -> bool:
    bits = bits_of(node.inputs[0])
    if bits is None:
        return False
    y = node.outputs[0]
    if node.attributes.get_int("to") == int(_BOOL):
        _take(graph, node, y, bits)
    else:
        node.replace_input_with(0, bits)
    return True


def _take(graph: ir.Graph, node: ir.Node, old: ir.Value, new: ir.Value) -> None:
    """Replace a value by an existing one, which keeps its own name where it has readers."""
    if old.is_graph_output():
        new = Inserter(graph, node, _name(node)).op(
            "Identity", [new], dtype=_type(new), shape=old.shape
        )
    replace(old, new)


_MIRRORED = {
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
}


def _compare(graph: ir.Graph, node: ir.Node) -> bool:
    op = node.op_type
    bits, limit = bits_of(node.inputs[0]), constant_value(node.inputs[1])
    if bits is None:
        bits, limit = bits_of(node.inputs[1]), constant_value(node.inputs[0])
        op = _MIRRORED[op]
    if bits is None or limit is None or limit.size != 1:
        return False
    if limit.ndim and (bits.shape is None or limit.ndim > len(bits.shape)):
        return False  # the constant would add axes
    c = limit.reshape(-1)[0]
    compare = {"Greater": np.greater, "GreaterOrEqual": np.greater_equal}
    compare |= {"Less": np.less, "LessOrEqual": np.less_equal}
    at_zero, at_one = (bool(compare[op](c.dtype.type(v), c)) for v in (0, 1))
    if at_zero == at_one:
        return False
    y = node.outputs[0]
    if at_one:
        _take(graph, node, y, bits)
    else:
        insert = Inserter(graph, node, _name(node))
        replace(y, insert.op("Not", [bits], dtype=_BOOL, shape=y.shape))
    return True


def _arithmetic(graph: ir.Graph, node: ir.Node) -> bool:
    if len(node.inputs) != 2:  # Max and Min take any number
        return False
    left, right = node.inputs
    y = node.outputs[0]
    insert = Inserter(graph, node, _name(node))
    a, b = bits_of(left), bits_of(right)
    new = None
    if not is_op(node, "Sub"):
        if a is not None and b is not None:
            both = "Or" if is_op(node, "Max") else "And"
            new = insert.op(both, [a, b], dtype=_BOOL, shape=y.shape)
    elif b is not None and (one := constant_value(left)) is not None and (one == 1).all():
        if b.shape is not None and one.ndim <= len(b.shape) and one.size == 1:
            new = insert.op("Not", [b], dtype=_BOOL, shape=y.shape)
    else:
        pair = _or_operands(left, right)
        if pair is not None:
            new = insert.op("Or", list(pair), dtype=_BOOL, shape=y.shape)
    if new is None:
        return False
    replace(y, _float_of(insert, new, y))
    return True


def _or_operands(left: ir.Value | None, right: ir.Value | None) -> tuple[ir.Value, ir.Value] | None:
    """A and b, if the operands are F(a) + F(b) and F(And(a, b)), whichever way round."""
    total = None if left is None else left.producer()
    both_bits = bits_of(right)
    both = None if both_bits is None else both_bits.producer()
    if not (is_op(total, "Add") and is_op(both, "And")):
        return None
    assert total is not None
    assert both is not None
    a, b = (bits_of(value) for value in total.inputs)
    if a is None or b is None or {id(a), id(b)} != {id(value) for value in both.inputs}:
        return None
    return a, b


def _pool(graph: ir.Graph, node: ir.Node) -> bool:
    """MaxPool(F(a)) to F(OrPool(a))."""
    bits, y = bits_of(node.inputs[0]), node.outputs[0]
    given = {name: attribute.value for name, attribute in node.attributes.items()}
    kernel = list(given["kernel_shape"])
    pads = list(given.get("pads", [0] * (2 * len(kernel))))
    fits = (
        given.get("auto_pad", "NOTSET") == "NOTSET"
        and not given.get("ceil_mode", 0)
        and set(given.get("dilations", [1])) == {1}
        and len(kernel) <= MAX_SPATIAL
        and all(n < width for n, width in zip(pads, kernel * 2, strict=True))
        and not any(other.uses() or other.is_graph_output() for other in node.outputs[1:])
    )
    if bits is None or not fits:
        return False
    attributes = {"kernel_shape": kernel, "pads": pads}
    attributes["strides"] = list(given.get("strides", [1] * len(kernel)))
    insert = Inserter(graph, node, _name(node))
    pooled = insert.op("OrPool", [bits], attributes, dtype=_BOOL, shape=y.shape, domain=DOMAIN)
    graph.opset_imports.setdefault(DOMAIN, VERSION)
    replace(y, _float_of(insert, pooled, y))
    return True


def moved_inputs(node: ir.Node) -> list[int]:
    """Numbers of the inputs whose elements an operator of data movement gives on."""
    if is_op(node, "Concat"):
        return list(range(len(node.inputs)))
    padded = is_op(node, "Pad") and len(node.inputs) > 2 and node.inputs[2] is not None
    return [0, 2] if padded else [0]


def constant_bits(value: ir.Value | None) -> np.ndarray | None:
    """Constant zeros and ones, other than bool, as bool."""
    constant = constant_value(value)
    if constant is None or constant.dtype == bool or not np.isin(constant, (0, 1)).all():
        return None
    return constant.astype(bool)


def _sink(graph: ir.Graph, node: ir.Node) -> bool:
    """Move(F(a), ...) to F(Move(a, ...))."""
    replacements: dict[int, ir.Value | np.ndarray] = {}
    for i in moved_inputs(node):
        bits, constant = bits_of(node.inputs[i]), constant_bits(node.inputs[i])
        if bits is not None:
            replacements[i] = bits
        elif constant is not None:
            replacements[i] = constant
        else:
            return False
    if not any(isinstance(value, ir.Value) for value in replacements.values()):
        return False
    insert = Inserter(graph, node, _name(node))
    for i, value in replacements.items():
        moved_bits = insert.constant("bits", value) if isinstance(value, np.ndarray) else value
        node.replace_input_with(i, moved_bits)
    for y in node.outputs:
        dtype = _type(y)
        numbers = ir.Value(name=fresh_name(graph, f"{_name(node)}/Cast"), shape=y.shape)
        numbers.dtype = dtype
        replace(y, numbers)
        y.dtype = _BOOL
        cast = ir.node("Cast", [y], {"to": int(dtype)}, outputs=[numbers])
        cast.name = fresh_name(graph, f"{_name(node)}/Cast_node")
        graph.insert_after(node, cast)
    return True
