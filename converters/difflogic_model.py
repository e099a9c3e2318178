"""Models of difflogic's networks: layers of gates of two inputs, perhaps counted by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.check import check_or_raise
from lgnx.converters.new_model import new_model
from lgnx.metadata import with_metadata
from lgnx.ops import DOMAIN

__all__ = ["Counted", "Encoder", "Gates", "network_model"]


@dataclass(frozen=True)
class Gates:
    """A layer of gates.

    Attributes
    ----------
    name
        Qualified name in the module, such as ``1``.
    indices
        [N, 2]: the bits of the layer before that each gate reads, A first.
    tables
        uint8 [N, 1].
    in_dim
        Bits of the layer before.
    """

    name: str
    indices: np.ndarray
    tables: np.ndarray
    in_dim: int


@dataclass(frozen=True)
class Counted:
    """The sum at the end: count / tau of each group, or the counts as integers."""

    name: str
    groups: int
    tau: float = 1.0
    integers: bool = False


@dataclass(frozen=True)
class Encoder:
    """A thermometer in front: thresholds broadcast with x[..., None]."""

    name: str
    thresholds: np.ndarray
    strict: bool


def network_model(
    layers: Sequence[Gates],
    counted: Counted | None,
    shape: Sequence[int],
    encoder: Encoder | None = None,
    *,
    name: str = "network",
    metadata: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:
    """Make a model of layers that fit each other.

    Parameters
    ----------
    shape
        Of one sample; its bits are read in C order, those of a number next to each other.

    Returns
    -------
    onnx.ModelProto
        Reads ``x`` bool [batch, *shape], or numbers that a thermometer reads; gives ``scores``
        float32 [batch, groups], or ``y``: int32 counts [batch, groups] where they are integers,
        else bool [batch, N].
    """
    bits, constants, nodes = "x", [], []

    def constant(array: np.ndarray, name: str) -> str:
        constants.append(numpy_helper.from_array(array, name))
        return name

    width = int(np.prod(shape, dtype=np.int64))
    read = TensorProto.BOOL
    if encoder is not None:
        read = helper.np_dtype_to_tensor_dtype(encoder.thresholds.dtype)
        width *= encoder.thresholds.shape[-1]
        inputs = [bits, constant(encoder.thresholds, f"{encoder.name}.thresholds")]
        node, bits = f"/{encoder.name}/Thermometer", f"/{encoder.name}/y"
        strict = int(encoder.strict)
        nodes.append(
            helper.make_node("Thermometer", inputs, [bits], node, domain=DOMAIN, strict=strict)
        )
    if len(shape) != 1 or encoder is not None:
        flat = constant(np.array([0, width], np.int64), "flat")
        nodes.append(helper.make_node("Reshape", [bits, flat], ["bits"], "/Flatten"))
        bits = "bits"
    for number, layer in enumerate(layers):
        last = number == len(layers) - 1 and counted is None
        small = width <= 1 << 16
        inputs = [
            bits,
            constant(
                layer.indices.astype(np.uint16 if small else np.int32), f"{layer.name}.indices"
            ),
            constant(layer.tables.astype(np.uint8), f"{layer.name}.tables"),
        ]
        bits, width = "y" if last else f"/{layer.name}/y", len(layer.indices)
        node = f"/{layer.name}/LogicDense"
        nodes.append(helper.make_node("LogicDense", inputs, [bits], node, domain=DOMAIN))
    kind, output = TensorProto.BOOL, "y"
    if counted is not None:
        attributes: dict[str, Any] = {"tau": counted.tau} if counted.tau != 1 else {}
        kind, output = TensorProto.FLOAT, "scores"
        if counted.integers:
            kind, output, attributes = TensorProto.INT32, "y", {"dtype": TensorProto.INT32}
        width, node = counted.groups, f"/{counted.name}/GroupSum"
        attributes["groups"] = width
        nodes.append(
            helper.make_node("GroupSum", [bits], [output], node, domain=DOMAIN, **attributes)
        )
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", read, ["batch", *shape])],
        [helper.make_tensor_value_info(output, kind, ["batch", width])],
        constants,
    )
    model = new_model(graph)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    check_or_raise(model)
    return with_metadata(model, metadata or {})
