"""LogicDense to bitwise operators on packed words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.netlist.regions import constant_value
from lgnx.ops import DOMAIN, engine
from lgnx.ops.program import Program
from lgnx.passes.edit import Inserter, batch_dim, is_lgnx, replace

__all__ = ["LowerLogicDensePass"]

_WORDS = ir.DataType.UINT64


class LowerLogicDensePass(ir.passes.InPlacePass):
    """Replace LogicDense by Gather and Bitwise operators on words of 64 samples.

    Rules:

    - The bits are packed (PackBits), the layer runs on words, the result is unpacked (UnpackBits);
      another pass cancels the pairs between layers.
    - A layer of one or two inputs: gates of one function together, as two Gathers and at most two
      bitwise operators.
    - A layer of more inputs is decomposed into two-input gates, by level and function.
    - Bits of a rank other than 2 are reshaped to rows around the layer.
    - A layer whose indices or tables are not constant is left alone.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        modified = False
        for node in list(model.graph):
            if is_lgnx(node, "LogicDense"):
                modified |= self._lower(model.graph, node)
        return ir.passes.PassResult(model, modified)

    @staticmethod
    def _lower(graph: ir.Graph, node: ir.Node) -> bool:
        x, y = node.inputs[0], node.outputs[0]
        indices, tables = (constant_value(value) for value in node.inputs[1:3])
        if x is None or x.shape is None or indices is None or tables is None:
            return False
        n, width = len(indices), x.shape[-1]
        if not isinstance(width, int):
            return False
        insert = Inserter(graph, node, node.name or "logic_dense")
        rows = x
        if len(x.shape) != 2:
            rows = insert.reshape(x, [-1, width], [None, width])
        batch = insert.batch_of(rows)
        words = insert.op("PackBits", [rows], dtype=_WORDS, shape=[width, None], domain=DOMAIN)
        result = _emit(insert, words, width, *_layer(indices, tables, width))
        bits = insert.op(
            "UnpackBits",
            [result, batch],
            dtype=ir.DataType.BOOL,
            shape=[batch_dim(rows), n],
            domain=DOMAIN,
        )
        if len(x.shape) != 2:
            leading = insert.op("Shape", [x], {"start": 0, "end": -1}, dtype=ir.DataType.INT64)
            last = insert.constant("width", np.array([n], np.int64))
            shape = insert.op("Concat", [leading, last], {"axis": 0}, dtype=ir.DataType.INT64)
            bits = insert.op("Reshape", [bits, shape], dtype=ir.DataType.BOOL, shape=y.shape)
        replace(y, bits)
        graph.remove(node, safe=True)
        return True


def _layer(
    indices: np.ndarray, tables: np.ndarray, n_inputs: int
) -> tuple[list[tuple[int, np.ndarray, np.ndarray]], np.ndarray]:
    """Give the gates as (two-input table, wires of x0, wires of x1) groups, and output literals.

    Wires 0 to n_inputs - 1 are the inputs, gates follow in order. A group reads earlier ones only.
    """
    n, k = indices.shape
    if k <= 2:
        pairs = np.concatenate([indices, indices], axis=1)[:, :2].astype(np.int64)
        codes = tables[:, 0].astype(np.int64)
        if k == 1:
            codes = codes | codes << 2  # a table of two inputs that ignores x1
        order = np.argsort(codes, kind="stable")
        groups = []
        for code in np.unique(codes):
            members = order[codes[order] == code]
            groups.append((int(code), pairs[members, 0], pairs[members, 1]))
        position = np.empty(n, np.int64)
        position[order] = np.arange(n)
        return groups, 2 * (n_inputs + position)
    builder = NetlistBuilder(n_inputs)
    outputs = builder.lut(tables, builder.inputs()[indices])
    raw = builder.finish(outputs)
    parts = engine.optimize(raw.n_inputs, raw.kinds, raw.fanins, raw.outputs)
    program: Program = Netlist(raw.n_inputs, *parts).to_program()
    # The program counts constant false as wire 0; here it becomes a gate where it is read.
    constant = bool((program.outputs >> 1 == 0).any())
    groups = [
        (run.table, run.fanins[:, 0].astype(np.int64) - 1, run.fanins[:, 1].astype(np.int64) - 1)
        for run in program.runs
    ]
    wires = (program.outputs >> 1).astype(np.int64) - 1
    if constant:
        groups.append((0, np.zeros(1, np.int64), np.zeros(1, np.int64)))
        wires = np.where(wires < 0, n_inputs + program.n_gates, wires)
    return groups, 2 * wires + (program.outputs & 1)


def _emit(
    insert: Inserter,
    words: ir.Value,
    n_inputs: int,
    groups: list[tuple[int, np.ndarray, np.ndarray]],
    outputs: np.ndarray,
) -> ir.Value:
    """Write gates as bitwise operators; give the words of the outputs, uint64 [n, W].

    Groups that depend on the inputs alone are joined by one Concat; so is each later level.
    """
    state, first_new = words, 0
    pending: list[ir.Value] = []
    total = 0

    def flush() -> None:
        nonlocal state, pending, first_new
        if pending:
            state = insert.op(
                "Concat",
                [state, *pending],
                {"axis": 0},
                dtype=_WORDS,
                shape=[n_inputs + total, None],
            )
            pending, first_new = [], total

    for code, a, b in groups:
        if total > first_new and max(a.max(initial=0), b.max(initial=0)) >= n_inputs + first_new:
            flush()
        pending.append(_gate(insert, code, state, a, b))
        total += len(a)
    wires, complements = outputs >> 1, outputs & 1
    if not complements.any() and first_new == 0 and pending and (wires >= n_inputs).all():
        # Nothing but gates of one level: the inputs need not be carried along.
        state = pending[0]
        if len(pending) > 1:
            state = insert.op("Concat", pending, {"axis": 0}, dtype=_WORDS, shape=[total, None])
        wires = wires - n_inputs
        if np.array_equal(wires, np.arange(total)):
            return state
        return _gather(insert, state, wires)
    flush()
    result = _gather(insert, state, wires)
    if complements.any():
        mask = np.where(complements, ~np.uint64(0), np.uint64(0)).astype(np.uint64)[:, None]
        flips = insert.constant("complements", mask)
        result = insert.op("BitwiseXor", [result, flips], dtype=_WORDS, shape=[len(outputs), None])
    return result


def _gather(insert: Inserter, words: ir.Value, wires: np.ndarray) -> ir.Value:
    index = insert.constant("wires", wires.astype(np.int32))
    return insert.op("Gather", [words, index], {"axis": 0}, dtype=_WORDS, shape=[len(wires), None])


def _gate(insert: Inserter, code: int, words: ir.Value, a: np.ndarray, b: np.ndarray) -> ir.Value:
    """All gates of one two-input function, by its truth table."""
    shape = [len(a), None]

    def binary(op: str, x: ir.Value, y: ir.Value) -> ir.Value:
        return insert.op(op, [x, y], dtype=_WORDS, shape=shape)

    def invert(x: ir.Value) -> ir.Value:
        return insert.op("BitwiseNot", [x], dtype=_WORDS, shape=shape)

    if code & 1:  # the complement is 0 at address 0, which leaves eight functions
        return invert(_gate(insert, ~code & 0xF, words, a, b))
    if code == 0xA:
        return _gather(insert, words, a)
    if code == 0xC:
        return _gather(insert, words, b)
    x, y = _gather(insert, words, a), _gather(insert, words, b)
    makers: dict[int, Callable[[], ir.Value]] = {
        0x0: lambda: binary("BitwiseXor", x, x),
        0x2: lambda: binary("BitwiseAnd", x, invert(y)),
        0x4: lambda: binary("BitwiseAnd", invert(x), y),
        0x6: lambda: binary("BitwiseXor", x, y),
        0x8: lambda: binary("BitwiseAnd", x, y),
        0xE: lambda: binary("BitwiseOr", x, y),
    }
    return makers[code]()
