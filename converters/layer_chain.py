"""A model as a chain of layers, which is what modules of the training tools are made of.

Where bits are moved between two layers, as by Transpose, Gather or Slice, the indices of a dense
layer take the movement up: those of the layer behind it, or else the rows of the one before it.
What remains are reshapes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from lgnx.check import problems_and_types, raise_errors
from lgnx.converters.gate_layers import gate_layers
from lgnx.converters.layer_steps import (
    Chain,
    Compare,
    Conv,
    Dense,
    Pool,
    Reshape,
    Step,
    Sum,
    dense_layers,
)
from lgnx.files import as_ir, as_proto, model_name
from lgnx.netlist.probe import constant_value, sample_shape
from lgnx.netlist.rules.evaluate import evaluate
from lgnx.netlist.rules.values import NotBooleanError
from lgnx.network import Network
from lgnx.ops import DOMAIN, OPERATORS
from lgnx.ops.errors import ModelError

__all__ = ["read_chain"]

_MOVES = ("Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
_WAY_OUT = "lgnx.lower(model, to='network') makes gates of any logic, and these become dense layers"


def read_chain(model: Any) -> Chain:
    """Read a model of the layer or the network level as a chain of layers.

    The gates of a LogicNetwork become dense layers, see `gate_layers`.

    Raises
    ------
    ModelError
        If the model is wrong, has several inputs or outputs or a node that is no layer, or its
        layers do not stand one after another; the node is named.
    """
    where = model_name(model)
    proto = as_proto(model)
    problems, typed = problems_and_types(proto)
    raise_errors(problems, where)
    if any(n.domain == DOMAIN and n.op_type == "LogicNetwork" for n in proto.graph.node):
        output = (typed or proto).graph.output[0].type.tensor_type.shape
        shape = tuple(dim.dim_value for dim in output.dim)[1:]
        return _of_network(Network.from_model(model), shape, where)
    return _Reader(typed or proto, where).chain


def _of_network(network: Network, shape: tuple[int, ...], where: str) -> Chain:
    """A network-level model, whose output has a shape: thermometer, gates, sum."""
    chain = Chain(where, network.input_shape, network.input_dtype)
    if network.thresholds is None and network.input_dtype != np.bool_:
        raise chain.refuse(network.name, "LogicNetwork", "reads numbers as bits; must read bool")
    reader = _Wires(chain)
    if network.thresholds is not None:
        reader.reshape((network.features,))
        reader.add(
            Compare(network.name, network.thresholds, network.strict, (network.features,), 1),
            (network.netlist.n_inputs,),
        )
    reader.reshape((network.netlist.n_inputs,))
    gates = gate_layers(network.netlist)
    for layer in dense_layers(network.name, gates, network.netlist.n_inputs):
        reader.add(layer, (len(layer.indices),))
    if network.groups:
        values = network.groups, network.bias, network.tau, network.beta, network.dtype
        reader.add(Sum(network.name, *values), (network.groups,))
    elif math.prod(shape) == network.netlist.n_outputs:
        reader.reshape(shape)
    if network.argmax:
        chain.left_out = "the ArgMax of its scores"
    return chain


class _Wires:
    """What stands where in the value that the steps so far give.

    ``shape`` is that of the value as the steps give it; ``wires`` int64, of the shape that the
    model gives it, are places in it.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.shape = chain.shape
        self.wires = np.arange(math.prod(self.shape)).reshape(self.shape)

    @property
    def in_order(self) -> bool:
        """Whether the wires are all of the value, in C order."""
        return np.array_equal(self.wires.ravel(), np.arange(math.prod(self.shape)))

    def add(self, step: Step, shape: tuple[int, ...]) -> None:
        """Append a step that gives values of a shape."""
        self.chain.steps.append(step)
        self.shape = shape
        self.wires = np.arange(math.prod(shape)).reshape(shape)

    def reshape(self, shape: tuple[int, ...]) -> None:
        """Give the value a shape, once it is in order."""
        if self.shape != shape:
            self.add(Reshape(self.shape, shape), shape)

    def put_in_order(self, name: str, kind: str) -> None:
        """Move the bits to where the model has them, for what cannot do it by itself."""
        steps = self.chain.steps
        if not self.in_order:
            last = steps[-1] if steps else None
            if not isinstance(last, Dense) or len(self.shape) != 1:
                raise self.chain.refuse(
                    name,
                    kind,
                    "reads bits in another order than the layer before gives them, and neither is "
                    f"a dense layer that could do that; {_WAY_OUT}",
                )
            rows = self.wires.ravel()
            steps[-1] = replace(last, indices=last.indices[rows], tables=last.tables[rows])
            shape = self.wires.shape
            self.shape, self.wires = (len(rows),), np.arange(len(rows)).reshape(shape)
        self.reshape(self.wires.shape)


class _Reader(_Wires):
    """Follows a layer-level model from its input to its output."""

    def __init__(self, proto: onnx.ModelProto, where: str) -> None:
        model = as_ir(proto)
        graph = model.graph
        self.opset = model.opset_imports.get("", 0)
        inputs = [value for value in graph.inputs if constant_value(value) is None]
        for kind, values in (("inputs", inputs), ("outputs", list(graph.outputs))):
            if len(values) != 1:
                names = ", ".join(repr(value.name) for value in values)
                raise ModelError(f"{where}: has the {kind} {names}, must have one")
        shape = sample_shape(inputs[0])
        if shape is None or inputs[0].dtype is None:
            raise ModelError(
                f"{where}: input {inputs[0].name!r}: its shape without the batch must be static"
            )
        super().__init__(Chain(where, shape, inputs[0].dtype.numpy()))
        self.type = self.chain.dtype
        self.value = inputs[0]
        self.undecided: tuple[str, np.ndarray, bool] | None = None  # a thermometer
        for node in graph:
            if not all(constant_value(value) is not None for value in node.outputs):
                self._node(node)
        if self.value is not graph.outputs[0]:
            raise ModelError(
                f"{where}: the output {graph.outputs[0].name!r} is not that of the last layer"
            )
        if self.undecided or not self.in_order:
            last = self.value.producer()
            name, kind = (last.name or "", last.op_type) if last is not None else ("", "")
            self._decide()
            self.put_in_order(name, kind)
        self.reshape(self.wires.shape)

    def _node(self, node: ir.Node) -> None:
        name, kind = node.name or "", node.op_type
        computed = [v for v in node.inputs if v is not None and constant_value(v) is None]
        if computed != [self.value] or node.inputs[0] is not self.value:
            other = ", ".join(repr(v.name) for v in computed if v is not self.value)
            raise self.chain.refuse(
                name,
                kind,
                f"reads {other or 'nothing'}, must read the value of the node before it alone: "
                f"layers of a module stand one after another; {_WAY_OUT}",
            )
        if self.chain.left_out:
            raise self.chain.refuse(name, kind, f"stands behind {self.chain.left_out}")
        if any(isinstance(step, Sum) for step in self.chain.steps):
            self._behind_sum(node)
        elif node.domain == DOMAIN and kind in _LAYERS:
            attributes = {
                name: list(value) if isinstance(value := attribute.value, (list, tuple)) else value
                for name, attribute in node.attributes.items()
            }
            attributes = OPERATORS[kind].with_defaults(attributes)
            constants = [constant_value(value) for value in node.inputs[1:]]
            _LAYERS[kind](self, node, attributes, *constants)
        elif node.domain == "" and kind in _MOVES:
            self._move(node)
        elif node.domain == "" and kind == "Cast":
            self._cast(node)
        else:
            raise self.chain.refuse(name, kind, f"is no layer; {_WAY_OUT}")
        self.value = node.outputs[0]

    # --- Nodes that compute

    def _thermometer(
        self, node: ir.Node, attributes: dict[str, Any], thresholds: np.ndarray
    ) -> None:
        name = node.name or ""
        if not self.in_order:
            raise self.chain.refuse(name, node.op_type, "reads numbers that were moved about")
        if not self.wires.shape:
            raise self.chain.refuse(name, node.op_type, "reads samples that are single numbers")
        self.reshape(self.wires.shape)
        while thresholds.ndim > len(self.shape) + 1:
            if thresholds.shape[0] != 1:
                raise self.chain.refuse(
                    name, node.op_type, "has thresholds that differ between the samples of a batch"
                )
            thresholds = thresholds[0]
        widths = np.broadcast_shapes(thresholds.shape[:-1], self.shape)
        if widths != self.shape:
            raise self.chain.refuse(name, node.op_type, "its thresholds widen its input")
        self.undecided = name, thresholds, bool(attributes["strict"])
        natural = (*self.shape, thresholds.shape[-1])
        self.wires = np.arange(math.prod(natural)).reshape(natural)
        self.type = np.dtype(bool)

    def _decide(self) -> None:
        """Choose the axis along which a thermometer puts its bits: the one that is read."""
        if self.undecided is None:
            return
        name, thresholds, strict = self.undecided
        self.undecided = None
        wires, numbers, count = self.wires, self.shape, thresholds.shape[-1]
        natural = np.arange(math.prod(numbers) * count).reshape(*numbers, count)
        for axis in reversed(range(len(numbers))):
            laid = np.moveaxis(natural, -1, axis + 1)
            shape = (*numbers[:axis], numbers[axis] * count, *numbers[axis + 1 :])
            if axis == len(numbers) - 1:
                last = shape
            if np.array_equal(laid.ravel(), wires.ravel()):
                self.add(Compare(name, thresholds, strict, numbers, axis + 1), shape)
                self.wires = self.wires.reshape(wires.shape)
                return
        self.add(Compare(name, thresholds, strict, numbers, len(numbers)), last)
        self.wires = wires

    def _dense(
        self, node: ir.Node, attributes: dict[str, Any], indices: np.ndarray, tables: np.ndarray
    ) -> None:
        name = node.name or ""
        self._decide()
        indices = indices.astype(np.int64)
        if self.wires.ndim == 1:
            flat = (math.prod(self.shape),)
            wires = self.wires
            self.reshape(flat)
            in_dim, indices = flat[0], wires[indices]
        else:
            self.put_in_order(name, node.op_type)
            in_dim = self.shape[-1] if self.shape else 0
        if not in_dim:
            raise self.chain.refuse(name, node.op_type, "reads samples of no bits")
        shape = (*self.shape[:-1], len(indices))
        self.add(Dense(name, indices, tables, in_dim), shape)

    def _conv(
        self, node: ir.Node, attributes: dict[str, Any], indices: np.ndarray, tables: np.ndarray
    ) -> None:
        self._decide()
        self.put_in_order(node.name or "", node.op_type)
        transposed = node.op_type == "LogicConvTranspose"
        channels, *sizes = self.shape
        self.add(
            Conv(
                node.name or "",
                indices.astype(np.int64),
                tables,
                channels,
                tuple(sizes),
                attributes,
                transposed,
            ),
            self._shape_of(node),
        )

    def _pool(self, node: ir.Node, attributes: dict[str, Any]) -> None:
        self._decide()
        self.put_in_order(node.name or "", node.op_type)
        self.add(Pool(node.name or "", attributes), self._shape_of(node))

    def _sum(self, node: ir.Node, attributes: dict[str, Any]) -> None:
        self._decide()
        self.put_in_order(node.name or "", node.op_type)
        dtype = ir.DataType(attributes["dtype"]).numpy()
        groups = attributes["groups"]
        bias, tau, beta = (attributes[name] for name in ("bias", "tau", "beta"))
        shape = (*self.shape[:-1], groups)
        self.add(Sum(node.name or "", groups, bias, tau, beta, dtype), shape)
        self.type = dtype

    def _shape_of(self, node: ir.Node) -> tuple[int, ...]:
        shape = sample_shape(node.outputs[0])
        if shape is None:
            raise self.chain.refuse(
                node.name or "", node.op_type, "gives a shape that is not static"
            )
        return shape

    # --- Nodes that move

    def _move(self, node: ir.Node) -> None:
        """Run a node on the numbers of the wires, for two samples."""
        name, size = node.name or "", max(1, math.prod(self.shape)) * 1_000_003
        pair = np.stack([self.wires, self.wires + size])
        constants = [constant_value(value) for value in node.inputs[1:]]
        try:
            moved = evaluate(node, [pair, *constants], self.opset)[0]
        except NotBooleanError as error:
            raise self.chain.refuse(name, node.op_type, str(error)) from None
        if moved.shape[:1] != (2,) or not np.array_equal(moved[0] + size, moved[1]):
            raise self.chain.refuse(name, node.op_type, "moves values between samples")
        if moved[0].size == 0:
            raise self.chain.refuse(name, node.op_type, "leaves nothing of a sample")
        self.wires = moved[0]

    def _cast(self, node: ir.Node) -> None:
        """Numbers in another type, before they are compared; torch does that by itself."""
        to = ir.DataType(node.attributes["to"].as_int()).numpy()
        same = to == self.type
        if not same and (self.chain.steps or self.undecided or not _compares_alike(self.type, to)):
            raise self.chain.refuse(node.name or "", "Cast", f"makes {self.type} {to}; {_WAY_OUT}")
        self.type = to

    def _behind_sum(self, node: ir.Node) -> None:
        name, kind = node.name or "", node.op_type
        axis = {key: value.value for key, value in node.attributes.items()}
        if kind == "Cast" and ir.DataType(axis["to"]).numpy() == self.type:
            return
        is_last = axis.get("axis", 0) in (-1, len(self.shape)) and not axis.get("select_last_index")
        if node.domain != "" or kind != "ArgMax" or not is_last:
            raise self.chain.refuse(name, kind, "stands behind the scores")
        self.chain.left_out = f"the node {name!r} (ArgMax)"


def _compares_alike(given: np.dtype, wide: np.dtype) -> bool:
    """Whether torch compares numbers of a type, and thresholds of another, in that one."""
    import torch

    def as_torch(dtype: np.dtype) -> torch.dtype | None:
        return getattr(torch, dtype.name, None)

    one, other = as_torch(given), as_torch(wide)
    return one is not None and other is not None and torch.promote_types(one, other) == other


_LAYERS: dict[str, Any] = {
    "Thermometer": _Reader._thermometer,
    "LogicDense": _Reader._dense,
    "LogicConv": _Reader._conv,
    "LogicConvTranspose": _Reader._conv,
    "OrPool": _Reader._pool,
    "GroupSum": _Reader._sum,
}
