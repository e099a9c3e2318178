"""Truth tables of all outputs of a circuit, for formats that are lists of them."""

from __future__ import annotations

import numpy as np

from lgnx.converters.circuit import Circuit
from lgnx.netlist.simulation import Simulator
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import MAX_INPUTS, table_bytes
from lgnx.optimize.vectors import exhaustive

__all__ = ["tables_of"]

_BIT_LIMIT = 1 << 31


def tables_of(circuit: Circuit) -> np.ndarray:
    """Evaluate a circuit on every input.

    Returns
    -------
    numpy.ndarray
        uint8 [n_outputs, max(1, 2^n_inputs / 8)], as the tables of LogicDense.

    Raises
    ------
    ModelError
        If it has more inputs, or tables of more bits in all, than such lists are written for.
    """
    netlist = circuit.netlist
    n = netlist.n_inputs
    if n > MAX_INPUTS:
        raise ModelError(
            f"{circuit.name}: has {n} inputs; truth tables are written of at most {MAX_INPUTS}"
        )
    if netlist.n_outputs << n > _BIT_LIMIT:
        raise ModelError(
            f"{circuit.name}: {netlist.n_outputs} tables of {n} inputs have more than "
            f"{_BIT_LIMIT} bits"
        )
    simulator = Simulator(netlist)
    words = [simulator.run_packed(part) for part in exhaustive(n, simulator.words)]
    tables = np.concatenate(words, axis=1).astype("<u8", copy=False).view(np.uint8)
    tables = tables[:, : table_bytes(n)]
    return tables & np.uint8((1 << (1 << n)) - 1) if n < 3 else tables
