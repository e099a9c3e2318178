"""lgnx: a session on a network-level file, as a user makes it."""

from __future__ import annotations

import time

import numpy as np
import onnxruntime
from networks import Network

import lgnx
from engines.interface import OUT, Engine, Ready
from lgnx.network import Network as LoweredNetwork
from lgnx.ops.engine import NativeProgram
from lgnx.ops.program import encode
from lgnx.passes import lower


def session(net: Network, threads: int = 1, level: str = "network") -> lgnx.InferenceSession:
    """Make a session of the network's file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return lgnx.InferenceSession(model_file(net, level), options)


def model_file(net: Network, level: str = "network") -> str:
    """Write the network at a level, and give the path."""
    path = OUT / "networks" / f"{net.name}-{level}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    model = net.model()
    lgnx.save(model if level == "layer" else lower(model, to=level), path)
    return str(path)


def prepare(net: Network, limit: float) -> Ready:
    """Load the file; the gates are timed by the engine itself."""
    model_file(net)
    start = time.perf_counter()
    made = session(net)
    seconds = {"load": time.perf_counter() - start}
    lowered = LoweredNetwork.from_model(lower(net.model(), to="network"))
    program = NativeProgram(encode(lowered.netlist.to_program()))

    def gates(x: np.ndarray) -> float:
        return program.profile(x, groups=net.groups).gates

    return Ready(lambda x: made.run(None, {"x": x})[0], seconds, gates)


ENGINES = (Engine("lgnx", 0, prepare),)
