"""lgnx: ``lgnx rtl``, of the model as it is and after ``lgnx optimize``, ``--for fpga`` too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from hardware_networks import HardwareNetwork

from hardware.interface import Design, Peer, codes_to_bits, counts, number
from lgnx.converters.verilog import write_rtl
from lgnx.network import Network
from lgnx.optimize import optimize
from lgnx.optimize.fpga import optimize_for_fpga
from lgnx.verify.rtl import read_rtl

_ONE_STAGE = 1 << 16  # levels: all logic between two registers, as where a layer is one table


Step = Callable[[onnx.ModelProto], onnx.ModelProto]


def _same(model: onnx.ModelProto) -> onnx.ModelProto:
    return model


def _optimized(model: onnx.ModelProto) -> onnx.ModelProto:
    return optimize(model, synthesis=True)[0]


def _mapped(model: onnx.ModelProto) -> onnx.ModelProto:
    return optimize_for_fpga(model)[0]


def write(net: HardwareNetwork, folder: Path, step: Step, compact: bool = False) -> Design:
    """Write with the outputs, formats and registers that the peers have."""
    network = Network.from_model(step(net.model))
    given = f"fixed<{net.word[0]},{net.word[0] - net.word[1]}>" if net.word else None
    scores = net.answer == "counts"
    sidecar = write_rtl(
        network,
        folder / "rtl",
        input_format=given,
        outputs="scores" if scores else "class",
        compact=compact,
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
    Peer("lgnx", 0, functools.partial(write, step=_same), own=True),
    Peer("lgnx optimize", 1, functools.partial(write, step=_optimized), own=True),
    Peer("lgnx rtl --compact", 2, functools.partial(write, step=_same, compact=True), own=True),
    Peer("lgnx optimize --for fpga", 3, functools.partial(write, step=_mapped), own=True),
)
