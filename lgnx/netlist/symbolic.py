"""Symbolic execution: a model is run with wires in place of bits.

Every bit of a value is a number. 0 and 1 are the constants; any other number is a literal of the
netlist that grows meanwhile. The batch is run with two samples, whose literals differ by OFFSET.
Data movement acts on the numbers as it would on values, so it is left to onnx's own reference
implementation; afterwards both samples must still show the same picture, or the operator has mixed
samples and is not Boolean logic of one of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper

from lgnx.netlist.build import NetlistBuilder
from lgnx.ops import DOMAIN
from lgnx.ops.errors import LgnxError

if TYPE_CHECKING:
    from onnx.reference import ReferenceEvaluator

SAMPLES = 2
OFFSET = np.int64(1) << 40
_END = np.iinfo(np.int32).max  # what exporters write for the end of an axis, or more

DATA_MOVEMENT = frozenset(
    """
    Concat DepthToSpace Expand Flatten Gather GatherElements GatherND Identity Pad
    Reshape Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze
    """.split()
)
LOGIC = frozenset(["And", "Or", "Xor", "Not", "Equal", "Where", "Cast"])


class NotBooleanError(LgnxError):
    """A node is not Boolean logic on the bits of one sample; the message says why."""


def from_literals(literals: np.ndarray) -> np.ndarray:
    """Make a symbolic value: uint32 [...] for one sample to int64 [2, ...]."""
    both = np.empty((SAMPLES, *literals.shape), np.int64)
    one, two = both[:1], both[1:]
    one[0] = literals
    np.add(one, OFFSET, out=two)
    np.copyto(two, one, where=one < 2)
    return both


def to_literals(value: np.ndarray) -> np.ndarray:
    """Undo `from_literals`.

    Raises
    ------
    NotBooleanError
        If the first axis is not the batch, or if samples were mixed.
    """
    if value.ndim == 0 or len(value) != SAMPLES:
        raise NotBooleanError("its first axis is not the batch")
    one, two = value
    if not np.array_equal(two, np.where(one > 1, one + OFFSET, one)):
        raise NotBooleanError("it mixes samples of the batch")
    return one.astype(np.uint32)


def is_logic(node: ir.Node) -> bool:
    """Tell whether an operator may be Boolean logic (rather than data movement)."""
    if node.domain == DOMAIN:
        return node.op_type == "LogicDense"
    return node.domain == "" and node.op_type in LOGIC


def is_data_movement(node: ir.Node) -> bool:
    """Tell whether an operator moves values about without looking at them."""
    return node.domain == "" and node.op_type in DATA_MOVEMENT


def run_node(
    node: ir.Node,
    symbols: Sequence[np.ndarray | None],
    constants: Sequence[np.ndarray | None],
    builder: NetlistBuilder,
    opset: int,
) -> list[np.ndarray]:
    """Run one node on symbolic values.

    Parameters
    ----------
    node
        The node.
    symbols
        For each input its symbolic value, None where it has none.
    constants
        For each input its constant value, None where it has none.
    builder
        Gets the gates.
    opset
        Version of the ONNX domain.

    Returns
    -------
    list
        Symbolic value of each output.

    Raises
    ------
    NotBooleanError
        If the node is not Boolean logic of single samples.
    """
    inputs = [
        symbol if symbol is not None else constant
        for symbol, constant in zip(symbols, constants, strict=True)
    ]
    for value, source in zip(inputs, node.inputs, strict=True):
        if value is None and source is not None:
            raise NotBooleanError(f"its input {source.name!r} is neither bits nor a constant")
    if node.domain == DOMAIN and node.op_type == "LogicDense":
        return [_logic_dense(symbols[0], constants[1], constants[2], builder)]
    if is_data_movement(node):
        if _picks_samples(node, inputs):
            raise NotBooleanError("it may pick samples of the batch")
        outputs = _move(node, inputs, opset)
        for output in outputs:
            to_literals(output)
        return outputs
    if is_logic(node):
        return [_logic(node, [value for value in inputs if value is not None], builder)]
    raise NotBooleanError("it is not a Boolean operator")


def fold(node: ir.Node, constants: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    """Run a node on constants alone."""
    return _evaluate(node, constants, opset)


def _logic_dense(
    x: np.ndarray | None,
    indices: np.ndarray | None,
    tables: np.ndarray | None,
    builder: NetlistBuilder,
) -> np.ndarray:
    if x is None or indices is None or tables is None:
        raise NotBooleanError("its indices and tables are not constant")
    literals = to_literals(x)
    if not literals.size:
        raise NotBooleanError("its input has no axis of bits beside the batch")
    rows = literals.reshape(-1, literals.shape[-1])
    made = [builder.lut(tables, row.take(indices)) for row in rows]
    return from_literals(np.stack(made).reshape(*literals.shape[:-1], len(indices)))


def _logic(node: ir.Node, values: list[np.ndarray], builder: NetlistBuilder) -> np.ndarray:
    if node.op_type == "Cast":
        if node.attributes["to"].as_int() != onnx.TensorProto.BOOL:
            raise NotBooleanError("it turns bits into numbers")
        return values[0]
    # Constants of fewer axes, and batches of one, broadcast as they do in the model.
    try:
        shape = np.broadcast_shapes(*(value.shape for value in values))
    except ValueError as error:
        raise NotBooleanError(f"its inputs do not broadcast: {error}") from error
    operands = [to_literals(np.broadcast_to(value, shape)) for value in values]
    gates: dict[str, Callable[..., np.ndarray]] = {
        "And": builder.and_,
        "Or": builder.or_,
        "Xor": builder.xor,
        "Equal": lambda a, b: builder.xor(a, b) ^ np.uint32(1),
        "Not": lambda a: a ^ np.uint32(1),
        "Where": builder.mux,
    }
    return from_literals(gates[node.op_type](*operands))


def _picks_samples(node: ir.Node, inputs: Sequence[np.ndarray | None]) -> bool:
    """Tell whether a node selects along the batch, which two samples alone may not show."""
    attributes, bits = node.attributes, inputs[0]
    rank = 1 if bits is None else max(1, bits.ndim)
    if node.op_type in ("Gather", "GatherElements", "Split"):
        return attributes.get_int("axis", 0) % rank == 0
    if node.op_type == "GatherND":
        return attributes.get_int("batch_dims", 0) == 0
    if node.op_type != "Slice":
        return False
    starts, ends, axes, steps = [*inputs, None, None, None, None][1:5]
    if starts is None or ends is None:
        return True
    axes = np.arange(len(starts)) if axes is None else axes % rank
    steps = np.ones(len(starts)) if steps is None else steps
    whole = (starts == 0) & (ends >= _END) & (steps == 1)
    return bool(((axes == 0) & ~whole).any())


def _move(node: ir.Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    # Bits are numbers here, so a constant that moves with them must be a number, too.
    numbers = [
        value.astype(np.int64) if value is not None and value.dtype == bool else value
        for value in inputs
    ]
    return _evaluate(node, numbers, opset)


def _evaluate(node: ir.Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    proto = ir.serde.serialize_node(node)
    del proto.metadata_props[:]
    names = [f"i{i}" if value is not None else "" for i, value in enumerate(inputs)]
    outputs = [f"o{i}" for i in range(len(node.outputs))]
    del proto.input[:], proto.output[:]
    proto.input.extend(names)
    proto.output.extend(outputs)
    feeds = {name: value for name, value in zip(names, inputs, strict=True) if value is not None}
    evaluator = _evaluator(proto.SerializeToString(), tuple(feeds), tuple(outputs), opset)
    try:
        return [np.asarray(value) for value in evaluator.run(None, feeds)]
    except Exception as error:
        raise NotBooleanError(f"it fails on values of these shapes: {error}") from error


@functools.lru_cache(maxsize=256)
def _evaluator(
    node: bytes, inputs: tuple[str, ...], outputs: tuple[str, ...], opset: int
) -> ReferenceEvaluator:
    from onnx.reference import ReferenceEvaluator  # slow to import, and layers do without

    proto = onnx.NodeProto()
    proto.ParseFromString(node)
    # Types of graph inputs do not matter to the evaluator.
    graph = helper.make_graph(
        [proto],
        "node",
        [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in inputs],
        [helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model)
