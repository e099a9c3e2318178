"""difflogic 0.1.0: C code of the gates, 64 samples a word, compiled by gcc.

Its C function is called without the Python wrapper, which copies the batch and gives wrong shapes
for less than 64 samples.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import sys
import time
import types
from typing import Any

import numpy as np
from networks import Network

from engines.compiled import build, time_gates
from engines.interface import INSTALL, Engine, Ready, UnavailableError


def _module() -> Any:
    # The extension for CUDA, which is imported at once but not needed for compiled networks.
    sys.modules.setdefault("difflogic_cuda", types.ModuleType("difflogic_cuda"))
    try:
        import difflogic
    except ImportError as error:
        raise UnavailableError("not installed", INSTALL) from error
    return difflogic


def prepare(net: Network, limit: float, level: int) -> Ready:
    """Compile with the flags of ``CompiledLogicNet.compile``."""
    difflogic = _module()
    if net.layers is None:
        raise UnavailableError("dense layers only")
    version = importlib.metadata.version("difflogic")
    if level > 1:  # where -O1 does not end, -O3 is not tried
        prepare(net, limit, 1)
    flags = [f"-O{level}", "-march=native"]
    path, record = build(net, f"difflogic {version}", flags, lambda: _code(difflogic, net), limit)
    start = time.perf_counter()
    library = ctypes.CDLL(str(path))
    seconds = {**record.seconds, "load": time.perf_counter() - start}
    apply, pointer = library.apply_logic_gate_net, ctypes.c_void_p
    apply.restype = library.logic_gate_net.restype = None

    def call(x: np.ndarray) -> np.ndarray:
        out = np.empty((len(x), net.groups), np.int32)
        words = ctypes.c_size_t(len(x) // 64)
        apply(pointer(x.ctypes.data), pointer(out.ctypes.data), words)
        return out

    width = len(net.layers[-1][0])
    return Ready(call, seconds, time_gates(library.logic_gate_net, net.n_inputs, width))


def _code(difflogic: Any, net: Network) -> tuple[str, dict[str, float], dict[str, Any]]:
    import torch

    start = time.perf_counter()
    model: list[Any] = []
    width = net.n_inputs
    for a, b, ids in net.layers:
        layer = difflogic.LogicLayer(width, len(a), device="cpu", connections="random")
        layer.indices = torch.from_numpy(a).long(), torch.from_numpy(b).long()
        layer.weights = torch.nn.Parameter(torch.eye(16)[torch.from_numpy(ids).long()])
        model.append(layer)
        width = len(a)
    model.append(difflogic.GroupSum(net.groups))
    compiled = difflogic.CompiledLogicNet(torch.nn.Sequential(*model), num_bits=64)
    return compiled.get_c_code(), {"generate": time.perf_counter() - start}, {}


ENGINES = tuple(
    Engine(
        f"difflogic, gcc -O{level}{note}",
        rank,
        functools.partial(prepare, level=level),
        multiple=64,
    )
    for rank, level, note in ((10, 1, " (default)"), (11, 3, ""))
)
