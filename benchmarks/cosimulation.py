"""Time the co-simulation of a million samples: 784 bits, 4 layers of 4,000 gates, 10 classes.

    python benchmarks/cosimulation.py [--samples 1000000] [--layer 4000] [--layers 4]

Random samples, corners of the input and the digits' test images go through the lanes, and a part of
them through the ordinary simulation as well; all outputs are compared with onnxruntime's. The cache
is cold. Goals: under two minutes on two cores, build included; 1,500,000 samples/s in the lanes.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cosim_large import ChildMemory
from random_model import random_model
from rich.progress import track

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.network import Network
from lgnx.verify.cosim import CoSimulation, random_inputs
from lgnx.verify.digits import load_digits
from lgnx.verify.lanes import LaneSimulation, compare_lanes

INPUTS, GROUPS, BATCH = 784, 10, 1 << 16
LEVELS = 12  # thresholds of a pixel, which make 768 bits of an image


def digits() -> np.ndarray:
    """The digits' test images as bits."""
    _, _, x, _ = load_digits()
    bits = x[:, :, None] > np.arange(LEVELS) / LEVELS
    return np.pad(bits.reshape(len(x), -1), ((0, 0), (0, INPUTS - 64 * LEVELS)))


def batches(simulation: LaneSimulation, samples: int) -> Iterator[np.ndarray]:
    """All samples; the first ones of each random batch are corners."""
    for start in range(0, samples, BATCH):
        yield random_inputs(simulation.rtl, min(BATCH, samples - start), seed=start)
    yield digits()


class Clock:
    """Prints what a step took: wall time, and the processors' time of all processes."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), self.processors()

    @staticmethod
    def processors() -> float:
        own, children = (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return sum(usage.ru_utime + usage.ru_stime for usage in (own, children))

    def tell(self, step: str) -> float:
        wall, cpu = time.perf_counter(), self.processors()
        print(f"{step}: {wall - self.wall:.1f} s, {cpu - self.cpu:.1f} s of processors")
        took, self.wall, self.cpu = wall - self.wall, wall, cpu
        return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--layer", type=int, default=4_000)
    parser.add_argument("--layers", type=int, default=4)
    given = parser.parse_args()
    memory = ChildMemory()
    memory.start()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        path, rtl, cache = (Path(folder) / name for name in ("model.onnx", "rtl", "cache"))
        lgnx.save(random_model(INPUTS, [given.layer] * given.layers, GROUPS), path)
        clock = Clock()
        sidecar = write_rtl(Network.from_model(path), rtl, stages_every=1)
        total = clock.tell(f"write the RTL of {sidecar['gates']:,} gates")
        lanes = LaneSimulation(rtl, path, cache_dir=cache)
        total += clock.tell("build the lanes")
        ordinary = CoSimulation(rtl, cache_dir=cache)
        total += clock.tell("build the ordinary simulation")
        print(f"processes of the builds together: {memory.peak / 1e6:,.0f} MB at most")
        compared = mismatches = 0
        number = -(-given.samples // BATCH) + 1
        for x in track(batches(lanes, given.samples), "comparing", total=number):
            report = compare_lanes(lanes, ordinary, path, x)
            compared, mismatches = compared + report.samples, mismatches + report.mismatches
        total += clock.tell(f"make and compare {compared:,} samples, {mismatches} mismatches")
        print(f"all together: {total:.1f} s")
        x = random_inputs(lanes.rtl, BATCH)
        lanes.run(x)
        times = []
        for _ in range(30):
            started = time.perf_counter()
            lanes.run(x)
            times.append(time.perf_counter() - started)
        print(f"{BATCH:,} samples in the lanes, from bool to counts, of {len(times)} times:")
        for what, seconds in (("median", float(np.median(times))), ("best", min(times))):
            print(f"  {BATCH / seconds:,.0f} samples/s ({what})")
        clock = Clock()
        ordinary.run(x)
        seconds = clock.tell(f"{BATCH:,} samples in the ordinary simulation")
        print(f"  {BATCH / seconds:,.0f} samples/s")
        session = lgnx.InferenceSession(path)
        clock = Clock()
        session.run(None, {"x": x})
        seconds = clock.tell(f"{BATCH:,} samples in onnxruntime")
        print(f"  {BATCH / seconds:,.0f} samples/s")


if __name__ == "__main__":
    main()
