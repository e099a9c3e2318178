"""Time lowering and optimising a large network: 784 bits, 6 layers of 64,000 gates.

    python benchmarks/lower_large.py

Goal: lowering to the network level and optimising it under 2 s. The proof that the optimised
network equals the first one is timed apart; `load_networks.py` measures sessions.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from random_model import random_model

import lgnx


def timed(label: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = work()
    print(f"{label}: {time.perf_counter() - started:.3f} s")
    return result


def main() -> None:
    model = random_model(784, [64_000] * 6, 10)
    with tempfile.TemporaryDirectory() as folder:
        layers = Path(folder) / "layers.onnx"
        lgnx.save(model, layers)
        timed("load lgnx and onnx passes", lambda: (lgnx.lower, lgnx.optimize))
        timed("lower to the bitwise level", lambda: lgnx.lower(layers, to="bitwise"))
        _, reports = timed(
            "lower to the network level and optimise", lambda: lgnx.optimize(layers, prove=False)
        )
        report = reports[0]
        print(f"  {report.nodes_before:,} nodes to {report.nodes_after:,}")
        _, reports = timed("lower, optimise and prove", lambda: lgnx.optimize(layers))
        print(f"  {reports[0].verdict}")


if __name__ == "__main__":
    main()
