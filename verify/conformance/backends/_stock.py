"""Stock onnxruntime, for the backends that end there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from lgnx.verify.conformance.backend import Run


def stock_session(
    model: onnx.ModelProto, register: Callable[[Any], None] = lambda options: None
) -> Run:
    """Give a function that runs a model in onnxruntime on the CPU, one session for all inputs.

    Parameters
    ----------
    register
        Called with the session options.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    register(options)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return list(session.run(None, dict(inputs)))

    return run
