"""Models of torch_dwn's networks: a thermometer, layers of tables, a sum over groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lgnx.check import check_or_raise
from lgnx.converters.new_model import new_model
from lgnx.converters.threshold_folding import fold_into_thresholds
from lgnx.converters.torch_dwn_layers import Groups, Tables, as_array, check_chain, ordered
from lgnx.metadata import with_metadata
from lgnx.ops import DOMAIN
from lgnx.ops.errors import ModelError

__all__ = ["NUMBERS", "network_model", "thresholds_for", "thresholds_of"]

NUMBERS = (
    *("float16", "float32", "float64"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
"""Types of the numbers that a thermometer can read."""


def thresholds_of(thermometer: Any) -> np.ndarray:
    """Thresholds [..., z] of a thermometer of torch_dwn.

    Parameters
    ----------
    thermometer
        The object, live or the stub of one, a dict with its ``thresholds``, or these alone.

    Raises
    ------
    ModelError
        If it has none, or one of them is NaN.
    """
    given = thermometer
    if isinstance(thermometer, Mapping):
        if "thresholds" not in thermometer:
            keys = ", ".join(map(str, thermometer)) or "nothing"
            raise ModelError(f"the thermometer holds {keys}; must hold thresholds")
        given = thermometer["thresholds"]
    elif "thresholds" in getattr(thermometer, "__dict__", {}):
        given = thermometer.thresholds
        if given is None:
            raise ModelError("the thermometer has no thresholds: it was not fitted")
    thresholds = as_array(given, "thresholds")
    if thresholds.ndim == 0 or not thresholds.size:
        raise ModelError(
            f"thresholds have shape {list(thresholds.shape)}, must be [..., z] with z at least 1"
        )
    if thresholds.dtype.kind not in "iuf":
        raise ModelError(f"thresholds are {thresholds.dtype}, must be numbers")
    if np.isnan(thresholds).any():
        raise ModelError(f"{int(np.isnan(thresholds).sum())} of the thresholds are NaN")
    return thresholds


def thresholds_for(
    given: np.ndarray,
    dtype: np.dtype | type,
    before: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, bool]:
    """Thresholds for numbers of a dtype that decide as torch does with the ones given.

    torch compares in a type that both have become; here that is taken into the thresholds.

    Parameters
    ----------
    given
        [..., z].
    dtype
        Of the numbers.
    before
        What is done to the numbers first, as of `fold_into_thresholds`.

    Returns
    -------
    tuple of numpy.ndarray and bool
        [..., z] of ``dtype``, and whether bits are ``x > t``; else they are ``x >= t``.

    Raises
    ------
    ModelError
        If the dtype has no such thresholds.
    """
    if before is None and given.dtype == dtype:
        return given, True
    probe = np.zeros((1,) * given.ndim, dtype)
    source = (probe if before is None else before(probe)).dtype
    if source.kind == given.dtype.kind or {source.kind, given.dtype.kind} == {"i", "u"}:
        common = np.promote_types(source, given.dtype)
    else:
        common = source if source.kind == "f" else given.dtype
    if (common.kind == "f") != ("f" in (source.kind, given.dtype.kind)):
        raise ModelError(f"numbers of {source} and thresholds of {given.dtype} do not compare")

    def compared(x: np.ndarray) -> np.ndarray:
        return (x if before is None else before(x)).astype(common)

    return fold_into_thresholds(compared, given.astype(common), dtype)


def network_model(
    layers: Sequence[Tables | Groups],
    thresholds: np.ndarray | None,
    *,
    strict: bool = True,
    shape: Sequence[int] | None = None,
    name: str = "network",
    metadata: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:
    """Make a model of layers.

    Parameters
    ----------
    layers
        Layers of tables, each reading all bits of the one before, and perhaps a sum at the end.
    thresholds
        [..., z] of the dtype that the model's input has. None if the input is bits.
    strict
        Whether the bits of a number are ``x > t``; else they are ``x >= t``.
    shape
        Of one sample; None tells it from the thresholds and the first layer.

    Returns
    -------
    onnx.ModelProto
        Reads ``x`` [batch, *shape]; gives ``scores`` float32 [batch, groups], or ``y`` bool
        [batch, N] without a sum.

    Raises
    ------
    ModelError
        If the layers do not fit each other or the thresholds.
    """
    check_chain(layers)
    layers = _with_sum_in_order(layers)
    first = layers[0]
    assert isinstance(first, Tables)
    extents = _sample_shape(first, thresholds, shape)
    graph = _Graph(extents, bool if thresholds is None else thresholds.dtype)
    if thresholds is not None:
        inclusive = {} if strict else {"strict": 0}
        graph.add("Thermometer", "thermometer", inclusive, thresholds=thresholds)
    width = math.prod(extents) * (1 if thresholds is None else thresholds.shape[-1])
    if thresholds is not None or len(extents) > 1:
        graph.add("Reshape", "flatten", shape=np.array([0, width]))
    for number, layer in enumerate(layers):
        label = layer.name or str(number)
        if any(other.name == layer.name for other in layers[:number]):  # its weights are shared
            label = f"{label}@{number}"
        if isinstance(layer, Tables):
            kind = np.uint16 if width <= 1 << 16 else np.int32
            graph.add("LogicDense", label, indices=layer.indices.astype(kind), tables=layer.tables)
            width = len(layer.indices)
        else:
            graph.add("GroupSum", label, {"groups": layer.groups, "tau": layer.tau})
    model = graph.model(name, "scores" if isinstance(layers[-1], Groups) else "y")
    return with_metadata(model, dict(metadata or {}))


def _with_sum_in_order(layers: Sequence[Tables | Groups]) -> list[Tables | Groups]:
    """Put the order of the sum's bits, and its added zeros, into the layer before it."""
    groups = layers[-1]
    if isinstance(groups, Tables):
        return list(layers)
    last = layers[-2]
    assert isinstance(last, Tables)
    order, present = ordered(groups, len(last.indices))
    moved = replace(
        last,
        indices=np.where(present[:, None], last.indices[order], np.int32(0)),
        tables=np.where(present[:, None], last.tables[order], np.uint8(0)),
    )
    return [*layers[:-2], moved, replace(groups, order=None)]


def _sample_shape(
    first: Tables, thresholds: np.ndarray | None, shape: Sequence[int] | None
) -> tuple[int, ...]:
    """Shape of a sample, checked against the bits that the first layer reads."""
    where = f"layer {first.name!r}"
    needed = first.n_inputs
    each = 1 if thresholds is None else thresholds.shape[-1]
    if shape is not None:
        extents = tuple(shape)
    elif thresholds is not None and math.prod(thresholds.shape[:-1]) > 1:
        extents = thresholds.shape[:-1]
    elif needed is None:
        raise ModelError(f"{where}: does not tell how many bits it reads; give the input's shape")
    elif needed % each:
        raise ModelError(f"{where}: reads {needed} bits, which are not {each} for each number")
    else:
        extents = (needed // each,)
    if thresholds is not None:
        leading = thresholds.shape[:-1]
        fits = len(leading) <= len(extents) and all(
            t in (1, n) for t, n in zip(reversed(leading), reversed(extents), strict=False)
        )
        if not fits:
            raise ModelError(
                f"thresholds of shape {list(thresholds.shape)} do not fit samples of shape "
                f"{list(extents)}"
            )
    width = math.prod(extents) * each
    highest = int(first.indices.max(initial=0))
    if (needed is not None and needed != width) or highest >= width:
        reads = f"reads {needed} bits" if needed is not None else f"reads bit {highest}"
        gives = f"samples of shape {list(extents)}"
        if thresholds is not None:
            gives += f" with {each} threshold{'s' if each > 1 else ''} a number"
        raise ModelError(f"{where}: {reads}, but {gives} have {width} bits")
    return extents


class _Graph:
    """A chain of nodes."""

    def __init__(self, extents: Sequence[int], dtype: np.dtype | type) -> None:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.input = helper.make_tensor_value_info("x", kind, ["batch", *extents])
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self,
        op_type: str,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        **constants: np.ndarray,
    ) -> None:
        inputs = [self.nodes[-1].output[0] if self.nodes else "x"]
        for label, values in constants.items():
            self.constants.append(numpy_helper.from_array(values, f"{name}.{label}"))
            inputs.append(f"{name}.{label}")
        domain, node = "" if op_type == "Reshape" else DOMAIN, f"/{name}/{op_type}"
        self.nodes.append(helper.make_node(op_type, inputs, [f"/{name}/y"], node, domain=domain))
        self.nodes[-1].attribute.extend(
            helper.make_attribute(key, value) for key, value in (attributes or {}).items()
        )

    def model(self, name: str, output: str) -> onnx.ModelProto:
        self.nodes[-1].output[0] = output
        value = onnx.ValueInfoProto(name=output)
        graph = helper.make_graph(self.nodes, name, [self.input], [value], self.constants)
        model = new_model(graph)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        check_or_raise(model)
        return model
