"""LogicNetwork: a whole network, as thermometer, gate program and group sum in one node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from lgnx.ops._operator import (
    FLOATS,
    INTEGERS,
    Dims,
    Finding,
    NodeView,
    Operator,
    attribute,
    attribute_value,
    check_groups,
    input_dims,
    schema,
    set_output,
)
from lgnx.ops.errors import InputError
from lgnx.ops.group_sum import (
    SCALE,
    SCALE_ATTRIBUTES,
    SCORE_CONSTRAINT,
    check_scale,
    scale_counts,
)
from lgnx.ops.program import Program, ProgramError, Run, decode, encode
from lgnx.ops.thermometer import check_strict, check_thresholds
from lgnx.ops.unpack_bits import check_batch, check_packed

HEAD = """
LogicNetwork <n_outputs: int, groups: int = 0, bias: float = 0.0, tau: float = 1.0,
  beta: float = 0.0, dtype: int = 9, strict: int = 1> ({inputs}) => (y) {{
  last = Constant <value_ints = [-1]> ()
  zero = Constant <value_ints = [0]> ()
  one = Constant <value_ints = [1]> ()
  two = Constant <value_ints = [2]> ()"""

FROM_BITS = """
  bits = Cast <to = 9> (x)"""

FROM_NUMBERS = """
  feature = Unsqueeze (x, last)
  above = Greater (feature, thresholds)
  equal = Equal (feature, thresholds)
  strict_value = Constant <value_int: int = @strict> ()
  scalar_zero = Constant <value_int = 0> ()
  inclusive = Equal (strict_value, scalar_zero)
  counted_equal = And (equal, inclusive)
  bits = Or (above, counted_equal)"""

# As in UnpackBits, whose names would meet those of the program and of its loop.
FROM_WORDS = """
  lanes = Constant <value_ints = [64]> ()
  lane_first = Constant <value = int64 {0}> ()
  lane_step = Constant <value = int64 {1}> ()
  lane_limit = Constant <value = int64 {64}> ()
  lane_bit = Constant <value = uint64 {1}> ()
  positions64 = Range (lane_first, lane_limit, lane_step)
  positions = Cast <to = 13> (positions64)
  columns = Unsqueeze (x, last)
  aligned = BitShift <direction = "RIGHT"> (columns, positions)
  lowest = BitwiseAnd (aligned, lane_bit)
  expanded = Cast <to = 9> (lowest)
  n_rows = Shape <start = 0, end = 1> (x)
  n_columns = Shape <start = 1, end = 2> (x)
  row_length = Mul (n_columns, lanes)
  rows_shape = Concat <axis = 0> (n_rows, row_length)
  long_rows = Reshape <allowzero = 1> (expanded, rows_shape)
  bit_rows = Slice (long_rows, zero, batch, one)
  bits = Transpose <perm = [1, 0]> (bit_rows)"""

# The state of the loop: one bool row for each wire that exists. A run of gates gathers its
# operands, adds them up to addresses and shifts its 64-bit table.
PROGRAM = """
  three = Constant <value_ints = [3]> ()
  four = Constant <value_ints = [4]> ()
  five = Constant <value_ints = [5]> ()
  six = Constant <value_ints = [6]> ()
  eight = Constant <value_ints = [8]> ()
  words = Cast <to = 7> (program)
  n_inputs = Slice (words, two, three)
  n_runs = Slice (words, four, five)
  n_operands = Slice (words, five, six)
  run_words = Mul (n_runs, four)
  run_end = Add (run_words, eight)
  operand_end = Add (run_end, n_operands)
  run_rows = Slice (words, eight, run_end)
  runs_shape = Concat <axis = 0> (n_runs, four)
  runs = Reshape <allowzero = 1> (run_rows, runs_shape)
  operands = Slice (words, run_end, operand_end)
  n_words = Shape (words)
  outputs = Slice (words, operand_end, n_words)
  samples = Shape <start = 0, end = 1> (bits)
  flat_shape = Concat <axis = 0> (samples, n_inputs)
  flat = Reshape <allowzero = 1> (bits, flat_shape)
  inputs = Transpose <perm = [1, 0]> (flat)
  row_shape = Concat <axis = 0> (one, samples)
  false_bit = Constant <value = bool[1] {0}> ()
  false_row = Expand (false_bit, row_shape)
  start = Concat <axis = 0> (false_row, inputs)
  trips = Squeeze (n_runs)
  go = Constant <value = bool {1}> ()
  state, cursor = Loop (trips, go, start, zero) <body = gates
    (int64 i, bool keep, wires, at) => (keep_on, wires_next, at_next) {
      keep_on = Identity (keep)
      run = Gather <axis = 0> (runs, i)
      k = Slice (run, zero, one)
      count = Slice (run, one, two)
      low64 = Slice (run, two, three)
      high64 = Slice (run, three, four)
      low = Cast <to = 13> (low64)
      high = Cast <to = 13> (high64)
      s32 = Constant <value = uint64 {32}> ()
      up = BitShift <direction = "LEFT"> (high, s32)
      table = BitwiseOr (low, up)
      length = Mul (k, count)
      at_next = Add (at, length)
      sources = Slice (operands, at, at_next)
      fanin_shape = Concat <axis = 0> (count, k)
      fanins = Reshape (sources, fanin_shape)
      values = Gather <axis = 0> (wires, fanins)
      numbers = Cast <to = 6> (values)
      first = Constant <value = int32 {0}> ()
      step = Constant <value = int32 {1}> ()
      base = Constant <value = int32 {2}> ()
      k_scalar = Squeeze (k)
      k32 = Cast <to = 6> (k_scalar)
      slots = Range (first, k32, step)
      powers = Pow (base, slots)
      weights = Unsqueeze (powers, one)
      weighted = Mul (numbers, weights)
      address32 = ReduceSum <keepdims = 0> (weighted, one)
      address = Cast <to = 13> (address32)
      shifted = BitShift <direction = "RIGHT"> (table, address)
      u1 = Constant <value = uint64 {1}> ()
      masked = BitwiseAnd (shifted, u1)
      gate_rows = Cast <to = 9> (masked)
      wires_next = Concat <axis = 0> (wires, gate_rows)
    }>
  n2 = Constant <value = int64 {2}> ()
  output_wires = Div (outputs, n2)
  complements = Mod (outputs, n2)
  picked = Gather <axis = 0> (state, output_wires)
  flips64 = Unsqueeze (complements, one)
  flips = Cast <to = 9> (flips64)
  rows = Xor (picked, flips)
  network = Transpose <perm = [1, 0]> (rows)"""

TO_BITS = """
  y = Cast <to: int = @dtype> (network)
}"""

TO_SCORES = (
    """
  groups_value = Constant <value_int: int = @groups> ()
  groups_shape = Reshape (groups_value, last)
  width = Shape (outputs)
  size = Div (width, groups_shape)
  shape = Concat <axis = 0> (samples, groups_shape, size)
  ones = Cast <to = 6> (network)
  grouped = Reshape <allowzero = 1> (ones, shape)
  member_axis = Constant <value_ints = [2]> ()"""
    + SCALE
    + "\n}"
)


# How a node gets its bits: the inputs of its body, and the text that makes them.
SOURCES = {
    "bits": ("x, program", FROM_BITS),
    "numbers": ("x, program, thresholds", FROM_NUMBERS),
    "words": ("x, program, thresholds, batch", FROM_WORDS),
}


def variant(node: onnx.NodeProto | None) -> tuple[str, bool]:
    """Tell which body a node needs: a key of `SOURCES`, and whether it has groups."""
    if node is None:
        return "bits", False
    given = [*node.input, "", ""]
    source = "words" if given[3:] and given[3] else "numbers" if given[2] else "bits"
    return source, any(a.name == "groups" and a.i != 0 for a in node.attribute)


def _body(node: onnx.NodeProto | None) -> str:
    source, groups = variant(node)
    inputs, bits = SOURCES[source]
    return HEAD.format(inputs=inputs) + bits + PROGRAM + (TO_SCORES if groups else TO_BITS)


def _infer(context: Any) -> None:
    groups = attribute_value(context, "groups", 0)
    dtype = attribute_value(context, "dtype", TensorProto.BOOL)
    width = groups or attribute_value(context, "n_outputs")
    if context.get_num_inputs() > 3 and context.get_input_type(3) is not None:
        dims: Dims | None = [_constant_batch(context), width]
    else:
        x = input_dims(context, 0)
        dims = [x[0], width] if x else None
    set_output(context, dtype, dims if width is not None else None)


def _constant_batch(context: Any) -> int | None:
    tensor = context.get_input_data(3)
    if tensor is None:
        return None
    values = numpy_helper.to_array(tensor)
    return int(values[0]) if values.shape == (1,) and values[0] >= 0 else None


def logic_network(
    x: np.ndarray,
    program: np.ndarray,
    thresholds: np.ndarray | None = None,
    batch: np.ndarray | None = None,
    *,
    n_outputs: int,
    groups: int = 0,
    bias: float = 0.0,
    tau: float = 1.0,
    beta: float = 0.0,
    dtype: int = TensorProto.BOOL,
    strict: int = 1,
) -> np.ndarray:
    """Evaluate a network.

    Parameters
    ----------
    x
        [B, ...]: bits (bool, or integers where nonzero is 1), or numbers if there are thresholds.
        uint64 [n_inputs, W]: words as of PackBits, if there is a batch.
    program
        uint32 words (`lgnx.ops.program`).
    thresholds
        Dtype of x, broadcastable against ``x[..., None]``.
    batch
        int64 [1], the batch size B of words, with W = ceil(B / 64).
    n_outputs
        Number of output bits of the program.
    groups
        0 for the bits themselves, else the number of groups of a GroupSum over them.

    Returns
    -------
    numpy.ndarray
        bool [B, n_outputs], or scores [B, groups] of ``dtype``.

    Raises
    ------
    ProgramError
        If the program is not valid.
    InputError
        If W is not ceil(batch / 64), or there are thresholds beside a batch.
    """
    parsed = decode(program)
    if batch is not None:
        if thresholds is not None:
            raise InputError("thresholds are given together with batch")
        size = check_batch(x, batch)
        octets = np.ascontiguousarray(x, "<u8").view(np.uint8)
        bits = np.unpackbits(octets, axis=1, bitorder="little")[:, :size].T != 0
    elif thresholds is None:
        bits = x != 0
    else:
        with np.errstate(invalid="ignore"):
            bits = x[..., None] > thresholds if strict else x[..., None] >= thresholds
    bits = bits.reshape(len(bits), parsed.n_inputs)
    wires = [np.zeros(len(bits), dtype=bool), *bits.T]
    for run in parsed.runs:
        for fanin in run.fanins.tolist():
            address = np.zeros(len(bits), dtype=np.uint64)
            for slot, wire in enumerate(fanin):
                address += wires[wire].astype(np.uint64) * np.uint64(2**slot)
            wires.append((np.uint64(run.table) >> address) % np.uint64(2) == 1)
    columns = [wires[literal >> 1] ^ bool(literal & 1) for literal in parsed.outputs.tolist()]
    y = np.stack(columns, axis=-1)
    if not groups:
        return y
    counts = y.reshape(len(bits), groups, n_outputs // groups).sum(axis=-1, dtype=np.int64)
    return scale_counts(counts, bias, tau, beta, dtype)


def _check(node: NodeView) -> Iterator[Finding]:
    attributes = node.attributes
    n_outputs, groups = attributes.get("n_outputs"), attributes.get("groups", 0)
    words = node.constants.get("program")
    if words is not None:
        yield from _check_program(node, words)
    elif "program" in node.inputs:
        yield "error", "input program", "is computed, must be an initializer"
    yield from check_strict(node)
    if groups:
        yield from check_groups(groups, n_outputs)
        yield from check_scale(node)
    elif attributes.get("dtype", TensorProto.BOOL) != TensorProto.BOOL:
        yield (
            "error",
            "attribute dtype",
            f"is {attributes['dtype']}, must be 9 (bool) where groups is 0",
        )
    kind = node.dtypes.get("x")
    if "batch" in node.inputs:
        if "thresholds" in node.inputs:
            yield "error", "input thresholds", "is given together with batch"
        if kind is not None and kind != np.uint64:
            yield "error", "input x", f"is {kind}, must be uint64 where batch is given"
        yield from check_packed(node)
    elif "thresholds" in node.inputs:
        if kind is not None and kind == np.bool_:
            yield "error", "input x", "is bool, which takes no thresholds"
        yield from check_thresholds(node)
    elif kind is not None and kind.kind == "f":
        yield "error", "input x", f"is {kind}, which needs the input thresholds"


def _check_program(node: NodeView, words: np.ndarray) -> Iterator[Finding]:
    try:
        program = decode(words)
    except ProgramError as error:
        yield "error", "input program", str(error)
        return
    n_outputs = node.attributes.get("n_outputs")
    if n_outputs is not None and n_outputs != program.n_outputs:
        yield (
            "error",
            "attribute n_outputs",
            f"is {n_outputs}, the program has {program.n_outputs} outputs",
        )
    shape = node.shapes.get("x")
    if shape is None:
        return
    extents = shape[:1] if "batch" in node.inputs else shape[1:]
    if any(extent is None for extent in extents):
        return
    bits = int(np.prod([extent for extent in extents if extent is not None], dtype=np.int64))
    if "thresholds" in node.inputs and "batch" not in node.inputs:
        thresholds = node.constants.get("thresholds")
        if thresholds is None or thresholds.ndim == 0:
            return
        bits *= thresholds.shape[-1]
    if bits != program.n_inputs:
        yield "error", "input x", f"gives {bits} bits, the program takes {program.n_inputs}"


def _example_program() -> np.ndarray:
    gates = Run(2, 0x2, np.array([[1, 2]], np.uint32))
    return encode(Program(2, [gates], np.array([6, 3], np.uint32)))


OPERATOR = Operator(
    schema=schema(
        "LogicNetwork",
        "A whole network: an optional thermometer, a gate program, an optional group sum.",
        [
            (
                "x",
                "T",
                "Shape [B, ...]: bits, or numbers if thresholds are given. If batch is given: "
                "uint64 words as of PackBits, shape [n_inputs, W].",
            ),
            (
                "program",
                "tensor(uint32)",
                "Words of the program, see network-program.md; an initializer.",
            ),
            (
                "thresholds",
                "T",
                "Broadcastable against x with an axis appended, as for Thermometer; an "
                "initializer. Not together with batch.",
            ),
            (
                "batch",
                "tensor(int64)",
                "Shape [1], the batch size B where x is words; W = ceil(B / 64). Bits of x beyond "
                "it do not matter.",
            ),
        ],
        ("TO", "bool [B, n_outputs] if groups is 0, else scores [B, groups]."),
        _infer,
        types={
            "T": ("tensor(bool)", *FLOATS, *INTEGERS),
            "TO": ("tensor(bool)", *SCORE_CONSTRAINT),
        },
        attributes=[
            attribute("n_outputs", "INT", "Output bits of the program, >= 1."),
            attribute("groups", 0, "0: the output is the bits. Else it divides n_outputs."),
            *SCALE_ATTRIBUTES,
            attribute(
                "dtype",
                int(TensorProto.BOOL),
                "Element type of the output: 9 (bool) if groups is 0, else as for GroupSum.",
            ),
            attribute("strict", 1, "1: an input bit is x > t. 0: it is x >= t."),
        ],
        optional=["thresholds", "batch"],
    ),
    reference=logic_network,
    body=_body,
    check=_check,
    formula=(
        "bits = x != 0, or Thermometer(x, thresholds, strict) if thresholds are given,\n"
        "       or UnpackBits(x, batch) if batch is given;\n"
        "the bits of a sample, flattened in C order, are the inputs of the program;\n"
        "y = the outputs of the program, or GroupSum(outputs, groups, bias, tau, beta, dtype)"
    ),
    output_shape=(
        "bool [B, n_outputs] if groups = 0, else dtype [B, groups]\n"
        "B = x.shape[0], or batch[0] if batch is given: then inferred only where that is constant"
    ),
    caption="the [example of the program format](network-program.md#example).",
    notes=[
        "The program is a [gate list of its own format](network-program.md), checked as a whole "
        "before it is used.",
        "Integers are bits: 0 is 0, anything else is 1. Floats need thresholds; bool takes none.",
        "Corner cases of numbers and thresholds are those of [Thermometer](#thermometer), of "
        "words those of [UnpackBits](#unpackbits), of scores those of [GroupSum](#groupsum).",
        "The function body depends on which inputs a node has, and on whether it has groups; below "
        "is that of a node with neither. A file has one body for all its LogicNetwork nodes, so "
        "`lgnx.attach_functions` refuses nodes that differ in these.",
        "B may be 0.",
    ],
    constants={"program": "always", "thresholds": "to lower"},
    example=(
        [np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool), _example_program(), None],
        {"n_outputs": 2},
    ),
)
