"""Time the convolutions and poolings of a network for CIFAR-10, one by one, on one thread.

    python benchmarks/convolution.py

The shapes are those of torchlogix's `ClgnCifar10Medium`: windows of 3 x 3 bits, trees of depth 3
over tables of two inputs; each kernel reads two neighbouring channels, and each layer is followed
by an OR over 2 x 2 bits. What its time is compared with is the time that reading x and writing y
take at 10 GB/s, and for convolutions 1 ns for each 512 gates besides. The function body runs in
stock onnxruntime on one sample.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

import lgnx
from lgnx.ops import DOMAIN
from lgnx.ops._operator import VERSION
from lgnx.ops._tree import node_count

DEPTH, K = 3, 2
BYTES_PER_NS, GATES_PER_NS = 10, 512


@dataclass(frozen=True)
class Layer:
    """A convolution, with the side of its square input, or a pooling where it has no kernels."""

    channels: int
    side: int
    kernels: int = 0

    @property
    def name(self) -> str:
        """What the layer does, and to what."""
        x = f"{self.channels} x {self.side} x {self.side}"
        return f"LogicConv {x}, {self.kernels} kernels" if self.kernels else f"OrPool {x}"

    @property
    def out_bits(self) -> int:
        """Bits of y for one sample."""
        side = self.side if self.kernels else self.side // 2
        return (self.kernels or self.channels) * side**2

    @property
    def gates(self) -> int:
        """Gates that a sample takes."""
        return self.out_bits * node_count(K, DEPTH) if self.kernels else 0

    @property
    def goal(self) -> float:
        """Nanoseconds that a sample may take."""
        in_bits = self.channels * self.side**2
        return (in_bits + self.out_bits) / BYTES_PER_NS + self.gates / GATES_PER_NS


CONVOLUTIONS = [Layer(9, 32, 256), Layer(256, 16, 1024), Layer(1024, 8, 4096), Layer(4096, 4, 8192)]
LAYERS = [x for c in CONVOLUTIONS for x in (c, Layer(c.kernels, c.side))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=(1, 64, 512), metavar="N")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-body", action="store_true", help="leave stock onnxruntime out")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    console = Console(highlight=False)
    table = Table(box=None)
    for column in ("layer", "load ms", "batch", "us a sample", "ns / 512 gates", "of the goal"):
        table.add_column(column, justify="left" if column == "layer" else "right")
    if not options.no_body:
        table.add_column("body us", justify="right")
    for layer in LAYERS:
        with console.status(layer.name):
            for row in rows(layer, options):
                table.add_row(*row)
    console.print(table)


def rows(layer: Layer, options: argparse.Namespace) -> list[list[str]]:
    """Rows of the table, one for each batch."""
    data = model(layer)
    start = time.perf_counter()
    session = open_session(data, kernels=True)
    load = time.perf_counter() - start
    result = []
    for batch in options.batches:
        run = timer(session, layer, batch)
        ns = min(run() for _ in range(options.rounds)) / batch * 1e9
        row = [layer.name, f"{load * 1e3:.0f}", str(batch), f"{ns / 1e3:.1f}"]
        row.append(f"{ns / layer.gates * 512:.2f}" if layer.gates else "")
        row.append(f"{ns / layer.goal:.2f}")
        if batch == 1 and not options.no_body:
            run = timer(open_session(data, kernels=False), layer, 1)
            row.append(f"{min(run() for _ in range(3)) * 1e6:,.0f}")
        result.append(row)
        layer_name_once = ["", ""]
        if len(result) > 1:
            result[-1][:2] = layer_name_once
    return result


def model(layer: Layer) -> bytes:
    """Make a model of one layer, with its function body."""
    rng = np.random.default_rng(0)
    initializers = {}
    attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
    if layer.kernels:
        attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "depth": DEPTH}
        first = np.arange(layer.kernels)[:, None] % (layer.channels - 1)
        leaves = rng.integers(0, 2 * 9, (layer.kernels, K**DEPTH))
        initializers = {
            "indices": (9 * first + leaves).astype(np.int32),
            "tables": rng.integers(0, 16, (layer.kernels, node_count(K, DEPTH), 1), np.uint8),
        }
    operator = "LogicConv" if layer.kernels else "OrPool"
    node = helper.make_node(operator, ["x", *initializers], ["y"], domain=DOMAIN, **attributes)
    x = helper.make_tensor_value_info(
        "x", TensorProto.BOOL, [None, layer.channels, layer.side, layer.side]
    )
    y = helper.make_tensor_value_info("y", TensorProto.BOOL, None)
    graph = helper.make_graph(
        [node], "layer", [x], [y], [numpy_helper.from_array(a, n) for n, a in initializers.items()]
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    plain = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return lgnx.attach_functions(plain).SerializeToString()


def open_session(data: bytes, *, kernels: bool) -> ort.InferenceSession:
    """Open a session of one thread, with the native library or without."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    if kernels:
        lgnx.ops.register(options)
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def timer(session: ort.InferenceSession, layer: Layer, batch: int) -> Callable[[], float]:
    """Give a function that runs a batch and returns its seconds; the memory of y is kept."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, (batch, layer.channels, layer.side, layer.side), np.uint8).astype(bool)
    first = session.run(None, {"x": x})[0]
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(first))

    def run() -> float:
        start = time.perf_counter()
        session.run_with_iobinding(binding)
        return time.perf_counter() - start

    return run


if __name__ == "__main__":
    main()
