"""Fixing the batch size of a model, for tools that want static shapes."""

from __future__ import annotations

import onnx
import onnx.shape_inference

import lgnx.ops  # noqa: F401  (registers the schemas that shape inference needs)
from lgnx.ops.errors import InputError, ModelError

__all__ = ["set_batch"]


def set_batch(model: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """Return a copy of a model whose batch size is fixed, with every intermediate shape recorded.

    Parameters
    ----------
    model
        A model whose inputs have the batch as their first axis.
    batch
        The number of samples, at least 1.

    Raises
    ------
    InputError
        If `batch` is not positive.
    ModelError
        If an input has no batch axis, has another fixed size, or the shapes do not follow.
    """
    if batch < 1:
        raise InputError(f"the batch must be at least 1, not {batch}")
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    constants = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name in constants:
            continue
        dims = value.type.tensor_type.shape.dim
        if not dims:
            raise ModelError(f"input {value.name!r} has no batch axis")
        if dims[0].HasField("dim_value") and dims[0].dim_value != batch:
            raise ModelError(
                f"input {value.name!r} has the fixed batch {dims[0].dim_value}, which cannot "
                f"become {batch}"
            )
        dims[0].dim_value = batch
    described = {value.name: value for value in model.graph.value_info}
    del graph.value_info[:]
    for value in graph.output:  # their symbols would contradict the new sizes
        value.type.tensor_type.ClearField("shape")
    try:
        result = onnx.shape_inference.infer_shapes(result, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise ModelError(f"shapes do not follow from a batch of {batch}: {error}") from None
    for value in result.graph.value_info:
        if value.name in described:
            value.doc_string = described[value.name].doc_string
            value.metadata_props.extend(described[value.name].metadata_props)
    return result
