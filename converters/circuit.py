"""Circuits: netlists whose ports have names, which is what gate-level formats hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.converters.formats import Option
from lgnx.converters.new_model import new_model
from lgnx.files import as_proto, model_name
from lgnx.metadata import (
    CLASS_NAMES,
    FEATURE_NAMES,
    INPUT_NAMES,
    OUTPUT_NAMES,
    get_names,
    with_metadata,
)
from lgnx.netlist.arithmetic import Number, Sum, tournament
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops import DOMAIN
from lgnx.ops.errors import InputError, ModelError
from lgnx.ops.program import MAX_INPUTS, encode

__all__ = ["PART", "Circuit", "circuit_to_model", "model_to_circuit"]

_PARTS = ("all", "counts", "logic")

PART = Option(
    "part",
    str,
    "all",
    "all: the whole model, exactly; counts: from the bits of its thermometer to the counts of its "
    "groups; logic: from the bits of its thermometer to the bits that are counted",
    _PARTS,
)
"""The option of every gate-level writer that says what of a model becomes a circuit."""


@dataclass(frozen=True)
class Circuit:
    """A netlist with the names of its ports.

    Attributes
    ----------
    netlist
        The gates.
    input_names, output_names
        One name for each port, in order, all inputs different and all outputs different. Any text
        is a name; formats escape what they cannot hold.
    name
        Of the whole, such as that of a BLIF model or Verilog module.
    metadata
        Of the model, without the names of its ports.
    """

    netlist: Netlist
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    name: str = "network"
    metadata: dict[str, str] = field(default_factory=dict)

    def validate(self, where: str) -> None:
        """Check the netlist, and that every port has a name of its own.

        Raises
        ------
        ModelError
            Naming the file and the first thing that is wrong.
        """
        self.netlist.validate()
        for kind, names, count in (
            ("input", self.input_names, self.netlist.n_inputs),
            ("output", self.output_names, self.netlist.n_outputs),
        ):
            if len(names) != count:
                raise ModelError(f"{where}: has {count} {kind}s and {len(names)} {kind} names")
            seen: set[str] = set()
            for name in names:
                if name in seen:
                    raise ModelError(f"{where}: two {kind}s are called {name!r}")
                seen.add(name)


def circuit_to_model(circuit: Circuit, where: str = "circuit") -> onnx.ModelProto:
    """Turn a circuit into a model: one LogicNetwork.

    The model reads ``x`` bool [batch, n_inputs] and gives ``y`` bool [batch, n_outputs]. Names of
    ports other than ``x[0]``, ``x[1]``, ... and ``y[0]``, ``y[1]``, ... stand in its metadata.

    Raises
    ------
    ModelError
        If it has no inputs, no outputs or more than LogicNetwork can have, or names occur twice.
    """
    circuit.validate(where)
    netlist = circuit.netlist
    for kind, count in (("inputs", netlist.n_inputs), ("outputs", netlist.n_outputs)):
        if not 1 <= count <= MAX_INPUTS:
            raise ModelError(f"{where}: has {count} {kind}; must have 1 to {MAX_INPUTS}")
    node = helper.make_node(
        "LogicNetwork",
        ["x", "network.program"],
        ["y"],
        name="network",
        domain=DOMAIN,
        n_outputs=netlist.n_outputs,
    )
    program = numpy_helper.from_array(encode(netlist.to_program()), "network.program")
    graph = helper.make_graph(
        [node],
        circuit.name or "network",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", netlist.n_inputs])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["batch", netlist.n_outputs])],
        [program],
    )
    model = new_model(graph)
    entries: dict[str, Any] = dict(circuit.metadata)
    if circuit.input_names != _bits("x", netlist.n_inputs):
        entries[INPUT_NAMES] = list(circuit.input_names)
    if circuit.output_names != _bits("y", netlist.n_outputs):
        entries[OUTPUT_NAMES] = list(circuit.output_names)
    return with_metadata(model, entries)


def model_to_circuit(model: Any, *, part: str = "all") -> Circuit:
    """Turn a model into a circuit.

    Inputs are called as the model's metadata says, else ``x[0]``, ``x[1]``, ... after the model's
    input; the bits of a thermometer ``x[3]>0.5``, or with the feature's name. Outputs are called as
    the metadata says, else ``y[0]``, ...; counts are numbers, low bit first, called ``score_0[0]``
    or ``cat[0]`` where the class has that name; a class is ``class[0]``, ...

    Parameters
    ----------
    model
        Whatever `lgnx.files.as_proto` takes; layer-level models are lowered in memory.
    part
        ``"all"``: the whole model. ``"counts"``: from the bits of the thermometer to the counts of
        the groups, before they are scaled and compared. ``"logic"``: from the bits of the
        thermometer to the bits that are counted.

    Raises
    ------
    ModelError
        If the model is not one network, or has a part that gates cannot be exactly: the node and
        the reason are named.
    InputError
        If ``part`` is none of these.
    """
    if part not in _PARTS:
        raise InputError(f"part is {part!r}, must be one of {', '.join(_PARTS)}")
    where = model_name(model)
    proto = as_proto(model)
    network = Network.from_model(model)
    if part == "all":
        _refuse_numbers(proto, network, where)
    netlist, output_names = network.netlist, None
    if network.groups and part != "logic":
        netlist, output_names = _counted(proto, network, part, where)
    elif not network.groups:
        output_names = get_names(proto, OUTPUT_NAMES, netlist.n_outputs)
    metadata = {
        key: value
        for key, value in network.metadata.items()
        if key not in (INPUT_NAMES, OUTPUT_NAMES)
    }
    circuit = Circuit(
        netlist,
        _input_names(proto, network),
        output_names or _bits(network.output_name, netlist.n_outputs),
        proto.graph.name or "network",
        metadata,
    )
    circuit.validate(where)
    return circuit


def _bits(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}[{i}]" for i in range(count))


def _input_names(proto: onnx.ModelProto, network: Network) -> tuple[str, ...]:
    name = network.input_name
    if network.thresholds is None:
        # The features may be those before the thermometer that the bits come from.
        return (
            get_names(proto, INPUT_NAMES, network.netlist.n_inputs)
            or get_names(proto, FEATURE_NAMES, network.features)
            or _bits(name, network.netlist.n_inputs)
        )
    features = get_names(proto, FEATURE_NAMES, network.features) or _bits(name, network.features)
    sign = ">" if network.strict else ">="
    names = []
    for feature, row in zip(features, network.thresholds, strict=True):
        found: dict[str, int] = {}
        for threshold in row.tolist():
            bit = f"{feature}{sign}{threshold!r}"
            again = found.get(bit, 0)  # thresholds may occur more than once
            found[bit] = again + 1
            names.append(f"{bit}#{again + 1}" if again else bit)
    return tuple(names)


def _refuse_numbers(proto: onnx.ModelProto, network: Network, where: str) -> None:
    """Stop where the model reads other things than bits."""
    if network.thresholds is not None:
        node = _node(proto, "Thermometer", network.name)
        raise ModelError(
            f"{where}: node {node!r}: compares numbers of type {network.input_dtype} with "
            "thresholds, and this format has only bits; part=counts or part=logic writes what "
            "comes after it"
        )
    if network.input_dtype != np.bool_:
        raise ModelError(
            f"{where}: input {network.input_name!r}: is {network.input_dtype}, and this format has "
            "only bits; part=counts or part=logic takes its numbers as bits that are 0 or not"
        )


def _counted(
    proto: onnx.ModelProto, network: Network, part: str, where: str
) -> tuple[Netlist, tuple[str, ...]]:
    """Add the counts of the groups, or their argmax, to the gates."""
    builder, bits = NetlistBuilder.from_netlist(network.netlist)
    total = Sum(builder, (network.groups,))
    size = network.group_size
    total.add(Number(bits.reshape(network.groups, size).T[None], 0, 1))
    counts = total.finish()
    scores = network.scale(np.arange(size + 1))
    node = _node(proto, "GroupSum", network.name)
    if part == "all" and network.argmax:
        if not (np.diff(scores.astype(np.float64)) > 0).all():
            raise ModelError(
                f"{where}: node {node!r}: different counts may give equal scores, so the class "
                "does not follow from the counts; part=counts writes the counts"
            )
        _, place = tournament(builder, Number(counts.planes, counts.low, counts.high))
        names = _bits("class", len(place.planes))
        return builder.finish(place.planes), names
    if part == "all" and not np.array_equal(scores, np.arange(size + 1)):
        raise ModelError(
            f"{where}: node {node!r}: scales its counts (bias {network.bias:g}, tau "
            f"{network.tau:g}, beta {network.beta:g}, {network.dtype}), and this format has only "
            "bits; part=counts writes the counts"
        )
    classes = get_names(proto, CLASS_NAMES, network.groups)
    classes = classes or tuple(f"score_{group}" for group in range(network.groups))
    width = len(counts.planes)
    names = tuple(f"{name}[{bit}]" for name in classes for bit in range(width))
    return builder.finish(counts.planes.T), names


def _node(proto: onnx.ModelProto, op_type: str, otherwise: str) -> str:
    """Name of the node of an operator in the model as it was given."""
    names = (n.name or n.output[0] for n in proto.graph.node if n.op_type == op_type)
    return next(names, otherwise)
