"""DOT, the language of Graphviz: a drawing of a circuit that holds all of it.

docs/formats/dot.md says which attributes hold what, so that other programs can read the circuit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.circuit import PART, Circuit, model_to_circuit
from lgnx.converters.circuit_files import write_pieces
from lgnx.converters.circuit_notes import to_notes
from lgnx.converters.formats import Format
from lgnx.converters.percent_names import escape
from lgnx.netlist.netlist import XOR_KIND, Netlist

__all__ = ["FORMAT"]

_FORBIDDEN = re.compile(r"[^\x21-\x7e]|[\"\\]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_KINDS = {  # attributes of the nodes of each kind
    "input": "shape=cds, style=filled, fillcolor=lightgrey",
    "output": "shape=cds, style=filled, fillcolor=palegreen",
    "constant": "shape=plaintext",
    "and": "shape=box, style=filled, fillcolor=aliceblue, label=AND",
    "xor": "shape=ellipse, style=filled, fillcolor=moccasin, label=XOR",
}
_COMPLEMENT = ("", ", complement=1, style=dashed, arrowhead=odot")
_ROWS = 1 << 15  # so many lines are made at a time


def _pieces(circuit: Circuit) -> Iterator[str]:
    netlist = circuit.netlist
    first, n_nodes = netlist.first_node, netlist.n_nodes
    yield f'digraph "{escape(circuit.name, _FORBIDDEN)}" {{\n'
    for note in to_notes(circuit, FORMAT.name):
        yield f"  // {note}\n"
    yield "  rankdir=LR\n  node [fontname=Helvetica]\n  edge [arrowsize=0.6, complement=0]\n"
    ports = [_port("i", "input", i, name) for i, name in enumerate(circuit.input_names)]
    yield _rank("min", _KINDS["input"], ports)
    if (np.concatenate([netlist.fanins.ravel(), netlist.outputs]) < 2).any():
        yield f"  n0 [kind=constant, {_KINDS['constant']}, label=0]\n"
    for nodes in _levels(netlist):
        for kind in ("and", "xor"):
            found = nodes[(netlist.kinds[nodes] == XOR_KIND) == (kind == "xor")]
            if len(found):
                names = [f"n{first + node} [kind={kind}]" for node in found.tolist()]
                yield _rank("", _KINDS[kind], names)
        if len(nodes) > 1:
            yield f"  {{rank=same {' '.join([f'n{first + node}' for node in nodes.tolist()])}}}\n"
    ports = [_port("o", "output", i, name) for i, name in enumerate(circuit.output_names)]
    yield _rank("max", _KINDS["output"], ports)
    sources = [f"n{v}" for v in range(first + n_nodes)]
    sources[1:first] = [f"i{i}" for i in range(netlist.n_inputs)]
    for start in range(0, n_nodes, _ROWS):
        pairs = netlist.fanins[start : start + _ROWS].tolist()
        yield "".join(
            [
                f"  {sources[literal >> 1]} -> n{node} [slot={slot}{_COMPLEMENT[literal & 1]}]\n"
                for node, pair in enumerate(pairs, first + start)
                for slot, literal in enumerate(pair)
            ]
        )
    for i, literal in enumerate(netlist.outputs.tolist()):
        yield f"  {sources[literal >> 1]} -> o{i} [slot=0{_COMPLEMENT[literal & 1]}]\n"
    yield "}\n"


def _levels(netlist: Netlist) -> list[np.ndarray]:
    """Numbers of the nodes of each level."""
    levels = netlist.levels()
    order = np.argsort(levels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(levels[order])) + 1)


def _rank(rank: str, style: str, nodes: list[str]) -> str:
    """Nodes of one style, all in the first or last column where ``rank`` is min or max."""
    column = f"rank={rank}; " if rank else ""
    return "\n    ".join([f"  {{{column}node [{style}]", *nodes]) + "\n  }\n"


def _port(letter: str, kind: str, index: int, name: str) -> str:
    label = _UNSEEN.sub(" ", name).replace("\\", "\\\\").replace('"', '\\"')
    port = escape(name, _FORBIDDEN)
    return f'{letter}{index} [kind={kind}, port="{port}", label="{label}"]'


def _write(model: Any, path: Path, part: str = "all") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, _pieces(circuit), "utf-8")


FORMAT = Format(
    name="dot",
    title="DOT of Graphviz",
    suffixes=(".dot", ".gv"),
    write=_write,
    write_options=(PART,),
    writes="a graph by levels, complemented edges dashed, with all that makes the circuit",
)
