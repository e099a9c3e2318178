"""Names of nets in text formats: those of the ports as far as the format allows, and new ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lgnx.converters.circuit import Circuit
from lgnx.converters.percent_names import escape, made_different

__all__ = ["NetNames", "net_names", "wrapped"]

_WIDTH = 78


@dataclass(frozen=True)
class NetNames:
    """A name for each net of a circuit, all different.

    Attributes
    ----------
    variables
        By variable of the netlist: constant false, the inputs, the nodes.
    outputs
        Of the outputs, which are nets of their own.
    """

    variables: list[str]
    outputs: list[str]


def net_names(circuit: Circuit, forbidden: re.Pattern[str]) -> NetNames:
    """Name the nets of a circuit.

    Ports keep their names, with forbidden characters as in `percent_names.escape`; an output called
    as an input is written differently. Nodes are called n17 by their variable, with underscores
    after the n where a port has such a name, or one with more underscores.
    """
    inputs = [escape(name, forbidden) for name in circuit.input_names]
    taken = set(inputs)
    outputs = []
    for name in circuit.output_names:
        text = escape(name, forbidden)
        outputs.append(made_different(text) if text in taken else text)
    prefix = "n"
    while any(re.fullmatch(f"{prefix}[0-9_]+", name) for name in (*inputs, *outputs)):
        prefix += "_"
    first, n = circuit.netlist.first_node, circuit.netlist.n_nodes
    nodes = [f"{prefix}{variable}" for variable in range(first, first + n)]
    return NetNames([f"{prefix}0", *inputs, *nodes], outputs)


def wrapped(words: Sequence[str], *, end: str = "", indent: str = "  ") -> Iterator[str]:
    """Lines of words of at most some 80 columns, where a word is not longer.

    Parameters
    ----------
    end
        Stands at the end of each line but the last.
    indent
        Stands before each line but the first.
    """
    line = ""
    for word in words:
        if line and len(line) + len(word) + 1 > _WIDTH:
            yield line + end
            line = f"{indent}{word}"
        else:
            line = f"{line} {word}" if line else word
    yield line
