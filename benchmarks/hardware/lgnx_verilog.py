"""lgnx: ``lgnx rtl``, of the model as it is and after ``lgnx optimize``."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from hardware_networks import HardwareNetwork

from hardware.interface import Design, Peer, codes_to_bits, counts, number
from lgnx.converters.verilog import write_rtl
from lgnx.network import Network
from lgnx.optimize import optimize
from lgnx.verify.rtl import read_rtl

_ONE_STAGE = 1 << 16  # levels: all logic between two registers, as where a layer is one table


def write(net: HardwareNetwork, folder: Path, optimized: bool) -> Design:
    """Write with the outputs, formats and registers that the peers have."""
    model = optimize(net.model, synthesis=True)[0] if optimized else net.model
    network = Network.from_model(model)
    given = f"fixed<{net.word[0]},{net.word[0] - net.word[1]}>" if net.word else None
    scores = net.answer == "counts"
    sidecar = write_rtl(
        network,
        folder / "rtl",
        input_format=given,
        outputs="scores" if scores else "class",
        stages_every=_ONE_STAGE if net.pipelined else None,
        handshake="none" if net.pipelined else None,
    )
    rtl = read_rtl(folder / "rtl")
    width = (network.groups - 1).bit_length()
    if scores:
        width = network.groups * network.group_size.bit_length()

    def bits(x: np.ndarray) -> np.ndarray:
        codes = rtl.input.codes(x.reshape(-1, *network.input_shape).astype(network.input_dtype))
        return codes_to_bits(codes.astype(np.int64), rtl.input.width // network.features)

    return Design(
        files=tuple(rtl.files),
        top=rtl.top,
        input="x",
        output="scores" if scores else "class_index",
        in_width=rtl.input.width,
        out_width=width,
        bits=bits,
        result=counts(network.group_size.bit_length(), net.groups) if scores else number,
        gates=sidecar["gates"],
        clock="clk" if net.pipelined else None,
        latency=rtl.latency,
        facts={"comparators": sidecar["thresholds"]["comparators"]} if net.word else {},
    )


PEERS = (
    Peer("lgnx", 0, functools.partial(write, optimized=False), own=True),
    Peer("lgnx optimize", 1, functools.partial(write, optimized=True), own=True),
)
