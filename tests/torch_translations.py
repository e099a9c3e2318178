"""Faster exports, for tests that make many of them in one process."""

from __future__ import annotations

import functools
from typing import Any

import pytest


def gather_once(patch: pytest.MonkeyPatch) -> None:
    """Let torch gather its translations to ONNX once, not in each export, which takes a second."""
    from torch._export import utils
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    gather = functools.cache(ONNXRegistry.from_torchlib)

    def copied(**options: Any) -> ONNXRegistry:
        registry = ONNXRegistry()
        gathered = gather(**options)
        registry._opset_version = gathered._opset_version
        registry.functions = {target: list(found) for target, found in gathered.functions.items()}
        return registry

    patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(copied))
    # Operators that are registered later are found when they are used.
    find = functools.cache(utils._materialize_cpp_cia_ops)
    patch.setattr(utils, "_materialize_cpp_cia_ops", find)
