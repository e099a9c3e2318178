"""Time torchlogix's convolutional networks, as a whole, beside torch: loading and running.

    python benchmarks/run_convolution.py ClgnCifar10Small ClgnCifar10Medium

Everything runs on one thread. The gates are random; the scores of every row are compared with
torch's first. `layers` runs the exported file in onnxruntime with the lgnx kernels, node by node;
`session` is what `lgnx.InferenceSession` makes of that file by itself; `network` is the file that
`lgnx lower --to network` writes. Torch takes as many samples as fit into a second or two.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from export_convolution import make_network
from rich.console import Console
from rich.table import Table

import lgnx

BATCHES = (1, 64, 512)
COMPARED = 8


def fastest(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Shortest time of several runs, in seconds."""
    times: list[float] = []
    while sum(times) < seconds or len(times) < 2:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def one_thread() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return options


def plain_session(path: Path) -> ort.InferenceSession:
    """Make a session of onnxruntime with the kernels, which runs every node by itself."""
    options = one_thread()
    lgnx.ops.register(options)
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def fused_session(path: Path) -> ort.InferenceSession:
    """Make a session of lgnx, which decides by itself what it fuses."""
    return lgnx.InferenceSession(path, one_thread())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+", help="classes of torchlogix.models")
    torch.set_num_threads(1)
    table = Table(box=None, header_style="bold")
    for column in ("network", "what runs", "load", *(f"batch {n}" for n in BATCHES), "x torch"):
        table.add_column(column, justify="left" if column in ("network", "what runs") else "right")
    for name in parser.parse_args().names:
        time_network(name, table)
    console = Console()
    console.print("microseconds a sample, fastest of several runs; the factor is of the last batch")
    console.print(table)


def time_network(name: str, table: Table) -> None:
    network, sample = make_network(name)
    generator = np.random.default_rng(0)
    shape = (max(BATCHES), *sample.shape[1:])
    x = generator.random(shape, np.float32)
    if sample.unique().numel() <= 2:
        x = x.round()
    few = torch.from_numpy(x[:COMPARED])
    with torch.no_grad():
        expected = network(few).numpy()
        torch_times = [
            fastest(partial(network, torch.from_numpy(x[:b]))) / b for b in (1, COMPARED)
        ]
    table.add_row(
        name, "torch, eval", "", f"{torch_times[0] * 1e6:,.0f}", "", f"{torch_times[1] * 1e6:,.0f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        path, lowered = Path(folder) / "layers.onnx", Path(folder) / "network.onnx"
        lgnx.export(network, sample, path)
        lgnx.save(lgnx.lower(path, to="network"), lowered)
        ways: dict[str, Callable[[], ort.InferenceSession]] = {
            "layers": partial(plain_session, path),
            "session": partial(fused_session, path),
            "network": partial(fused_session, lowered),
        }
        for way, make in ways.items():
            load = fastest(make)
            session = make()
            given = session.get_inputs()[0]
            feed = x.astype(bool) if given.type == "tensor(bool)" else x
            (scores,) = session.run(None, {given.name: feed[:COMPARED]})
            np.testing.assert_array_equal(scores, expected)
            times = [fastest(partial(session.run, None, {"x": feed[:b]})) / b for b in BATCHES]
            table.add_row(
                "",
                way,
                f"{load * 1e3:,.0f} ms",
                *(f"{t * 1e6:,.0f}" for t in times),
                f"{torch_times[1] / times[-1]:,.0f}",
            )


if __name__ == "__main__":
    main()
