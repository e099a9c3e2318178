"""Netlists to and from the and-inverter graphs of aigverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from lgnx.netlist.netlist import AND_KIND, XOR_KIND, Netlist
from lgnx.netlist.xor_gates import merge_xors
from lgnx.ops.errors import require


def to_aig(netlist: Netlist) -> Any:
    """Build an `aigverse.networks.Aig` with the same inputs and outputs; an XOR is three ANDs.

    Raises
    ------
    MissingExtraError
        If aigverse is not installed.
    """
    aig = require("aigverse.networks", extra="proof").Aig()
    signals = [aig.get_constant(False), *(aig.create_pi() for _ in range(netlist.n_inputs))]
    for kind, (a, b) in zip(netlist.kinds.tolist(), netlist.fanins.tolist(), strict=True):
        x = ~signals[a >> 1] if a & 1 else signals[a >> 1]
        y = ~signals[b >> 1] if b & 1 else signals[b >> 1]
        signals.append(aig.create_xor(x, y) if kind == XOR_KIND else aig.create_and(x, y))
    for literal in netlist.outputs.tolist():
        signal = signals[literal >> 1]
        aig.create_po(~signal if literal & 1 else signal)
    return aig


def from_aig(aig: Any) -> Netlist:
    """Read an `aigverse.networks.Aig`; ANDs that form an exclusive or become one XOR node."""
    n_inputs = aig.num_pis
    variable = {aig.get_node(aig.get_constant(False)): 0}
    variable |= {node: 1 + i for i, node in enumerate(aig.pis())}

    def literal(signal: Any) -> int:
        return 2 * variable[aig.get_node(signal)] + int(aig.is_complemented(signal))

    fanins: list[list[int]] = []
    for gate in aig.gates():
        fanins.append([literal(signal) for signal in aig.fanins(gate)])
        variable[gate] = n_inputs + len(fanins)
    outputs = [literal(signal) for signal in aig.pos()]
    ands = Netlist(
        n_inputs,
        np.full(len(fanins), AND_KIND, np.uint8),
        np.array(fanins, np.uint32).reshape(-1, 2),
        np.array(outputs, np.uint32),
    )
    return merge_xors(ands)
