"""Standard ONNX operators on bytes, on stock onnxruntime."""

from __future__ import annotations

import time

import numpy as np
import onnxruntime
from networks import Network
from plain_model import plain_model

from engines.interface import Engine, Ready, UnavailableError


def prepare(net: Network, limit: float) -> Ready:
    """Load the model that is written without lgnx."""
    if net.layers is None:
        raise UnavailableError("dense layers only")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = plain_model(net).SerializeToString()
    start = time.perf_counter()
    made = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    seconds = {"load": time.perf_counter() - start}

    def call(x: np.ndarray) -> np.ndarray:
        return made.run(None, {"x": x})[0]

    return Ready(call, seconds)


ENGINES = (Engine("onnxruntime, plain ONNX on bytes", 40, prepare, bits=1 << 21),)
