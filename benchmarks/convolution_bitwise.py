"""Convolutional networks on stock onnxruntime, one thread: bitwise level against layer level.

    python benchmarks/convolution_bitwise.py

The layer level runs the definitions of its operators, which `lgnx.attach_functions` writes into the
file; the bitwise level is what `lgnx lower --to bitwise` writes. Both scores are compared first.
MNIST has one block of 16 kernels, CIFAR-S the four blocks of the small network for CIFAR-10 of
"Convolutional Differentiable Logic Gate Networks" (2024); gates are random. The minimum of the runs
is shown. Memory is what running adds to the peak of a process that runs that batch alone; it is
read from /proc.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from random_convolution import random_convolution
from rich.console import Console
from rich.table import Table

import lgnx
import lgnx.passes  # so that it does not count as lowering

NETWORKS = {
    "MNIST": (1, 28, (16,), (4_000, 4_000), 10),
    "CIFAR-S": (9, 32, (32, 128, 512, 1024), (40_960, 20_480, 10_240), 10),
}
BATCHES = {"layer": (1, 8), "bitwise": (1, 64, 512)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    console = Console(highlight=False)
    for name in options.networks:
        model = random_convolution(*NETWORKS[name])
        started = time.perf_counter()
        bitwise = lgnx.lower(model, to="bitwise")
        seconds = time.perf_counter() - started
        console.print(
            f"{name}: {len(model.graph.node)} layers, {len(bitwise.graph.node)} nodes at the "
            f"bitwise level, lowered in {seconds:.2f} s; "
            f"{model.ByteSize() / 1e6:.2f} and {bitwise.ByteSize() / 1e6:.2f} MB"
        )
        levels = {"layer": lgnx.attach_functions(model), "bitwise": bitwise}
        compare(levels, sample_shape(model))
        table = Table(box=None)
        for column in ("level", "batch", "load ms", "ms a call", "µs a sample", "MB more"):
            table.add_column(column, justify="left" if column == "level" else "right")
        for level, proto in levels.items():
            for batch in BATCHES[level]:
                load, call, peak = apart(proto.SerializeToString(), batch, options.runs)
                table.add_row(
                    level,
                    str(batch),
                    f"{1e3 * load:.0f}",
                    f"{1e3 * call:,.1f}",
                    f"{1e6 * call / batch:,.0f}",
                    f"{peak / 1e6:,.0f}",
                )
        console.print(table, "")


def sample_shape(model: onnx.ModelProto) -> list[int]:
    return [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def samples(shape: list[int], n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, (n, *shape), np.uint8).view(bool)


def compare(levels: dict[str, onnx.ModelProto], shape: list[int]) -> None:
    """Compare the scores of a few samples, exactly."""
    x = samples(shape, 3)
    first, *others = (
        session(proto.SerializeToString()).run(None, {"x": x})[0] for proto in levels.values()
    )
    for other in others:
        np.testing.assert_array_equal(other, first)


def apart(content: bytes, batch: int, runs: int) -> tuple[float, float, int]:
    """Seconds to load and for a call, and bytes, measured in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (content, batch, runs))


def measure(content: bytes, batch: int, runs: int) -> tuple[float, float, int]:
    started = time.perf_counter()
    runner = session(content)
    load = time.perf_counter() - started
    x, times = samples(runner.get_inputs()[0].shape[1:], batch), []
    before = peak_bytes()
    for _ in range(1 + runs):
        started = time.perf_counter()
        runner.run(None, {"x": x})
        times.append(time.perf_counter() - started)
    return load, min(times[1:]), peak_bytes() - before


def peak_bytes() -> int:
    """Largest resident size since the program began; ru_maxrss is inherited from the parent."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()
