"""torchlogix: ``Circuit.from_model``, ``simplify`` and ``compile``: C code compiled by gcc.

Its C function is called without the Python wrapper.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import time
from typing import Any

import numpy as np
from networks import Network

from engines.compiled import build
from engines.interface import INSTALL, Engine, Ready, UnavailableError

_C_TYPES = {
    "float": np.float32,
    "uint8_t": np.uint8,
    "uint16_t": np.uint16,
    "uint32_t": np.uint32,
}


def circuit_class() -> Any:
    """``torchlogix.Circuit``, or `UnavailableError`."""
    try:
        from torchlogix import Circuit
    except ImportError as error:
        raise UnavailableError("not installed", INSTALL) from error
    except SyntaxError as error:
        raise UnavailableError("not for this Python", INSTALL) from error
    if Circuit is None:  # lgnx stands in for the file that is no code of this Python
        raise UnavailableError("not for this Python", INSTALL)
    return Circuit


def torch_model(net: Network) -> Any:
    """Build the layers of torchlogix, in evaluation mode; they give counts."""
    circuit_class()
    if net.layers is None:
        return net.torch_model()
    import torch
    from torchlogix.layers import GroupSum, LogicDense

    model: list[Any] = []
    width = net.n_inputs
    for a, b, ids in net.layers:
        layer = LogicDense(width, len(a))
        layer.connections.indices = torch.from_numpy(np.stack([a, b])).long()
        layer.weight = torch.nn.Parameter(torch.eye(16)[torch.from_numpy(ids).long()])
        model.append(layer)
        width = len(a)
    return torch.nn.Sequential(*model, GroupSum(net.groups)).eval()


def prepare(net: Network, limit: float, pack: int | None, level: int) -> Ready:
    """Compile with the flags of ``Circuit.compile``."""
    circuit_class()
    version = importlib.metadata.version("torchlogix")
    if level > 1:  # where -O1 does not end, -O3 is not tried
        prepare(net, limit, pack, 1)
    path, record = build(
        net,
        f"torchlogix {version} simplified pack={pack}",
        [f"-O{level}"],
        lambda: _code(net, pack),
        limit,
    )
    start = time.perf_counter()
    library = ctypes.CDLL(str(path))
    seconds = {**record.seconds, "load": time.perf_counter() - start}
    function = library.circuit_bench_bool if pack else library.circuit_bench
    function.restype = None
    pointer, number = ctypes.c_void_p, ctypes.c_int
    dtype = _C_TYPES[record.facts["type"]]

    def call(x: np.ndarray) -> np.ndarray:
        out = np.empty((len(x), net.groups), dtype)
        function(pointer(x.ctypes.data), pointer(out.ctypes.data), number(len(x)))
        return out

    return Ready(call, seconds)


def _code(net: Network, pack: int | None) -> tuple[str, dict[str, float], dict[str, Any]]:
    from torchlogix.circuit import _c_output_dtype

    model = torch_model(net)
    start = time.perf_counter()
    circuit = circuit_class().from_model(model, net.shape)
    traced = time.perf_counter()
    circuit.simplify()
    simplified = time.perf_counter()
    code = circuit.get_c_code(pack_bits=pack)
    seconds = {
        "trace": traced - start,
        "simplify": simplified - traced,
        "generate": time.perf_counter() - simplified,
    }
    return code, seconds, {"type": _c_output_dtype(circuit.sum_nodes), "gates": len(circuit.gates)}


ENGINES = tuple(
    Engine(
        f"torchlogix{' pack64' if pack else ''}, gcc -O{level}{note}",
        rank,
        functools.partial(prepare, pack=pack, level=level),
        multiple=pack or 1,
    )
    for rank, pack, level, note in (
        (20, None, 1, " (default)"),
        (21, 64, 1, ""),
        (22, 64, 3, ""),
    )
)
