"""Time the export of torchlogix's convolutional networks: seconds, memory, size of the file.

    python benchmarks/export_convolution.py ClgnCifar10Medium
    python benchmarks/export_convolution.py ClgnCifar10Large --compare 2

The wires and tables are random, since neither time nor size depends on what was learned. The file
is compared with what its wires (two bytes each) and tables need. ``--compare N`` runs the file in
onnxruntime with the lgnx kernels on N images, one at a time, and compares with torch.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch

import lgnx
from lgnx.converters.torchlogix import import_torchlogix

import_torchlogix()
import torchlogix.models as zoo  # noqa: E402


def make_network(name: str) -> tuple[torch.nn.Module, torch.Tensor]:
    """Give a network with random gates, and a random image."""
    torch.manual_seed(0)
    kind = getattr(zoo, name)
    bits = getattr(kind, "n_input_bits", None) or 1
    network = kind(
        thresholds=torch.arange(1, bits + 1) / (bits + 1),
        binarization="fixed",
        binarization_kwargs={},
        parametrization_kwargs={"weight_init": "random"},
        **({"connections_kwargs": {}} if issubclass(kind, zoo.ClgnCifar10) else {}),
    )
    if issubclass(kind, zoo.ClgnCifar10):
        return network.eval(), torch.rand(2, 3, 32, 32)
    return network.eval(), torch.randint(0, 2, (2, 1, 28, 28)).float()


def constants(model: onnx.ModelProto) -> int:
    """Bytes of all initializers."""
    return sum(onnx.numpy_helper.to_array(t).nbytes for t in model.graph.initializer)


class Clock:
    """Seconds, and seconds of processor time, which other processes do not add to."""

    def __init__(self) -> None:
        self.wall, self.busy = time.perf_counter(), time.process_time()

    def report(self, label: str) -> None:
        wall, busy = time.perf_counter() - self.wall, time.process_time() - self.busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{label}: {wall:.1f} s ({busy:.1f} s busy), {peak:.2f} GB at most", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="class of torchlogix.models")
    parser.add_argument("--compare", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    clock = Clock()
    network, sample = make_network(arguments.name)
    clock.report("network made")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        clock = Clock()
        model = lgnx.export(network, sample, path)
        clock.report("exported")
        needed, size = constants(model), path.stat().st_size
        print(f"file: {size / 1e6:.2f} MB, of it wires and tables {needed / 1e6:.2f} MB")
        shapes = [t.dims for t in model.graph.initializer if t.name.endswith("tables")]
        tables = sum(int(np.prod(shape[:-1])) for shape in shapes)
        print(f"tables: {tables:,} in {len(model.graph.node)} nodes")
        if arguments.compare:
            clock = Clock()
            session = lgnx.InferenceSession(path)
            clock.report("session made")
            for number in range(arguments.compare):
                x = torch.rand_like(sample[:1]) if number % 2 else sample[:1]
                x = x if sample.unique().numel() > 2 else x.round()
                with torch.no_grad():
                    expected = network(x).numpy()
                dtype = {"tensor(bool)": bool}.get(session.get_inputs()[0].type, np.float32)
                clock = Clock()
                (scores,) = session.run(None, {"x": x.numpy().astype(dtype)})
                clock.report(f"image {number}")
                np.testing.assert_array_equal(scores, expected)
            print("scores are torch's")


if __name__ == "__main__":
    main()
