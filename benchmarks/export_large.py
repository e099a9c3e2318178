"""Time the export of a large network: 3072 inputs, 3 thresholds each, 6 layers of 64,000 gates.

    python benchmarks/export_large.py

Goals: under 5 s and under 4 MB. The first export in a process also loads torch's exporter; it is
shown apart.
"""

from __future__ import annotations

import itertools
import resource
import tempfile
import time
from pathlib import Path

import torch

from lgnx.converters.torch_export import export
from lgnx.converters.torchlogix import import_torchlogix

import_torchlogix()
from torchlogix.layers import FixedBinarization, GroupSum, LogicDense  # noqa: E402

FEATURES, THRESHOLDS, LAYERS, GATES = 3072, 3, 6, 64_000


def make_network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    thresholds = (torch.arange(1, THRESHOLDS + 1) / (THRESHOLDS + 1)).repeat(FEATURES, 1)
    widths = [FEATURES * THRESHOLDS] + [GATES] * LAYERS
    random = {"weight_init": "random"}
    return torch.nn.Sequential(
        FixedBinarization(thresholds),
        *(
            LogicDense(n_in, n_out, parametrization_kwargs=random)
            for n_in, n_out in itertools.pairwise(widths)
        ),
        GroupSum(10, tau=100.0),
    )


def main() -> None:
    network = make_network()
    sample = torch.zeros(2, FEATURES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.onnx"
        for label in ("first export", "second export"):
            started = time.perf_counter()
            model = export(network, sample, path)
            seconds = time.perf_counter() - started
            print(f"{label}: {seconds:.2f} s")
        print(f"file: {path.stat().st_size / 1e6:.2f} MB, {len(model.graph.node)} nodes")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


if __name__ == "__main__":
    main()
