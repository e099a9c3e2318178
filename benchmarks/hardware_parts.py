"""What the parts of a design cost, as `lgnx estimate` counts them: the tables of docs/hardware.md.

python benchmarks/hardware_parts.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.verify.estimate_rtl import Part, estimate_rtl

# Bits of a feature, thresholds of each of 24 features, bits of a group, groups.
DESIGNS = [(4, 3, 32, 2), (8, 7, 64, 5), (10, 7, 100, 10), (12, 15, 200, 10), (16, 7, 400, 10)]
FEATURES = 24


def parts_of(width: int, thresholds: int, size: int, groups: int) -> tuple[dict[str, Part], dict]:
    """Estimate of each part, and the sidecar, of a design with random gates in one layer."""
    rng = np.random.default_rng(0)
    steps = np.stack(
        [np.sort(rng.choice(2**width - 1, thresholds, replace=False)) for _ in range(FEATURES)]
    )
    bits, gates = FEATURES * thresholds, size * groups
    # Each gate an AND, an OR or an XOR, some inputs inverted.
    tables = rng.choice([0x8, 0x4, 0x2, 0x1, 0xE, 0x7, 0x6, 0x9], (gates, 1)).astype(np.uint8)
    wires = np.stack([rng.permutation(bits)[:2] for _ in range(gates)]).astype(np.int32)
    module = torch.nn.Sequential(
        lgnx.torch.Thermometer(steps.astype(np.float32) + 0.5),
        torch.nn.Flatten(),
        lgnx.torch.LogicDense(wires, tables),
        lgnx.torch.GroupSum(groups),
    )
    model = lgnx.export(module, torch.zeros(1, FEATURES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "rtl"
        sidecar = write_rtl(
            lgnx.Network.from_model(model),
            folder,
            input_format=f"ufixed<{width},{width}>",
            stages_every=1,
        )
        found = estimate_rtl(folder, "xilinx")
    return {part.role: part for part in found.parts}, sidecar


def main() -> None:
    rows: list[str] = []
    for width, thresholds, size, groups in DESIGNS:
        parts, sidecar = parts_of(width, thresholds, size, groups)
        comparators = sidecar["thresholds"]["comparators"]
        encoder, popcount, argmax = parts["encoder"], parts["popcount"], parts["argmax"]
        each = popcount.luts / groups
        rows.append(
            f"| {width} | {comparators} | {encoder.luts} | {encoder.luts / comparators:.2f} "
            f"| {size} | {each:.0f} | {each / size:.2f} | {popcount.carries / groups:.0f} "
            f"| {groups} | {argmax.luts} | {argmax.luts / (groups - 1):.1f} |"
        )
    print(
        "| bits of a feature | comparators | LUTs | a comparator | bits of a group | LUTs of its "
        "count | a bit | CARRY4 | groups | LUTs of the class | a comparison |"
    )
    print("|" + "---|" * 11)
    print("\n".join(rows))


if __name__ == "__main__":
    main()
