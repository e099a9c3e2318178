"""torchlogix: ``Circuit.from_model``, ``simplify`` and ``write_verilog_code``, as in its README."""

from __future__ import annotations

import re
from pathlib import Path

from engines.interface import UnavailableError
from engines.torchlogix import circuit_class
from hardware_networks import HardwareNetwork

from hardware.interface import Design, Peer, counts


def write(net: HardwareNetwork, folder: Path) -> Design:
    """Write one module, from input bits to scores."""
    if net.torch is None or net.answer != "counts":
        raise UnavailableError("not a network of torchlogix")
    circuit = circuit_class().from_model(net.torch(), net.shape)
    circuit.simplify()
    path = folder / "circuit.v"
    circuit.write_verilog_code(str(path))
    port = re.search(r"output\s+\w+\s+\[(\d+):0\] scores_flat", path.read_text())
    assert port is not None
    out_width = int(port[1]) + 1
    return Design(
        files=(path,),
        top="circuit",
        input="inp",
        output="scores_flat",
        in_width=net.n_inputs,
        out_width=out_width,
        bits=lambda x: x,
        result=counts(out_width // net.groups, net.groups),
        gates=len(circuit.gates),
    )


PEERS = (Peer("torchlogix", 10, write),)
