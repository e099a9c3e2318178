"""Time the co-simulation of pipelined RTL: 784 bits, 4 layers of 4,000 gates, 10 classes.

    python benchmarks/cosim_large.py

Goals: at least 40,000 samples/s; built in under 90 s on two cores with under 1 GB.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from random_model import random_model

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.network import Network
from lgnx.verify.simulation import CoSimulation

SAMPLES = 100_000


class ChildMemory(threading.Thread):
    """Watches how much memory the processes that this one started hold together."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, self.now())
            time.sleep(0.05)

    @staticmethod
    def now() -> int:
        parents, sizes = {}, {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            parents[int(entry.name)] = int(fields[1])
            sizes[int(entry.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        total = 0
        for process in sizes:
            ancestor = parents[process]
            while ancestor not in (0, os.getpid()):
                ancestor = parents.get(ancestor, 0)
            total += sizes[process] if ancestor else 0
        return total


def main() -> None:
    memory = ChildMemory()
    memory.start()
    model = random_model(784, [4_000] * 4, 10)
    x = np.random.default_rng(1).random((SAMPLES, 784)) < 0.5
    with tempfile.TemporaryDirectory() as folder:
        path, rtl, cache = (Path(folder) / name for name in ("model.onnx", "rtl", "cache"))
        lgnx.save(model, path)
        started = time.perf_counter()
        sidecar = write_rtl(Network.from_model(path), rtl, stages_every=1)
        print(f"write the RTL: {time.perf_counter() - started:.2f} s, {sidecar['gates']:,} gates")
        started = time.perf_counter()
        simulation = CoSimulation(rtl, cache_dir=cache)
        print(f"build: {time.perf_counter() - started:.1f} s")
        simulation.scores(x[:64])
        started = time.perf_counter()
        scores = simulation.scores(x)
        seconds = time.perf_counter() - started
        print(f"simulate {SAMPLES:,} samples: {SAMPLES / seconds:,.0f} samples/s")
        expected = lgnx.InferenceSession(path).run(None, {"x": x})[0]
        print(f"mismatches with onnxruntime: {(scores != expected).any(axis=1).sum()}")
    print(f"compilers together: {memory.peak / 1e6:,.0f} MB at most")


if __name__ == "__main__":
    main()
