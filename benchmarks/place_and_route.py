"""Frequencies of small networks on iCE40 and ECP5: the table of docs/projects.md.

python benchmarks/place_and_route.py demo-output/digits_network.onnx

The other network has the size of a jet tagger and random gates: 16 features of 4 bits, four layers
of 512 gates, five classes. Their thermometers and wiring are what such a network has; its gates are
not trained, so less of it is constant or shared.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.verify.place_and_route import place_and_route

JETS = "jet tagger's size"
RUNS = [
    (JETS, 4, 2, "hx8k"),
    (JETS, 1, 1, "hx8k"),
    (JETS, 1, 1, "25k-6"),
    (JETS, 1, 1, "25k-8"),
    ("digits", 2, 2, "25k-6"),
    ("digits", 1, 1, "25k-6"),
    ("digits", 1, 1, "25k-8"),
]


def jets() -> lgnx.Network:
    rng = np.random.default_rng(0)
    steps = np.stack([np.sort(rng.choice(15, 4, replace=False)) for _ in range(16)])
    parts: list[torch.nn.Module] = [
        lgnx.torch.Thermometer(steps.astype(np.float32) + 0.5),
        torch.nn.Flatten(),
    ]
    inputs = 64
    for width in (512, 512, 512, 510):
        tables = rng.integers(1, 15, (width, 1), np.uint8)
        wires = np.stack([rng.permutation(inputs)[:2] for _ in range(width)]).astype(np.int32)
        parts.append(lgnx.torch.LogicDense(wires, tables))
        inputs = width
    module = torch.nn.Sequential(*parts, lgnx.torch.GroupSum(5))
    return lgnx.Network.from_model(lgnx.export(module, torch.zeros(1, 16)))


def main(digits: str) -> None:
    networks = {
        JETS: (jets(), "ufixed<4,4>"),
        "digits": (lgnx.Network.from_model(digits), "ufixed<5,1>"),
    }
    print("| network | registers after | latency | device | MHz | LUTs or LCs | registers |")
    print("|---|---|---|---|---|---|---|")
    for name, levels, tree, device in RUNS:
        network, form = networks[name]
        with tempfile.TemporaryDirectory() as folder:
            rtl = Path(folder) / "rtl"
            sidecar = write_rtl(
                network, rtl, input_format=form, stages_every=levels, tree_every=tree
            )
            found = place_and_route(rtl, device)
        cells = found.resources.get("TRELLIS_COMB") or found.resources["ICESTORM_LC"]
        registers = found.resources.get("TRELLIS_FF")
        after = f"{levels} level{'s' if levels > 1 else ''}, {tree} of a tree"
        print(
            f"| {name} | {after} | {sidecar['latency']} | "
            f"{found.title} | {found.megahertz:.0f} | {cells.used:,} of {cells.available:,} | "
            f"{f'{registers.used:,}' if registers else '-'} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1])
