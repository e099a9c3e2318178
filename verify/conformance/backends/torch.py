"""`lgnx.to_torch`: the model as a torch module."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from lgnx.verify.conformance.backend import Backend, Run
from lgnx.verify.conformance.case import Case

OTHER_LEVELS = frozenset({"PackBits", "UnpackBits", "BitCount", "LogicNetwork"})


class Torch(Backend):
    """torch on the CPU."""

    name = "torch"
    title = "torch"
    detects = frozenset({"file", "node"})

    def missing(self) -> str | None:
        """Ask whether torch is installed."""
        found = importlib.util.find_spec("torch") is not None
        return None if found else "torch is not installed: pip install 'lgnx[torch]'"

    def supports(self, case: Case) -> str | None:
        """Leave aside the levels that have no torch modules."""
        if case.operator in OTHER_LEVELS:
            return "packed words and gate programs have no torch modules"
        return None

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Make the module."""
        import torch

        import lgnx

        module = lgnx.to_torch(model)
        names = [value.name for value in model.graph.input]

        def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            with torch.inference_mode():
                y = module(*(torch.from_numpy(np.array(inputs[name])) for name in names))
            return [part.numpy() for part in (y if isinstance(y, tuple) else (y,))]

        return run


def backends() -> Iterator[Backend]:
    """Give the backend."""
    yield Torch()
