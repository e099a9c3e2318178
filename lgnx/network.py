"""What a network-level model computes: thermometer, netlist, group sum."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lgnx.files import as_proto, model_name
from lgnx.netlist.gates import MAX_GATE_INPUTS
from lgnx.netlist.luts import LutNetlist
from lgnx.netlist.netlist import Netlist
from lgnx.ops import DOMAIN
from lgnx.ops.errors import InputError, ModelError
from lgnx.ops.program import decode

_ORDERED = ("Flatten", "Identity", "Reshape")
_MOVES = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze")


@dataclass(frozen=True)
class Network:
    """One LogicNetwork, with its input and output.

    Attributes
    ----------
    name
        Name of the node.
    input_name, input_dtype, input_shape
        Of the model's input; the shape is without the batch.
    thresholds
        For each number of a sample its thresholds, [features, B] of the input dtype, or None if
        the input is bits.
    strict
        Whether an input bit is x > t, rather than x >= t.
    netlist
        Input i of the netlist is threshold i % B of number i // B, or bit i.
    luts
        The same as look-up tables, where the program has gates of more than two inputs.
    groups
        Number of scores; 0 if the output is the bits of the netlist.
    bias, tau, beta
        score = (count + bias) / tau + beta, each step in ``dtype``.
    dtype
        Of the output.
    output_name
        Of the model's output.
    argmax
        Whether the model gives the class (ArgMax of the scores).
    metadata
        The model's metadata.
    """

    name: str
    input_name: str
    input_dtype: np.dtype
    input_shape: tuple[int, ...]
    thresholds: np.ndarray | None
    strict: bool
    netlist: Netlist
    groups: int
    bias: float
    tau: float
    beta: float
    dtype: np.dtype
    output_name: str
    argmax: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    luts: LutNetlist | None = None

    @property
    def features(self) -> int:
        """Numbers, or bits, of one sample."""
        return int(np.prod(self.input_shape, dtype=np.int64))

    @property
    def group_size(self) -> int:
        """Bits of each group."""
        return self.netlist.n_outputs // self.groups if self.groups else 1

    def bits(self, x: np.ndarray) -> np.ndarray:
        """Input bits: [B, ...] to bool [B, n_inputs].

        Raises
        ------
        InputError
            If the shape does not fit.
        """
        x = np.asarray(x)
        if x.shape[1:] != self.input_shape:
            raise InputError(
                f"input {self.input_name!r}: shape {list(x.shape)}, must be "
                f"[batch, {', '.join(map(str, self.input_shape))}]"
            )
        rows = x.reshape(len(x), self.features)
        if self.thresholds is None:
            return rows != 0
        with np.errstate(invalid="ignore"):
            compare = np.greater if self.strict else np.greater_equal
            bits = compare(rows[..., None], self.thresholds)
        return bits.reshape(len(x), self.netlist.n_inputs)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Output bits of the netlist, bool [B, n_outputs]."""
        return self.netlist.simulate(self.bits(x))

    def counts(self, x: np.ndarray) -> np.ndarray:
        """Ones of each group, int64 [B, groups]."""
        bits = self.outputs(x)
        return bits.reshape(len(bits), self.groups, self.group_size).sum(axis=-1, dtype=np.int64)

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Scores [B, groups] of ``dtype``, or the output bits if there are no groups."""
        return self.scale(self.counts(x)) if self.groups else self.outputs(x)

    def scale(self, counts: np.ndarray) -> np.ndarray:
        """Turn counts into scores."""
        kind = self.dtype.type
        y = np.asarray(counts).astype(self.dtype)
        if self.bias != 0:
            y = y + kind(self.bias)
        if self.tau != 1:
            y = y / kind(self.tau)
        if self.beta != 0:
            y = y + kind(self.beta)
        return y

    @staticmethod
    def from_model(model: Any) -> Network:
        """Read a model, lowering it in memory where it is of the layer level.

        Raises
        ------
        ModelError
            If the model is anything but one LogicNetwork on the one input, and perhaps an ArgMax
            of its scores; also if that input is packed words.
        """
        from lgnx.passes import lower

        where = model_name(model)
        proto = as_proto(model)
        if any(n.domain == DOMAIN and n.op_type != "LogicNetwork" for n in proto.graph.node) or (
            not any(n.domain == DOMAIN for n in proto.graph.node)
        ):
            proto = lower(proto, to="network")
        return _read(proto, where)


def _read(proto: onnx.ModelProto, where: str) -> Network:
    networks = [node for node in proto.graph.node if node.domain == DOMAIN]
    if len(networks) != 1 or networks[0].op_type != "LogicNetwork":
        found = ", ".join(f"{n.op_type} {n.name!r}" for n in networks) or "none"
        others = [n for n in proto.graph.node if n.domain != DOMAIN and n.op_type not in _MOVES]
        between = ""
        if len(networks) > 1 and others:
            names = ", ".join(f"{n.op_type} {n.name!r}" for n in others[:4])
            between = f"; what is no logic parts them: {names}"
        raise ModelError(
            f"{where}: must lower to exactly one LogicNetwork; lgnx nodes found: {found}{between}"
        )
    node = networks[0]
    constants = {t.name: t for t in proto.graph.initializer}
    inputs = {value.name: value for value in proto.graph.input if value.name not in constants}
    x, program, thresholds, batch = [*node.input, "", ""][:4]
    if batch:
        raise ModelError(
            f"{where}: node {node.name!r}: takes packed words (its input batch is {batch!r}); what "
            "reads one network needs a model whose input is samples, without UnpackBits"
        )
    source = _through_reshape(proto, x)
    if source not in inputs or len(inputs) != 1:
        raise ModelError(
            f"{where}: node {node.name!r}: its input {x!r} must be the only input of the model; "
            f"the model has {sorted(inputs)}"
        )
    argmax = _check_rest(proto, node, where)
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    parsed = decode(numpy_helper.to_array(constants[program]))
    wide = any(run.k > MAX_GATE_INPUTS for run in parsed.runs)
    kind = inputs[source].type.tensor_type
    shape = tuple(dim.dim_value for dim in kind.shape.dim)[1:]
    if not kind.HasField("shape") or any(extent < 1 for extent in shape):
        raise ModelError(f"{where}: input {source!r}: its shape without the batch must be static")
    table = None
    if thresholds:
        values = numpy_helper.to_array(constants[thresholds])
        compared = shape if x == source else _shape_of(proto, x, where)
        if values.ndim > len(compared) + 1:  # the axis of the batch, along which all are alike
            if values.shape[0] != 1:
                raise ModelError(
                    f"{where}: node {node.name!r}: its thresholds of shape {list(values.shape)} "
                    "differ between the samples of a batch"
                )
            values = values[0]
        table = np.broadcast_to(values, (*compared, values.shape[-1])).reshape(-1, values.shape[-1])
    return Network(
        name=node.name,
        input_name=source,
        input_dtype=helper.tensor_dtype_to_np_dtype(kind.elem_type),
        input_shape=shape,
        thresholds=table,
        strict=bool(attributes.get("strict", 1)),
        netlist=Netlist.from_program(parsed),
        groups=attributes.get("groups", 0),
        bias=attributes.get("bias", 0.0),
        tau=attributes.get("tau", 1.0),
        beta=attributes.get("beta", 0.0),
        dtype=helper.tensor_dtype_to_np_dtype(attributes.get("dtype", onnx.TensorProto.BOOL)),
        output_name=node.output[0],
        argmax=argmax,
        metadata={entry.key: entry.value for entry in proto.metadata_props},
        luts=LutNetlist.from_program(parsed) if wide else None,
    )


def _shape_of(proto: onnx.ModelProto, name: str, where: str) -> tuple[int, ...]:
    """Shape of a value without the batch."""
    inferred = onnx.shape_inference.infer_shapes(proto).graph
    for value in [*inferred.value_info, *inferred.output]:
        if value.name == name:
            extents = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)[1:]
            if all(extent >= 1 for extent in extents):
                return extents
    raise ModelError(f"{where}: value {name!r}: its shape without the batch must be static")


def _through_reshape(proto: onnx.ModelProto, name: str) -> str:
    """The value that a chain of reshapes starts from: they leave the order of the bits alone."""
    producers = {output: node for node in proto.graph.node for output in node.output}
    while name in producers and producers[name].op_type in _ORDERED:
        name = producers[name].input[0]
    return name


def _check_rest(proto: onnx.ModelProto, network: onnx.NodeProto, where: str) -> bool:
    """Tell whether the class follows the scores; raise for anything else beside the network."""
    source = _through_reshape(proto, network.input[0])
    before, after, argmax = {source}, set(network.output), False
    attributes = {a.name: a.i for a in network.attribute}
    bits = not attributes.get("groups", 0)
    for node in proto.graph.node:
        if node is network or node.op_type == "Constant":
            continue
        if set(node.input) & before and node.op_type in _MOVES:
            before.update(node.output)
        elif set(node.input) & after and (_is_argmax(node) or (argmax and node.op_type in _MOVES)):
            after.update(node.output)
            argmax = True
        elif set(node.input) & after and bits and node.op_type in _ORDERED:
            after.update(node.output)
        else:
            raise ModelError(
                f"{where}: node {node.name!r} ({node.op_type}) is neither the logic network nor "
                "an ArgMax of its scores"
            )
    for output in {value.name for value in proto.graph.output} & after - set(network.output):
        if bits and math.prod(_shape_of(proto, output, where)) != attributes["n_outputs"]:
            raise ModelError(f"{where}: output {output!r}: its rows are not the samples of a batch")
    return argmax


def _is_argmax(node: onnx.NodeProto) -> bool:
    """Tell whether a node gives the lowest index of the largest score."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return (
        node.op_type == "ArgMax"
        and attributes.get("axis", 0) in (1, -1)
        and not attributes.get("select_last_index", 0)
    )
