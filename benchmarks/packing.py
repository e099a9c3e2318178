"""Packing against the bandwidth of memory: the engine's pack stage for each dtype, one thread.

    python benchmarks/packing.py

The probe reads an array as large as the batch of float32 with numpy, which does nothing but read.
Every dtype goes through 784 features and one threshold each (bool and packed words: none), and is
measured beside the probe, round by round; the minimum of the rounds is shown.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from lgnx.ops import engine
from lgnx.ops.program import Program, encode

FEATURES = 784


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=131_072)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--per-feature", type=int, default=1, help="thresholds of a feature")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    console = Console(highlight=False)
    table = Table(title=f"{options.samples:,} × {FEATURES} features, {engine.simd()}", box=None)
    for column in ("dtype", "ns a sample", "GB/s", "probe GB/s", "of the probe"):
        table.add_column(column, justify="left" if column == "dtype" else "right")
    dtypes = ("bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64")
    for name in dtypes:
        with console.status(name):
            packed, probe = measure(np.dtype(name), options)
        rate = FEATURES * np.dtype(name).itemsize / packed
        table.add_row(
            name, f"{packed:.0f}", f"{rate:.1f}", f"{probe:.1f}", f"{100 * rate / probe:.0f} %"
        )
    console.print(table)


def measure(dtype: np.dtype, options: argparse.Namespace) -> tuple[float, float]:
    """Nanoseconds of packing a sample, and the probe in GB/s, the best of all rounds."""
    per_feature = 1 if dtype.kind == "b" else options.per_feature
    n_inputs = FEATURES * per_feature
    # All inputs are alive, and none is evaluated.
    outputs = 2 * np.arange(1, 1 + n_inputs, dtype=np.uint32)
    program = engine.NativeProgram(encode(Program(n_inputs, [], outputs)))
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (options.samples, FEATURES), np.uint8).astype(dtype)
    thresholds = None
    if dtype.kind != "b":
        thresholds = np.zeros((FEATURES, per_feature), dtype)
    probe = np.ones(options.samples * FEATURES // 2, np.uint64)
    packed, read = [], []
    for _ in range(options.rounds):
        seconds = program.profile(x, thresholds, groups=1).pack
        packed.append(seconds / options.samples * 1e9)
        start = time.perf_counter()
        np.bitwise_or.reduce(probe)
        read.append(probe.nbytes / (time.perf_counter() - start) / 1e9)
    return min(packed), max(read)


if __name__ == "__main__":
    main()
