"""Random graphs of logic and arithmetic: onnxruntime against the network made of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

import lgnx

WIDTH = 6
TYPES = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.INT32: np.int32,
    TensorProto.INT64: np.int64,
}
COMPARISONS = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]


@dataclass
class Value:
    name: str
    width: int
    kind: int


@st.composite
def graphs(draw: st.DrawFn, maker: Any) -> onnx.ModelProto:
    """A graph whose outputs are bits, made of values [B, WIDTH] or [B, 1]."""
    m = maker(WIDTH)
    bits = [Value("x", WIDTH, TensorProto.BOOL)]
    kind = draw(st.sampled_from(list(TYPES)))
    numbers: list[Value] = []

    def wide(*values: Value) -> int:
        return max(value.width for value in values)

    def constant(whole: bool = True) -> Value:
        size = draw(st.sampled_from([1, WIDTH]))
        steps = 1 if whole or kind in (TensorProto.INT32, TensorProto.INT64) else 4
        values = draw(st.lists(st.integers(-5 * steps, 5 * steps), min_size=size, max_size=size))
        array = (np.array(values) / steps).astype(TYPES[kind])
        name = m.constant(array.reshape(draw(st.sampled_from([(size,), (1, size)]))))
        return Value(name, size, kind)

    def scalar() -> Value:
        return Value(m.constant(TYPES[kind](draw(st.integers(1, 4)))), 1, kind)

    def number() -> Value:
        return draw(st.sampled_from(numbers)) if numbers else cast()

    def cast() -> Value:
        b = draw(st.sampled_from(bits))
        numbers.append(Value(m.op("Cast", b.name, to=kind), b.width, kind))
        return numbers[-1]

    def arithmetic() -> None:
        op = draw(st.sampled_from(["Add", "Sub", "Mul", "Max", "Min"]))
        a = number()
        if draw(st.booleans()):
            b = number()
            numbers.append(Value(m.op(op, a.name, b.name), wide(a, b), kind))
        else:
            c = constant()
            inputs = [a.name, c.name] if draw(st.booleans()) else [c.name, a.name]
            numbers.append(Value(m.op(op, *inputs), wide(a, c), kind))

    def scaled() -> None:
        a, c = number(), scalar()
        op = draw(st.sampled_from(["Div", "Mod", "Add", "Mul"]))
        more = {"fmod": 1} if op == "Mod" and kind in (1, 11) else {}
        numbers.append(Value(m.op(op, a.name, c.name, **more), a.width, kind))

    def unary() -> None:
        a = number()
        op = draw(st.sampled_from(["Neg", "Abs", "Clip", "Relu"]))
        if op == "Clip":
            low = m.constant(TYPES[kind](draw(st.integers(-2, 1))))
            name = m.op(op, a.name, low, m.constant(TYPES[kind](2)))
        elif op == "Relu" and kind not in (1, 11):
            return
        else:
            name = m.op(op, a.name)
        numbers.append(Value(name, a.width, kind))

    def reduce() -> None:
        ops = ["ReduceSum", "ReduceMax", "ReduceMin"]
        op = draw(st.sampled_from([*ops, "ReduceMean"] if kind in (1, 11) else ops))
        numbers.append(Value(m.op(op, number().name, m.constant([1])), 1, kind))

    def prefix() -> None:
        a = number()
        more = {name: draw(st.integers(0, 1)) for name in ("exclusive", "reverse")}
        numbers.append(Value(m.op("CumSum", a.name, m.constant(1), **more), a.width, kind))

    def matmul() -> None:
        a = number()
        n = a.width * WIDTH
        weights = draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))
        matrix = m.constant(np.array(weights, TYPES[kind]).reshape(a.width, WIDTH))
        numbers.append(Value(m.op("MatMul", a.name, matrix), WIDTH, kind))

    def choose() -> None:
        a, b, s = number(), number(), draw(st.sampled_from(bits))
        numbers.append(Value(m.op("Where", s.name, a.name, b.name), wide(a, b, s), kind))

    def logic() -> None:
        a, b = draw(st.sampled_from(bits)), draw(st.sampled_from(bits))
        op = draw(st.sampled_from(["And", "Or", "Xor", "Equal"]))
        bits.append(Value(m.op(op, a.name, b.name), wide(a, b), TensorProto.BOOL))

    def compare() -> None:
        a = number()
        op = draw(st.sampled_from(COMPARISONS))
        b = number() if draw(st.booleans()) else constant(whole=False)
        bits.append(Value(m.op(op, a.name, b.name), wide(a, b), TensorProto.BOOL))

    def position() -> None:
        if kind == TensorProto.INT64:
            return  # onnxruntime has no ArgMax of it
        op = draw(st.sampled_from(["ArgMax", "ArgMin"]))
        last = draw(st.integers(0, 1))
        index = m.op(op, number().name, axis=1, select_last_index=last)
        name = m.op("Equal", index, m.constant(np.array([draw(st.integers(0, WIDTH))])))
        bits.append(Value(name, 1, TensorProto.BOOL))

    def bitwise() -> None:
        if kind not in (TensorProto.INT32, TensorProto.INT64):
            return
        op = draw(st.sampled_from(["BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"]))
        a, b = number(), number()
        inputs = [a.name] if op == "BitwiseNot" else [a.name, b.name]
        width = a.width if op == "BitwiseNot" else wide(a, b)
        numbers.append(Value(m.op(op, *inputs), width, kind))

    def joined() -> None:
        a, b = number(), number()
        both = m.op("Concat", a.name, b.name, axis=1)
        places = draw(st.lists(st.integers(0, a.width + b.width - 1), min_size=6, max_size=6))
        numbers.append(Value(m.op("Gather", both, m.constant(places), axis=1), WIDTH, kind))

    def look_up() -> None:
        b = draw(st.sampled_from(bits))
        address = m.op("Cast", b.name, to=TensorProto.INT64)
        if draw(st.booleans()) and b.width == WIDTH:
            weights = m.constant(1 << np.arange(WIDTH))
            address = m.op("ReduceSum", m.op("Mul", address, weights), m.constant([1]))
            b = Value(b.name, 1, b.kind)
        entries = draw(st.lists(st.integers(-4, 4), min_size=64, max_size=64))
        table = m.constant(np.array(entries, TYPES[kind]))
        numbers.append(Value(m.op("Gather", table, address), b.width, kind))

    steps = [
        bitwise,
        joined,
        look_up,
        arithmetic,
        scaled,
        unary,
        reduce,
        prefix,
        matmul,
        choose,
        logic,
        compare,
        position,
    ]
    for _ in range(draw(st.integers(1, 8))):
        draw(st.sampled_from(steps))()
    for a in numbers[-2:]:
        limit = m.constant(TYPES[kind](draw(st.integers(-3, 6))))
        bits.append(Value(m.op("Greater", a.name, limit), a.width, TensorProto.BOOL))
    return m.model(*dict.fromkeys(value.name for value in bits[1:][-3:] or [bits[0]]))


def every_row() -> np.ndarray:
    return (np.arange(1 << WIDTH)[:, None] >> np.arange(WIDTH) & 1).astype(bool)


def same(model: onnx.ModelProto, lowered: onnx.ModelProto) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    original = ort.InferenceSession(model.SerializeToString(), options)
    network = lgnx.InferenceSession(lowered, fuse=False)
    for x in (every_row(), every_row()[:1], every_row()[:0]):
        for expected, actual in zip(
            original.run(None, {"x": x}), network.run(None, {"x": x}), strict=True
        ):
            assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
            np.testing.assert_array_equal(actual, expected)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_network_gives_what_the_graph_gives(make, data):
    model = data.draw(graphs(make))
    if model.graph.output[0].name == "x":
        return
    same(model, lgnx.lower(model, to="network"))
