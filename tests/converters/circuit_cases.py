"""Circuits to write and read, and mutations of files, for the tests of gate-level formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from lgnx.converters.circuit import Circuit, circuit_to_model, model_to_circuit
from lgnx.converters.formats import Format
from lgnx.metadata import SOURCE_FORMAT
from lgnx.netlist import Netlist
from lgnx.optimize.proof import prove

GOLDEN = Path(__file__).parents[1] / "golden" / "v1"
AWKWARD = [
    "",
    " ",
    "a b",
    "x[0]",
    "x[1]",
    "x[07]",
    "x",
    "é\n",
    "%20",
    "%",
    "%%3D",
    "%=",
    "%-",
    "0",
    "$y",
]
AWKWARD += [
    "\\a",
    "\\0",
    '"',
    "#",
    "c",
    "i0",
    "o0 z",
    "\t",
    "\u2028",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "a%0",
    "x[3]>0.5",
    "n1",
    "//",
    "{",
    "<b>",
    "a.b",
]


def netlist(n_inputs: int, kinds, fanins, outputs) -> Netlist:
    return Netlist(
        n_inputs,
        np.array(kinds, np.uint8),
        np.array(fanins, np.uint32).reshape(-1, 2),
        np.array(outputs, np.uint32),
    )


@st.composite
def netlists(draw: st.DrawFn, max_inputs: int = 6, max_nodes: int = 25) -> Netlist:
    """Any netlist with inputs and outputs, constants and duplicates included."""
    n_inputs = draw(st.integers(1, max_inputs))
    n_nodes = draw(st.integers(0, max_nodes))
    kinds = draw(st.lists(st.integers(0, 1), min_size=n_nodes, max_size=n_nodes))
    fanins = [
        [draw(st.integers(0, 2 * (1 + n_inputs + i) - 1)) for _ in range(2)] for i in range(n_nodes)
    ]
    last = 2 * (1 + n_inputs + n_nodes) - 1
    return netlist(n_inputs, kinds, fanins, draw(st.lists(st.integers(0, last), min_size=1)))


def names() -> st.SearchStrategy[str]:
    """Any text, and what formats may stumble over."""
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    return st.sampled_from(AWKWARD) | text


@st.composite
def circuits(draw: st.DrawFn, max_inputs: int = 6, max_nodes: int = 25) -> Circuit:
    """Any circuit, with any names and metadata."""
    gates = draw(netlists(max_inputs, max_nodes))

    def some(count: int) -> tuple[str, ...]:
        return tuple(draw(st.lists(names(), min_size=count, max_size=count, unique=True)))

    metadata = draw(
        st.dictionaries(st.sampled_from(["lgnx.accuracy", "lgnx.source_format", "k\n"]), names())
    )
    return Circuit(
        gates,
        some(gates.n_inputs),
        some(gates.n_outputs),
        draw(names().filter(bool)),
        metadata,
    )


def layered(
    n_nodes: int, n_inputs: int = 50, n_outputs: int = 40, levels: int = 12, seed: int = 0
) -> Netlist:
    """A netlist of many nodes whose nodes read the level before, as those of trained layers do."""
    rng = np.random.default_rng(seed)
    width, first = n_nodes // levels, n_inputs + 1
    fanins = np.empty((width * levels, 2), np.uint32)
    low, high = 1, first
    for level in range(levels):
        part = rng.integers(low, high, (width, 2)) * 2 + rng.integers(0, 2, (width, 2))
        fanins[level * width : (level + 1) * width] = part
        low, high = first + level * width, first + (level + 1) * width
    kinds = rng.integers(0, 2, len(fanins)).astype(np.uint8)
    outputs = rng.integers(2 * low, 2 * high, n_outputs)
    return Netlist(n_inputs, kinds, fanins, outputs.astype(np.uint32))


def trained() -> Circuit:
    """The logic of a network trained on handwritten digits."""
    return model_to_circuit(GOLDEN / "digits" / "network.onnx", part="logic")


def write(format: Format, circuit: Circuit, path: Path, **options) -> Path:
    """Write a circuit as the file of a format."""
    assert format.write is not None
    assert format.write(circuit_to_model(circuit), path, **options) == [path]
    return path


def read(format: Format, path: Path, **options) -> Circuit:
    """Read the file of a format as a circuit."""
    assert format.read is not None
    return model_to_circuit(format.read(path, **options))


def assert_same(actual: Circuit, expected: Circuit, *, source: str) -> None:
    """Assert that two circuits have the same names and metadata, and prove them equal.

    ``source`` is the format that the actual one was read from; where the expected one came from
    another, that is kept.
    """
    assert actual.input_names == expected.input_names
    assert actual.output_names == expected.output_names
    assert actual.name == expected.name
    assert actual.metadata == {SOURCE_FORMAT: source, **expected.metadata}
    assert_equal(actual.netlist, expected.netlist)


def assert_equal(a: Netlist, b: Netlist, *, budget: float = 240) -> None:
    """Prove two netlists equal."""
    verdict = prove(a, b, budget=budget)
    assert verdict.status == "proved", str(verdict)


def sorted_ports(circuit: Circuit) -> Netlist:
    """The netlist with its ports ordered by name: for tools that do not keep their order."""
    gates = circuit.netlist
    inputs, outputs = (
        np.array(sorted(range(len(names)), key=names.__getitem__))
        for names in (circuit.input_names, circuit.output_names)
    )
    variables = np.arange(gates.first_node + gates.n_nodes, dtype=np.uint32)
    variables[1 + inputs] = np.arange(1, gates.first_node, dtype=np.uint32)

    def moved(literals):
        return 2 * variables[literals >> 1] + (literals & 1)

    return netlist(gates.n_inputs, gates.kinds, moved(gates.fanins), moved(gates.outputs)[outputs])


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """A file with some of its bytes cut out, doubled, changed or put elsewhere."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        part = data[start:end]
        new = draw(
            st.sampled_from([b"", part * 2, b"999999999999", b"0", b"-1", b"\n", b" ", b"\xff"])
            | st.binary(max_size=8)
        )
        data = data[:start] + new + data[end:]
    return data


def large(inputs: str = "x[{}]", outputs: str = "y[{}]", n_gates: int = 50_000) -> Circuit:
    """Many gates; the names of their ports are made of these."""
    gates = layered(n_gates)
    return Circuit(
        gates,
        tuple(map(inputs.format, range(gates.n_inputs))),
        tuple(map(outputs.format, range(gates.n_outputs))),
    )
