"""lgnx beside its peers: the same networks and samples, job by job in one process, on one core.

    python benchmarks/peers.py HEP S --difflogic path/of/the/unpacked/sdist

Every peer's scores are compared with those of lgnx first. difflogic is compiled by itself (gcc -O1,
its default, and -O3), and called without the copy that its Python wrapper makes. Where it is not
installed, the folder of its sdist serves; its CUDA extension is not needed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from networks import SHAPES, RandomNetwork, layer_model, network
from plain_onnx import plain_model
from rich.console import Console
from rich.table import Table

import lgnx
from lgnx.passes import lower

Call = Callable[[np.ndarray], np.ndarray]
COMPARED = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["HEP"], metavar="NAME")
    parser.add_argument("--difflogic", metavar="DIR", help="unpacked sdist, if not installed")
    parser.add_argument("--samples", type=int, default=131_072)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if unknown := set(options.networks) - set(SHAPES):
        parser.error(f"no network {', '.join(sorted(unknown))}; there are {', '.join(SHAPES)}")
    if options.samples % 64:
        parser.error("--samples must be a multiple of 64, which difflogic wants")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for name in options.networks:
        compare(name, network(name), options)


def compare(name: str, net: RandomNetwork, options: argparse.Namespace) -> None:
    """Measure one network and print its table."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, (options.samples, net.n_inputs), np.uint8).view(bool)
    few = options.samples if name == "HEP" else COMPARED
    few = min(few, 256 if name == "M" else COMPARED)
    data = lower(layer_model(net), to="network").SerializeToString()
    started = time.perf_counter()
    calls: dict[str, tuple[Call, int]] = {
        "lgnx": (session(lgnx.InferenceSession, data), options.samples)
    }
    ready = {"lgnx": time.perf_counter() - started}
    for level in (1, 3):
        started = time.perf_counter()
        if call := difflogic(net, level, options.difflogic, name):
            calls[f"difflogic -O{level}"] = (call, options.samples)
            ready[f"difflogic -O{level}"] = time.perf_counter() - started
    started = time.perf_counter()
    stock = session(onnxruntime.InferenceSession, plain_model(net).SerializeToString())
    calls["plain ONNX, stock onnxruntime"] = (stock, few)
    ready["plain ONNX, stock onnxruntime"] = time.perf_counter() - started

    expected = calls["lgnx"][0](x[:COMPARED])
    times: dict[str, list[float]] = {}
    for peer, (call, n) in calls.items():
        n = min(n, COMPARED)
        if not (call(x[:n]) == expected[:n]).all():
            sys.exit(f"{name}: {peer} gives other scores than lgnx")
        times[peer] = []
    for _ in range(options.rounds):
        for peer, (call, n) in calls.items():
            start = time.perf_counter()
            call(x[:n])
            times[peer].append((time.perf_counter() - start) / n * 1e9)
    show(name, times, ready)


def session(kind: type, model: bytes) -> Call:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    made = kind(model, options, providers=["CPUExecutionProvider"])
    return lambda x: made.run(None, {"x": x})[0]


def difflogic(net: RandomNetwork, level: int, folder: str | None, name: str) -> Call | None:
    """Compile the network with difflogic; None where it is not there, or would not finish."""
    if name == "M":  # gcc does not finish in 400 s
        return None
    if folder:
        sys.path.insert(0, folder)
        sys.modules.setdefault("difflogic_cuda", types.ModuleType("difflogic_cuda"))
    try:
        import torch
        from difflogic import CompiledLogicNet, GroupSum, LogicLayer
    except ImportError as error:
        print(f"difflogic is left out: {error}", file=sys.stderr)
        return None
    with contextlib.redirect_stdout(io.StringIO()):
        model: list[Any] = []
        width = net.n_inputs
        for a, b, ids in net.layers:
            layer = LogicLayer(width, len(a), device="cpu", connections="random")
            layer.indices = torch.from_numpy(a).long(), torch.from_numpy(b).long()
            layer.weights = torch.nn.Parameter(torch.eye(16)[torch.from_numpy(ids).long()])
            model.append(layer)
            width = len(a)
        model.append(GroupSum(net.groups))
        compiled = CompiledLogicNet(torch.nn.Sequential(*model), num_bits=64)
        compiled.compile(opt_level=level)

    def call(x: np.ndarray) -> np.ndarray:
        out = np.empty(len(x) * net.groups, np.int32)
        compiled.lib_fn(x.reshape(-1), out, len(x) // 64)
        return out.reshape(len(x), net.groups)

    return call


def show(name: str, times: dict[str, list[float]], ready: dict[str, float]) -> None:
    n_inputs, widths, groups = SHAPES[name]
    shape = f"{n_inputs} -> {' -> '.join(map(str, widths))} -> {groups}"
    table = Table(title=f"{name}: {shape}", box=None)
    for column in ("", "ready in", "min ns", "median ns", "over lgnx (min)", "(median)"):
        table.add_column(column, justify="left" if not column else "right")
    best, middle = min(times["lgnx"]), float(np.median(times["lgnx"]))
    for peer, values in times.items():
        low, median = min(values), float(np.median(values))
        table.add_row(
            peer,
            f"{ready[peer]:.3f} s",
            f"{low:,.1f}",
            f"{median:,.1f}",
            f"{low / best:,.1f} x",
            f"{median / middle:,.1f} x",
        )
    Console(highlight=False).print(table, f"onnx {onnx.__version__}, onnxruntime "
                                   f"{onnxruntime.__version__}\n")  # fmt: skip


if __name__ == "__main__":
    main()
