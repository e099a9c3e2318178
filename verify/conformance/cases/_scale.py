"""Scales of scores that GroupSum and LogicNetwork must refuse alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import TensorProto

WHOLE = {"int32": (TensorProto.INT32, 3e9), "int64": (TensorProto.INT64, 1e19)}
"""For each integer type of scores its number, and a value beyond it."""


def scale_errors() -> Iterator[tuple[str, str, str, Any, dict[str, Any]]]:
    """Give name, field, description, type of the output (or None) and attributes of each error."""
    for name, tau in (("0", 0.0), ("negative", -1.0), ("infinite", np.inf), ("nan", np.nan)):
        yield f"tau_{name}", "tau", f"tau is {tau:g}", np.float32, {"tau": tau}
    for field in ("bias", "beta"):
        for name, value in (("nan", np.nan), ("infinite", np.inf), ("low", -np.inf)):
            yield f"{field}_{name}", field, f"{field} is {value:g}", np.float32, {field: value}
    for kind, (dtype, large) in WHOLE.items():
        values = {"tau": ("tau", 2.0), "fraction": ("bias", 0.5), "large": ("bias", large)}
        values |= {"fraction_at_the_end": ("beta", 0.5), "low": ("beta", -large)}
        for name, (field, value) in values.items():
            attributes = {field: value, "dtype": int(dtype)}
            covers = f"{field} is {value:g} for {kind} scores"
            yield f"{kind}_{name}", field, covers, np.dtype(kind), attributes
    yield "float16", "dtype", "float16 scores", None, {"dtype": 10}
