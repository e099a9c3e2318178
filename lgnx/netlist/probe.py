"""Values of a graph that do not depend on data: constants, and what is computed from shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from lgnx.netlist.rules.evaluate import evaluate
from lgnx.netlist.rules.movement import is_data_movement, moved_inputs
from lgnx.netlist.rules.values import SAMPLES, NotBooleanError, Symbols, decode

_RANDOM = frozenset(["RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"])
_ELEMENTWISE = frozenset(
    "Abs Add And Cast Div Equal Greater Identity Less Max Min Mod Mul Neg Not Or Sub Where".split()
)


@dataclass(frozen=True)
class Known:
    """A value for a batch that is fixed, or for one of SAMPLES.

    Attributes
    ----------
    array
        The value.
    varies
        bool, shape of the value: what would be different for another batch.
    """

    array: np.ndarray
    varies: np.ndarray


def constant_value(value: ir.Value | None) -> np.ndarray | None:
    """Value of an initializer or of a Constant node; None for anything else."""
    if value is None:
        return None
    tensor = ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def sample_shape(value: ir.Value) -> tuple[int, ...] | None:
    """Shape without the batch, where it is static."""
    if value.shape is None or len(value.shape) < 1:
        return None
    extents = list(value.shape)[1:]
    if not all(isinstance(extent, int) for extent in extents):
        return None
    return tuple(int(extent) for extent in extents)  # type: ignore[arg-type]


class Probe:
    """Computes what does not depend on data.

    Parameters
    ----------
    opset
        Version of the ONNX domain.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self._static: dict[ir.Value, bool] = {}

    def is_static(self, value: ir.Value) -> bool:
        """Tell whether a value follows from constants and shapes."""
        known = self._static.get(value)
        if known is None:
            node = value.producer()
            if constant_value(value) is not None:
                known = True
            elif node is None or node.domain != "" or node.op_type in _RANDOM:
                known = False
            elif node.op_type == "Shape":
                known = True
            else:
                sources = [source for source in node.inputs if source is not None]
                known = bool(sources) and all(self.is_static(source) for source in sources)
                known = known and all(
                    a.type not in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
                    for a in node.attributes.values()
                )
            self._static[value] = known
        return known

    def run(
        self, value: ir.Value, symbols: Mapping[ir.Value, Symbols], *, fixed: bool = False
    ) -> Known:
        """Compute a static value.

        Shapes of symbolic values are those of their samples, which may be the ``fixed`` batch.

        Raises
        ------
        NotBooleanError
            If a shape that it needs is not known.
        """
        array = constant_value(value)
        if array is not None:
            return Known(array, np.zeros(array.shape, bool))
        node = value.producer()
        assert node is not None
        if node.op_type == "Shape":
            return _shape(node, symbols, fixed)
        inputs = [None if v is None else self.run(v, symbols, fixed=fixed) for v in node.inputs]
        arrays = [None if part is None else part.array for part in inputs]
        index = value.index() or 0
        array = evaluate(node, arrays, self.opset)[index]
        return Known(array, self._varies(node, inputs, array, index))

    def _varies(
        self, node: ir.Node, inputs: list[Known | None], result: np.ndarray, index: int
    ) -> np.ndarray:
        given = [part for part in inputs if part is not None]
        if node.op_type == "ConstantOfShape" or not any(part.varies.any() for part in given):
            return np.zeros(result.shape, bool)
        if node.op_type in _ELEMENTWISE:
            merged = np.zeros(result.shape, bool)
            for part in given:
                merged = merged | part.varies
            return merged
        if is_data_movement(node):
            moved = moved_inputs(node)
            where = [part for i, part in enumerate(inputs) if part is not None and i not in moved]
            if node.op_type in ("Expand", "Reshape") or not any(p.varies.any() for p in where):
                masks = [
                    None
                    if part is None
                    else part.varies.astype(np.int64)
                    if i in moved
                    else part.array
                    for i, part in enumerate(inputs)
                ]
                return evaluate(node, masks, self.opset)[index].astype(bool)
        return np.ones(result.shape, bool)


def _shape(node: ir.Node, symbols: Mapping[ir.Value, Symbols], fixed: bool) -> Known:
    source = node.inputs[0]
    assert source is not None
    if source in symbols:
        shape = symbols[source].shape
        batch = -1 if fixed else int(decode([symbols[source]])[1])
    else:
        inner = sample_shape(source)
        if inner is None:
            raise NotBooleanError(f"the shape of {source.name!r} is not known")
        assert source.shape is not None
        first = source.shape[0]
        shape, batch = ((first, *inner), -1) if isinstance(first, int) else ((SAMPLES, *inner), 0)
    taken = slice(node.attributes.get_int("start", 0), node.attributes.get_int("end", len(shape)))
    varies = np.arange(len(shape)) == batch
    return Known(np.array(shape[taken], np.int64), varies[taken])
