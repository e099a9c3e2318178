"""Writing a circuit as a JSON netlist of yosys."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from lgnx.converters.circuit import Circuit
from lgnx.converters.percent_names import made_different
from lgnx.converters.yosys_json_names import OF_YOSYS, attribute, group_ports, to_id
from lgnx.metadata import SOURCE_FORMAT
from lgnx.ops.gates import AND, AND_NOT, NOR, XOR

_CELLS = {AND: "$_AND_", AND_NOT: "$_ANDNOT_", NOR: "$_NOR_", XOR: "$_XOR_"}
_TRUE = "1".rjust(32, "0")


def pieces(circuit: Circuit) -> Iterator[str]:
    """Text of the JSON file of a circuit."""
    ports = group_ports(circuit)
    attributes = {"top": json.dumps(_TRUE)}
    for key, text in circuit.metadata.items():
        if (key, text) != (SOURCE_FORMAT, "yosys-json"):
            own = to_id(key)
            attributes[made_different(own) if own in OF_YOSYS else own] = attribute(text)
    program = circuit.netlist.to_program()
    nets = ['"0"', *map(str, range(2, 2 + program.n_inputs + program.n_gates))]
    inverted = {int(x): str(len(nets) + 1 + i) for i, x in enumerate(_inverted(program.outputs))}
    inverted[1] = '"1"'
    output_nets = [
        inverted[literal] if literal & 1 else nets[literal >> 1]
        for literal in program.outputs.tolist()
    ]
    del inverted[1]
    yield '{\n "creator": "lgnx",\n "modules": {\n'
    yield f"  {json.dumps(to_id(circuit.name))}: {{\n"
    yield '   "attributes": {\n'
    yield ",\n".join(f"    {json.dumps(key)}: {value}" for key, value in attributes.items())
    yield '\n   },\n   "ports": {\n'
    lines: list[str] = []
    taken: set[str] = set()
    input_nets = nets[1 : 1 + program.n_inputs]
    for port in ports:
        side = input_nets if port.direction == "input" else output_nets
        bits = ", ".join(side[port.start : port.start + port.width])
        extra = f', "offset": {port.offset}' * bool(port.offset) + ', "upto": 1' * port.upto
        # Inputs and outputs share the names of ports.
        key = to_id(port.name)
        key = made_different(key) if key in taken else key
        taken.add(key)
        lines.append(
            f'    {json.dumps(key)}: {{"direction": "{port.direction}"{extra}, "bits": [{bits}]}}'
        )
    yield ",\n".join(lines)
    yield '\n   },\n   "cells": {'
    wire, comma = 1 + program.n_inputs, "\n"
    for run in program.runs:
        cell = _cell(_CELLS[run.table], "AB")
        yield comma + ",\n".join(
            [
                cell % (nets[y], nets[a], nets[b], nets[y])
                for y, (a, b) in enumerate(run.fanins.tolist(), wire)
            ]
        )
        wire, comma = wire + run.count, ",\n"
    for literal, net in inverted.items():
        yield comma + _cell("$_NOT_", "A") % (net, nets[literal >> 1], net)
        comma = ",\n"
    yield '\n   },\n   "netnames": {\n   }\n  }\n }\n}\n'


def _inverted(outputs: np.ndarray) -> np.ndarray:
    """Literals of the outputs that need an inverter."""
    return np.unique(outputs[(outputs & 1 == 1) & (outputs > 1)])


def _cell(kind: str, pins: str) -> str:
    """Pattern of a cell's text, for its number and the nets of its pins and output."""
    directions = ", ".join([*(f'"{pin}": "input"' for pin in pins), '"Y": "output"'])
    connections = ", ".join(f'"{pin}": [%s]' for pin in [*pins, "Y"])
    return (
        f'    "g%s": {{"hide_name": 1, "type": "{kind}", "parameters": {{}}, "attributes": {{}}, '
        f'"port_directions": {{{directions}}}, "connections": {{{connections}}}}}'
    )
