"""`lgnx.InferenceSession`: Boolean regions fused to the network level, and the custom operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from lgnx.verify.conformance.backend import Backend, Run


class Session(Backend):
    """The session that users open, with the best instruction set of the machine."""

    name = "session"
    title = "lgnx session"
    detects = frozenset({"node", "data"})

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Open one session for all inputs."""
        import onnxruntime

        from lgnx.session import InferenceSession

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = InferenceSession(model, options)

        def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            return list(session.run(None, dict(inputs)))

        return run


def backends() -> Iterator[Backend]:
    """Give the backend."""
    yield Session()
