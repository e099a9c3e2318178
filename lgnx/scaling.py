"""The scaling of samples that a model expects to be done before it: ``(x - mean) / scale``.

>>> scaling = InputScaling.of_model("model.onnx")
>>> session.run(None, {"x": scaling.apply(raw, np.float32)})
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from lgnx.files import as_proto, model_name
from lgnx.metadata import INPUT_SCALING
from lgnx.ops.errors import InputError, ModelError

__all__ = ["InputScaling"]


@dataclass(frozen=True, eq=False)
class InputScaling:
    """What metadata ``lgnx.input_scaling`` says.

    Attributes
    ----------
    mean, scale
        float64 of the shape of a sample.
    """

    mean: np.ndarray
    scale: np.ndarray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputScaling) and all(
            np.array_equal(a.ravel(), b.ravel())
            for a, b in ((self.mean, other.mean), (self.scale, other.scale))
        )

    def apply(self, x: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
        """Scale raw samples: in float64, and then rounded once to the model's dtype.

        Parameters
        ----------
        x
            ``[batch, ...]`` numbers as they were before the scaling.

        Raises
        ------
        InputError
            If they are no numbers, or too few or many.
        """
        x = np.asarray(x)
        if x.dtype.kind not in "biuf" or x.ndim < 1 or x.size != len(x) * self.mean.size:
            raise InputError(
                f"raw samples are {x.dtype}{list(x.shape)}; the scaling takes "
                f"{self.mean.size} numbers per sample, with the samples on the first axis"
            )
        rows = x.reshape(len(x), *self.mean.shape).astype(np.float64)
        with np.errstate(over="ignore"):
            return ((rows - self.mean) / self.scale).astype(dtype)

    @staticmethod
    def of(value: Any, shape: Sequence[int], where: str) -> InputScaling:
        """Read a JSON object with ``mean`` and ``scale``; one that is missing does nothing.

        Parameters
        ----------
        value
            The object. Each list has a number for every number of a sample, for each place on the
            sample's first axis (the channels of an image), or one for all.
        shape
            Of a sample.
        where
            Stands before messages.

        Raises
        ------
        ModelError
            If it is not of this form.
        """
        if not isinstance(value, Mapping) or not set(value) <= {"mean", "scale"}:
            raise ModelError(f"{where}: must be a JSON object with 'mean' and 'scale'")
        size = math.prod(shape)
        both = []
        for key, nothing in (("mean", 0.0), ("scale", 1.0)):
            given = value.get(key, [nothing])
            plain = isinstance(given, list) and all(
                isinstance(n, (int, float)) and not isinstance(n, bool) for n in given
            )
            if not plain or len(given) not in {1, size, shape[0] if shape else 1}:
                raise ModelError(
                    f"{where}: {key} must be a list of numbers: 1, {size}, or one for each place "
                    "on the first axis of a sample"
                )
            numbers = np.array(given, np.float64)
            if not np.isfinite(numbers).all() or (key == "scale" and (numbers <= 0).any()):
                above = ", above 0" if key == "scale" else ""
                raise ModelError(f"{where}: {key} must be finite{above}")
            if len(numbers) == size:
                numbers = numbers.reshape(shape)
            elif len(numbers) > 1:
                numbers = numbers.reshape(-1, *[1] * (len(shape) - 1))
            both.append(np.broadcast_to(numbers, tuple(shape)))
        return InputScaling(*both)

    @staticmethod
    def of_text(text: str | None, shape: Sequence[int], where: str) -> InputScaling | None:
        """Read the value of the metadata; None stays None.

        Raises
        ------
        ModelError
            As `of`.
        """
        if text is None:
            return None
        where = f"{where}: metadata {INPUT_SCALING!r}"
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ModelError(f"{where}: must be a JSON object with 'mean' and 'scale'") from None
        return InputScaling.of(value, shape, where)

    @staticmethod
    def of_model(model: Any) -> InputScaling | None:
        """Read the scaling of a model with one input; None where the model has none.

        Raises
        ------
        ModelError
            If the model cannot be read, its scaling is not of this form, or its input has no
            static shape.
        """
        proto, where = as_proto(model), model_name(model)
        text = next((e.value for e in proto.metadata_props if e.key == INPUT_SCALING), None)
        if text is None:
            return None
        shape = _sample_shape(proto, where)
        return InputScaling.of_text(text, shape, where)


def _sample_shape(proto: onnx.ModelProto, where: str) -> tuple[int, ...]:
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    shape = inputs[0].type.tensor_type.shape.dim[1:] if len(inputs) == 1 else []
    extents = tuple(dim.dim_value for dim in shape)
    if not extents or min(extents) < 1:
        raise ModelError(
            f"{where}: metadata {INPUT_SCALING!r} needs one input of [batch, ...] with a static "
            "shape behind the batch"
        )
    return extents
