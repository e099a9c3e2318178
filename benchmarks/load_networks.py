"""Time and memory of loading networks from network- and layer-level files, on one thread.

    python benchmarks/load_networks.py [HEP S M XL]

Every figure comes from processes of its own. XL has ten million gates; a few of its scores are
compared with numpy.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from load_probe import MEMORY_BATCH
from networks import SHAPES, LayerNetwork, layer_model, network
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

from lgnx.passes import lower

NAMES = ("HEP", "S", "M", "XL")
SHAPES["XL"] = (784, (1_000_000,) * 10, 10)
REPEATS = {"HEP": 60, "S": 30, "M": 10, "XL": 3}
FRESH = {"HEP": 5, "S": 5, "M": 5, "XL": 1}  # processes, for the first session in one
BATCH = 1024
COMPARED = 8

console = Console(highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NAMES, metavar="NAME")
    names = parser.parse_args().networks
    if unknown := set(names) - set(NAMES):
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(NAMES)}")
    times = _table("Session creation, ms", "file MB", "first", "minimum", "median", "peak MB")
    memory = _table(
        f"Memory after a run of {MEMORY_BATCH:,} samples, MB", "peak", "above onnxruntime"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            files = write(name, Path(folder))
            for level, path in files.items():
                times.add_row(*creation(name, level, path))
            if name == "XL":
                continue
            for row in memory_rows(name, files):
                memory.add_row(*row)
    console.print(times)
    if memory.rows:
        console.print(memory)


def write(name: str, folder: Path) -> dict[str, Path]:
    """Write a network at both levels, and for XL some samples with their scores."""
    net = network(name)
    with progress(f"{name}: writing its files"):
        layers = layer_model(net)
        models = {"network": lower(layers, to="network"), "layer": layers}
        models["identity"] = identity(net.n_inputs)
        files = {level: folder / f"{name}.{level}.onnx" for level in models}
        for level, model in models.items():
            files[level].write_bytes(model.SerializeToString())
    if name == "XL":
        with progress(f"{name}: {COMPARED} samples in numpy"):
            x = net.samples(COMPARED)
            np.savez(folder / "XL.npz", x=x, y=scores(net, x))
    del files["identity"]
    return files


def identity(n: int) -> onnx.ModelProto:
    """A model for stock onnxruntime, with the input of a network."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", n])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["batch", n])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def scores(net: LayerNetwork, x: np.ndarray) -> np.ndarray:
    """Scores of a network by its definition, int32 [B, groups]."""
    h = x
    for i, (a, b, _) in enumerate(net.layers):
        address = h[:, a] + 2 * h[:, b].astype(np.uint8)
        h = (net.tables(i)[:, 0] >> address & 1).astype(bool)
    return h.reshape(len(x), net.groups, -1).sum(axis=2, dtype=np.int32)


def creation(name: str, level: str, path: Path) -> list[str]:
    """A row of the table of times."""
    with progress(f"{name}: sessions of its {level}-level file"):
        first = [probe("create", path, 1) for _ in range(FRESH[name])]
        many = probe("create", path, REPEATS[name])["ms"]
    if name == "XL":
        with progress(f"{name}: {BATCH} samples, {COMPARED} of them compared"):
            ran = probe("compare", path, BATCH)
        console.print(f"{name}: the scores are right; {BATCH} samples took {ran['ms']:,.0f} ms")
    return [
        f"{name}, {level} level",
        f"{path.stat().st_size / 1e6:,.2f}",
        f"{statistics.median(run['ms'][0] for run in first):,.1f}",
        f"{min(many):,.1f}",
        f"{statistics.median(many):,.1f}",
        f"{max(run['peak'] for run in first):,.0f}",
    ]


def memory_rows(name: str, files: dict[str, Path]) -> Iterator[list[str]]:
    """Rows of the table of memory."""
    with progress(f"{name}: memory"):
        features, _, groups = SHAPES[name]
        stock = probe("memory", files["network"].with_name(f"{name}.identity.onnx"), features, 0)
        yield [f"{name}, stock onnxruntime, Identity", f"{stock['peak']:,.0f}", ""]
        for level, path in files.items():
            used = probe("memory", path, features, groups)
            above = f"{used['peak'] - stock['peak']:+,.0f}"
            yield [f"{name}, {level} level", f"{used['peak']:,.0f}", above]


def probe(job: str, path: Path, *numbers: int) -> dict[str, Any]:
    """Run a job of `load_probe.py` in a process of its own."""
    script = Path(__file__).with_name("load_probe.py")
    command = [sys.executable, script, job, path, *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{job} of {path.name} failed:\n{done.stderr}")
    return json.loads(done.stdout)


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what takes its time."""
    started = time.perf_counter()
    with console.status(f"{what} ..."):
        yield
    console.print(f"{what}: {time.perf_counter() - started:.1f} s")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=None)
    for column in ("", *columns):
        table.add_column(column, justify="right" if column else "left")
    return table


if __name__ == "__main__":
    main()
