"""dwn2rtl: what ``dwn2rtl build`` writes, its registers compiled out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from engines.interface import UnavailableError
from hardware_networks import HardwareNetwork

from hardware.interface import Design, Peer, codes_to_bits, number


def write(net: HardwareNetwork, folder: Path) -> Design:
    """Write the whole design, and take its core or all of it."""
    if net.checkpoint is None:
        raise UnavailableError("not a network of torch_dwn")
    try:
        from dwn2rtl import Pipeline
        from dwn2rtl.build import build
    except ImportError as error:
        raise UnavailableError("not installed", "pip install dwn2rtl") from error
    registers = Pipeline() if net.pipelined else Pipeline(0, 0, 0, 0)
    report = build(net.checkpoint, str(folder), pipeline=registers, n_random=8)
    names = ["dwn_core.v", "lut_node.v", "popcount.v", "argmax.v", "pipe_reg.v"]
    encoded = net.word is not None
    if encoded:
        names += ["dwn_top.v", "thermometer_encoder.v"]
        assert net.word == (report.precision.word_bits, report.precision.frac_bits)
    width = net.word[0] if net.word else 1
    return Design(
        files=tuple(folder / name for name in names),
        top="dwn_top" if encoded else "dwn_core",
        input="x_flat" if encoded else "x",
        output="class_idx",
        in_width=net.n_inputs * width,
        out_width=max(1, (net.groups - 1).bit_length()),
        bits=_encoded(net) if encoded else lambda x: x,
        result=number,
        gates=report.nodes,
        clock="clk" if net.pipelined else None,
        latency=(report.latency if encoded else report.core_latency) if net.pipelined else 0,
        facts={"comparators": report.comparators} if encoded else {},
    )


def _encoded(net: HardwareNetwork):
    assert net.word is not None
    width, fraction = net.word

    def bits(x: np.ndarray) -> np.ndarray:
        return codes_to_bits((x.astype(np.float64) * 2**fraction).astype(np.int64), width)

    return bits


PEERS = (Peer("dwn2rtl", 15, write),)
