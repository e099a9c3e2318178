"""Layers of quantised numbers to LogicDense."""

from __future__ import annotations

import math
from dataclasses import replace as changed
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import common

from lgnx.converters.qonnx_binary_codes import Codes, Sums, fan_ins, numbers_of, sums_of, tables_of
from lgnx.converters.qonnx_evaluate import QONNX_DOMAINS, is_elementwise, is_quantiser, run_node
from lgnx.converters.qonnx_graph import check_valid, finished, infer, opened
from lgnx.converters.qonnx_lnn_constants import short_names
from lgnx.converters.qonnx_quant import quant_in_onnx
from lgnx.converters.qonnx_steps import MAX_STEPS, steps_of
from lgnx.converters.qonnx_windows import shape_of
from lgnx.netlist.probe import constant_value
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops.errors import ModelError
from lgnx.passes.edit import Inserter, batch_dim, is_op, replace

__all__ = ["read_qonnx"]

_BOOL, _FLOAT = ir.DataType.BOOL, ir.DataType.FLOAT
_MOVES = ("Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
_FOLDED = ("Abs", "Cast", "Concat", "Sign", "Where", *_MOVES)  # beside functions of numbers
_MAX_NAMED = 3
_MAX_SIZE = 1 << 28  # numbers that are computed at once


def read_qonnx(
    proto: onnx.ModelProto, where: str, max_fan_in: int, rounds: bool
) -> onnx.ModelProto:
    """Convert a model; ``where`` is its name in messages."""
    model = opened(proto, where, DOMAIN)
    model.opset_imports[DOMAIN] = VERSION
    names = {node.name for node in model.graph}
    reader = _Reader(model, where, max_fan_in, rounds)
    reader.run()
    common.RemoveUnusedNodesPass()(model)
    reader.check_rest()
    short_names(model.graph, DOMAIN, names)
    for domain in QONNX_DOMAINS:
        model.opset_imports.pop(domain, None)
    check_valid(model, where)
    return finished(model, where, "qonnx")


class _Reader:
    def __init__(self, model: ir.Model, where: str, max_fan_in: int, rounds: bool) -> None:
        self.model, self.graph, self.where = model, model.graph, where
        self.rounds = rounds
        self.limit, self.opset = max_fan_in, model.opset_imports.get("", 18)
        self.folded: dict[ir.Value, np.ndarray] = {}
        self.codes: dict[ir.Value, Codes] = {}
        self.sums: dict[ir.Value, Sums] = {}
        self.reasons: dict[ir.Node, str] = {}
        self.layers = 0

    def run(self) -> None:
        """Convert what can be, from the inputs to the outputs."""
        infer(self.model)
        for node in list(self.graph):
            known = [None if v is None else self._constant(v) for v in node.inputs]
            data = [i for i, v in enumerate(node.inputs) if v is not None and known[i] is None]
            if not data:
                self._fold(node, known)
            elif len(data) > 1:
                self._side_by_side(node, data)
            elif len(node.outputs) == 1:
                x = node.inputs[data[0]]
                assert x is not None
                if x in self.codes:
                    self._codes(node, data[0], known, self.codes[x])
                elif x in self.sums:
                    self._sums(node, data[0], known, self.sums[x])
                elif is_quantiser(node) and data[0] == 0:
                    self._boundary(node)

    def check_rest(self) -> None:
        """Raise a ModelError if nothing was converted, or if something is left of qonnx."""
        for node in self.graph:
            if node.domain != "" and node.domain != DOMAIN:
                reason = self.reasons.get(node, f"{node.domain} has no form in ONNX for it")
                raise ModelError(f"{self._name(node)}: {reason}")
        if not self.layers:
            found = "; ".join(f"{self._name(n)}: {reason}" for n, reason in self.reasons.items())
            text = f"no layer between quantisers became LogicDense: {found or 'there is none'}"
            raise ModelError(f"{self.where}: {text}")

    def _name(self, node: ir.Node) -> str:
        return f"{self.where}: node {node.name!r} ({node.op_type})"

    def _constant(self, value: ir.Value) -> np.ndarray | None:
        if value in self.folded:
            return self.folded[value]
        return None if value.is_graph_input() else constant_value(value)

    def _run(self, node: ir.Node, inputs: list[np.ndarray | None]) -> np.ndarray:
        if node.op_type not in (*_MOVES, "Concat"):
            sizes = [value.size for value in inputs if value is not None]
            if math.prod(sizes) > _MAX_SIZE and len(set(sizes) - {1}) > 1:
                self._limit(node, [value.shape for value in inputs if value is not None])
        try:
            return run_node(node, inputs, self.opset)[0]
        except ModelError as error:
            raise ModelError(f"{self.where}: {error}") from error

    def _limit(self, node: ir.Node, shapes: list[tuple[int, ...]]) -> None:
        """Raise a ModelError before memory ends."""
        try:
            result = np.broadcast_shapes(*shapes)
        except ValueError:
            return  # not elementwise, or not valid
        if math.prod(result) > _MAX_SIZE:
            raise ModelError(f"{self._name(node)}: its result {list(result)} is too large to try")

    def _fold(self, node: ir.Node, known: list[np.ndarray | None]) -> None:
        """Compute what depends on constants alone, such as quantised weights."""
        foreign = node.domain in QONNX_DOMAINS
        if not node.inputs or len(node.outputs) != 1:
            return
        if not (foreign or is_op(node, *_FOLDED) or is_elementwise(node, 0)):
            return
        y = node.outputs[0]
        self.folded[y] = self._run(node, known)
        if foreign:
            insert = Inserter(self.graph, node, node.name or node.op_type)
            constant = insert.constant("folded", self.folded[y])
            self.folded[constant] = self.folded[y]
            replace(y, constant)

    # Numbers that follow from bits.

    def _codes(
        self, node: ir.Node, data: int, known: list[np.ndarray | None], codes: Codes
    ) -> None:
        y = node.outputs[0]
        if is_elementwise(node, data):
            levels = self._run(node, [*known[:data], codes.levels, *known[data + 1 :]])
            same = levels.shape == codes.levels.shape and levels.dtype == np.float32
            if same and not np.isnan(levels).any():
                self._quantised(node, changed(codes, levels=levels))
        elif is_op(node, *_MOVES) and data == 0:
            places = self._places(node, known, codes.shape)
            if places is not None:
                self.codes[y] = codes.moved(places)
        elif is_op(node, "MatMul", "Gemm") and data == 0 and len(known) > 1 == len(codes.shape):
            self._layer(node, known, codes)

    def _places(
        self, node: ir.Node, known: list[np.ndarray | None], shape: tuple[int, ...]
    ) -> np.ndarray | None:
        """Where what a data movement gives is in the sample; None if it mixes samples."""
        x, size = node.inputs[0], int(np.prod(shape))
        batch = batch_dim(x) if x is not None else None
        samples = batch if isinstance(batch, int) else 2
        places = self._run(node, [np.arange(samples * size).reshape(samples, *shape), *known[1:]])
        own = places[:1] + size * np.arange(samples).reshape(-1, *[1] * (places.ndim - 1))
        return places[0] if places.shape == own.shape and (places == own).all() else None

    def _side_by_side(self, node: ir.Node, data: list[int]) -> None:
        """Concatenate numbers of different bits."""
        parts = [self.codes.get(v) for v in node.inputs if v is not None]
        found = [part for part in parts if part is not None]
        if not is_op(node, "Concat") or len(found) != len(data) or len(data) != len(node.inputs):
            return
        n = max(part.wires.shape[-1] for part in found)
        rank = len(found[0].shape) + 1
        axis = node.attributes.get_int("axis", 0) % rank
        if axis == 0 or any(part.wires.shape[-1] != n for part in found):
            return
        sources = list(dict.fromkeys(part.bits for part in found))
        widths = [shape_of(bits)[-1] for bits in sources]
        offsets = dict(zip(sources, np.cumsum([0, *widths[:-1]]), strict=True))
        insert = Inserter(self.graph, node, node.name or node.op_type)
        shape = [shape_of(sources[0])[0], sum(widths)]
        bits = sources[0]
        if len(sources) > 1:
            bits = insert.op("Concat", sources, {"axis": 1}, dtype=_BOOL, shape=shape)
        wires = [part.wires + offsets[part.bits] for part in found]
        levels = [part.levels for part in found]
        self.codes[node.outputs[0]] = Codes(
            bits, np.concatenate(wires, axis - 1), np.concatenate(levels, axis)
        )

    def _layer(self, node: ir.Node, known: list[np.ndarray | None], codes: Codes) -> None:
        """A sum for each column of the weights."""
        weights, bias = known[1], known[2] if len(known) > 2 else None
        assert weights is not None
        if is_op(node, "Gemm"):
            scales = [node.attributes.get_float(name, 1.0) for name in ("alpha", "beta")]
            if scales != [1.0, 1.0] or node.attributes.get_int("transA", 0) != 0:
                self.reasons[node] = "its alpha and beta must be 1, and transA 0"
                return
            weights = weights.T if node.attributes.get_int("transB", 0) else weights
        if weights.ndim != 2 or weights.dtype != np.float32 or len(weights) != codes.shape[0]:
            self.reasons[node] = f"its weights must be float32 [{codes.shape[0]}, N]"
            return
        if bias is not None:
            bias = np.broadcast_to(bias, (1, weights.shape[1]))[0]
        read = [len(wires) for wires in fan_ins(codes, weights)]
        if max(read) > self.limit:
            neuron = int(np.argmax(read))
            count = int(np.count_nonzero(weights[:, neuron]))
            self.reasons[node] = (
                f"its neuron {neuron} reads {count} numbers, {read[neuron]} bits; "
                f"max_fan_in is {self.limit}"
            )
            return
        if weights.shape[1] << max(read) > _MAX_SIZE:
            self.reasons[node] = f"{weights.shape[1]} tables of {max(read)} bits are too many"
            return
        name = node.name or node.op_type
        self.sums[node.outputs[0]] = sums_of(codes, weights, bias, name, self.rounds)

    def _sums(self, node: ir.Node, data: int, known: list[np.ndarray | None], sums: Sums) -> None:
        if not is_elementwise(node, data):
            self.reasons[node] = "it reads sums before they are quantised"
            return
        ends = [
            self._run(node, [*known[:data], end, *known[data + 1 :]])
            for end in (sums.low, sums.high)
        ]
        if any(end.shape != sums.low.shape or end.dtype != np.float32 for end in ends):
            self.reasons[node] = "it changes the shape or the type of sums"
            return
        after = changed(sums, low=np.minimum(*ends), high=np.maximum(*ends))
        if is_quantiser(node):
            self._tabulate(node, after)
        else:
            self.sums[node.outputs[0]] = after

    def _tabulate(self, node: ir.Node, sums: Sums) -> None:
        """A quantised sum is a truth table of what it reads."""
        self._check_order(node, sums)
        tables, levels = tables_of(sums.low)
        n = len(levels).bit_length() - 1
        wires = np.maximum(sums.wires, 0).repeat(n, 0)
        insert = Inserter(self.graph, node, sums.node)
        constants = [
            insert.constant(
                "indices", wires.astype(np.uint16 if wires.max() < 1 << 16 else np.int32)
            ),
            insert.constant("tables", tables),
        ]
        shape = [shape_of(sums.bits)[0], len(tables)]
        bits = insert.op(
            "LogicDense", [sums.bits, *constants], dtype=_BOOL, shape=shape, domain=DOMAIN
        )
        places = np.arange(len(tables)).reshape(-1, n)
        self.layers += 1
        self._quantised(node, Codes(bits, places, levels))

    def _check_order(self, node: ir.Node, sums: Sums) -> None:
        """Raise a ModelError if a result may depend on the order of the additions."""
        open_ = ~(sums.low == sums.high)
        if not open_.any():
            return
        named = []
        neurons = np.flatnonzero(open_.any(0))
        for neuron in neurons[:_MAX_NAMED]:
            rows = np.flatnonzero(open_[:, neuron])
            low, high = (part[rows[0], neuron] for part in sums.sums)
            used = 1 << int((sums.wires[neuron] >= 0).sum())
            count = len(np.unique(rows % used))
            named.append(
                f"neuron {neuron}: for {count} of {used} inputs, where its sum may be computed as "
                f"anything from {low} to {high}"
            )
        more = f"; and {len(neurons) - _MAX_NAMED} more" if len(neurons) > _MAX_NAMED else ""
        raise ModelError(
            f"{self.where}: node {sums.node!r}: what {node.name!r} ({node.op_type}) gives depends "
            f"on the order in which float32 numbers are added: {'; '.join(named)}{more}"
        )

    def _quantised(self, node: ir.Node, codes: Codes) -> None:
        """Take note of numbers of bits; those of quantisers are made of the bits."""
        y = node.outputs[0]
        self.codes[y] = codes
        if is_quantiser(node):
            insert = Inserter(self.graph, node, f"{node.name or node.op_type}/numbers")
            numbers = numbers_of(insert, codes)
            self.codes[numbers] = codes
            replace(y, numbers)

    # Numbers from outside.

    def _boundary(self, node: ir.Node) -> None:
        """A quantiser of any numbers is a Thermometer of what its numbers are computed from."""
        if node.inputs[0] is not None and node.inputs[0].shape is None:
            infer(self.model)
        chain, x = self._chain(node)
        shape: Any = shape_of(x)[1:] if x.shape is not None else [None]
        if x.dtype != _FLOAT or not all(isinstance(extent, int) for extent in shape):
            self.reasons[node] = f"its input {x.name!r} must be float32, of a known shape"
            return

        def f(numbers: np.ndarray) -> np.ndarray:
            for link, inputs, place in chain:
                numbers = self._run(link, [*inputs[:place], numbers, *inputs[place + 1 :]])
            return numbers

        found = steps_of(f, tuple(shape))
        if found is None:
            self._many_levels(node)
            return
        thresholds, steps = found
        if np.isnan(steps).any():
            self.reasons[node] = "it gives NaN, whatever its input"
            return
        count, size = thresholds.shape[-1], int(np.prod(shape))
        flat = thresholds.reshape(-1, count)
        if (flat == flat[0]).all():
            thresholds = flat[0]
        insert = Inserter(self.graph, node, node.name or node.op_type)
        batch = shape_of(x)[0]
        bits = insert.op(
            "Thermometer",
            [x, insert.constant("thresholds", thresholds)],
            {"strict": 0},
            dtype=_BOOL,
            shape=[batch, *shape, count],
            domain=DOMAIN,
        )
        bits = insert.reshape(bits, [0, size * count], [batch, size * count])
        reached = [bin(code).count("1") for code in range(1 << count)]
        places = np.arange(size * count).reshape(*shape, count)
        self._quantised(node, Codes(bits, places, steps[reached].astype(np.float32)))

    def _many_levels(self, node: ir.Node) -> None:
        """Numbers of many bits stay numbers."""
        made: ir.Value | str = f"it gives more than {MAX_STEPS + 1} different numbers"
        if node.op_type in ("IntQuant", "Quant"):
            insert = Inserter(self.graph, node, node.name or node.op_type)
            known = [None if v is None else self._constant(v) for v in node.inputs]
            made = quant_in_onnx(insert, node, known)
        if isinstance(made, str):
            self.reasons[node] = made
        else:
            replace(node.outputs[0], made)

    def _chain(
        self, node: ir.Node
    ) -> tuple[list[tuple[ir.Node, list[np.ndarray | None], int]], ir.Value]:
        """The functions of single numbers that lead to a node, and what they begin with."""
        chain: list[tuple[ir.Node, list[np.ndarray | None], int]] = []
        link: ir.Node | None = node
        while link is not None:
            known = [None if v is None else self._constant(v) for v in link.inputs]
            data = [i for i, v in enumerate(link.inputs) if v is not None and known[i] is None]
            if len(data) != 1 or not is_elementwise(link, data[0]):
                break
            x = link.inputs[data[0]]
            assert x is not None
            y = link.outputs[0]
            if chain and (x.shape is None or x.shape != y.shape or x.dtype != _FLOAT):
                break
            chain.insert(0, (link, known, data[0]))
            link, source = x.producer(), x
        return chain, source
