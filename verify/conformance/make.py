"""Making cases: models of one node, data that are the same everywhere, expected outputs."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lgnx.ops import DOMAIN, OPERATORS
from lgnx.verify.conformance.case import Case, DataSet, Refusal, SeenIn

BATCHES = (0, 1, 63, 64, 65)
FLOATS = ("float16", "float32", "float64")
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
OPSET, IR_VERSION = 18, 10

Arrays = Mapping[str, np.ndarray]


class Random:
    """Random data of a name.

    numpy promises the raw numbers of PCG64 for ever, but not what its distributions make of them.
    """

    def __init__(self, name: str) -> None:
        self._raw = np.random.PCG64(zlib.crc32(name.encode()))

    def integers(self, low: int, high: int, shape: Any, dtype: Any = np.int64) -> np.ndarray:
        """Numbers from low to high - 1."""
        count = int(np.prod(shape, dtype=np.int64))
        raw = np.asarray(self._raw.random_raw(count), np.uint64).reshape(shape)
        offsets = (raw >> np.uint64(11)) % np.uint64(high - low)
        return (offsets.astype(np.int64) + low).astype(dtype)

    def bits(self, *shape: int) -> np.ndarray:
        """Bits, half of them ones."""
        return self.integers(0, 2, shape).astype(bool)

    def tables(self, k: int, *shape: int) -> np.ndarray:
        """Truth tables of k inputs, uint8 [..., max(1, 2^k / 8)]."""
        packed = self.integers(0, 256, (*shape, max(1, 2**k // 8)), np.uint8)
        return packed & np.uint8(2 ** min(8, 2**k) - 1)

    def words(self, *shape: int) -> np.ndarray:
        """Words of 64 bits."""
        high, low = (self.integers(0, 1 << 32, shape).astype(np.uint64) for _ in range(2))
        return high << np.uint64(32) | low


def snake(operator: str) -> str:
    """``LogicConv`` to ``logic_conv``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operator).lstrip("_")


def output_case(
    operator: str,
    name: str,
    covers: str,
    *data: Arrays,
    constants: Collection[str] = (),
    unknown: Collection[str] = (),
    **attributes: Any,
) -> Case:
    """Make a case that must run.

    Parameters
    ----------
    name
        Added to the operator's.
    data
        Inputs by formal name, one mapping for each data set. Axes whose extents differ between the
        sets are dynamic in the model, all others static.
    constants
        Inputs that are initializers: the same in every set.
    unknown
        Inputs of which the model declares no extents.
    attributes
        Those that the node has; the others keep their defaults.
    """
    formal = [value.name for value in OPERATORS[operator].schema.inputs]
    outputs = [
        OPERATORS[operator].reference(*(arrays.get(n) for n in formal), **attributes)
        for arrays in data
    ]
    node = _node(operator, data[0], attributes)
    model = make_model(node, data, constants, unknown, outputs[0].dtype)
    model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    sets = [
        DataSet({n: a for n, a in arrays.items() if n not in constants}, (y,))
        for arrays, y in zip(data, outputs, strict=True)
    ]
    since = OPERATORS[operator].schema.since_version
    full_name = f"{snake(operator)}_{name}"
    return Case(full_name, operator, since, covers, model, tuple(sets))


def error_case(
    operator: str,
    name: str,
    covers: str,
    field: str,
    seen_in: SeenIn,
    inputs: Arrays,
    *,
    constants: Collection[str] = (),
    unknown: Collection[str] = (),
    output: Any = bool,
    **attributes: Any,
) -> Case:
    """Make a case that must be refused, with a message that names ``field``.

    Parameters
    ----------
    output
        Type of the output.
    """
    node = _node(operator, inputs, attributes)
    model = make_model(node, [inputs], constants, unknown, np.dtype(output))
    with contextlib.suppress(Exception):  # onnx may see the error, too
        model = onnx.shape_inference.infer_shapes(model)
    fed = {n: a for n, a in inputs.items() if n not in constants}
    return Case(
        f"{snake(operator)}_refuses_{name}",
        operator,
        OPERATORS[operator].schema.since_version,
        covers,
        model,
        (DataSet(fed),),
        Refusal(field, seen_in),
    )


def _node(operator: str, arrays: Arrays, attributes: Mapping[str, Any]) -> onnx.NodeProto:
    formal = [value.name for value in OPERATORS[operator].schema.inputs]
    names = [name if name in arrays else "" for name in formal]
    while names and not names[-1]:
        names.pop()
    node = helper.make_node(operator, names, ["y"], snake(operator), domain=DOMAIN)
    for name, value in attributes.items():
        kind = onnx.AttributeProto.INTS if value == [] else None
        node.attribute.append(helper.make_attribute(name, value, attr_type=kind))
    return node


def make_model(
    node: onnx.NodeProto,
    data: Collection[Arrays],
    constants: Collection[str],
    unknown: Collection[str],
    output: np.dtype,
) -> onnx.ModelProto:
    """Make a model of one node, whose inputs are declared as ``data`` have them."""
    first = next(iter(data))
    given = []
    for name, array in first.items():
        if name in constants:
            continue
        shapes = [arrays[name].shape for arrays in data]
        dims: list[Any] = [
            extents[0] if len(set(extents)) == 1 else f"{name}_{axis}"
            for axis, extents in enumerate(zip(*shapes, strict=True))
        ]
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        dims = [None] * array.ndim if name in unknown else dims
        given.append(helper.make_tensor_value_info(name, kind, dims))
    y = helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(output), None)
    initializers = [numpy_helper.from_array(first[n], n) for n in first if n in constants]
    graph = helper.make_graph([node], node.name, given, [y], initializers)
    opsets = [
        helper.make_opsetid("", OPSET),
        helper.make_opsetid(DOMAIN, OPERATORS[node.op_type].schema.since_version),
    ]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="lgnx conformance"
    )
