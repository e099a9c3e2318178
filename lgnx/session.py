"""A drop-in onnxruntime session that knows logic networks."""

from __future__ import annotations

import os
from typing import Any, Literal

import onnx
import onnxruntime

from lgnx.files import as_proto, model_name
from lgnx.netlist.estimate import LAYERS, estimate_gates
from lgnx.ops import DOMAIN, register
from lgnx.ops.errors import ModelError
from lgnx.versions import operators_of

MAX_FUSED_GATES = 1_000_000
"""Gates that `InferenceSession` fuses at most, unless asked to."""


class InferenceSession(onnxruntime.InferenceSession):
    """An `onnxruntime.InferenceSession` with the lgnx kernels registered.

    Boolean regions of the model are fused to one LogicNetwork each, in memory, so a layer-level
    file runs as fast as a network-level one. Fusing unrolls convolutions: where that would make
    more than `MAX_FUSED_GATES` gates, layers run through their own kernels.

    Parameters
    ----------
    model
        Path of an ONNX file, its bytes, or a ModelProto.
    sess_options
        As for onnxruntime. The library is registered on it.
    providers
        As for onnxruntime; the CPU where it is not given.
    fuse
        ``"auto"`` fuses models with logic layers of at most `MAX_FUSED_GATES` gates, as estimated
        from their shapes; True fuses whatever the size, and regions of ONNX's own logic, too;
        False runs the model as it is.
    kwargs
        Handed on to onnxruntime.

    Raises
    ------
    ModelError
        If the model cannot be read, or onnxruntime refuses it.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | onnx.ModelProto,
        sess_options: onnxruntime.SessionOptions | None = None,
        providers: list[Any] | None = None,
        *,
        fuse: bool | Literal["auto"] = "auto",
        **kwargs: Any,
    ) -> None:
        proto = as_proto(model)
        operators_of(proto, model_name(model))  # onnxruntime would not say which version it misses
        if fuse is True or (fuse == "auto" and _is_fused(proto)):
            from lgnx.passes import lower

            data = lower(proto, to="network").SerializeToString()
        else:
            data = model if isinstance(model, bytes) else proto.SerializeToString()
        del proto  # a large model need not be held twice while onnxruntime loads it
        options = sess_options or onnxruntime.SessionOptions()
        register(options)
        try:
            super().__init__(
                data,
                options,
                providers or ["CPUExecutionProvider"],
                **kwargs,
            )
        except Exception as error:
            raise ModelError(f"{model_name(model)}: {_short(error)}") from error


def _is_fused(proto: onnx.ModelProto) -> bool:
    layers = (n for n in proto.graph.node if n.domain == DOMAIN and n.op_type in LAYERS)
    return any(layers) and estimate_gates(proto) <= MAX_FUSED_GATES


def _short(error: Exception) -> str:
    """What onnxruntime says, without the number and name of its error code."""
    text = str(error)
    return text.split(" : ", 3)[-1] if text.startswith("[ONNXRuntimeError]") else text
