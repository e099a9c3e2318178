"""DOT files: parsed by pydot and Graphviz, and the circuit made again of the graph."""

from __future__ import annotations

import graphlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from lgnx.converters.circuit import Circuit
from lgnx.converters.dot import FORMAT
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.percent_names import unescape
from lgnx.ops.errors import InputError, ModelError
from tests.converters.circuit_cases import (
    GOLDEN,
    assert_equal,
    circuits,
    large,
    netlist,
    trained,
    write,
)

LIST = r"""
N { print("N\t", $.name, "\t", aget($, "kind"), "\t", aget($, "port")) }
E { print("E\t", $.tail.name, "\t", $.head.name, "\t", aget($, "slot"),
          "\t", aget($, "complement")) }
"""


def rebuilt(nodes: dict[str, tuple[str, str]], edges: Iterable[tuple[Any, ...]]) -> Circuit:
    """A circuit of what a parser found: nodes (kind, port), edges (from, to, slot, complement)."""
    reads: dict[str, dict[int, tuple[str, int]]] = {node: {} for node in nodes}
    for source, target, slot, complement in edges:
        assert slot not in reads[target]
        reads[target][slot] = (source, complement)
    ports = {
        kind: sorted((n for n in nodes if nodes[n][0] == kind), key=lambda n: int(n[1:]))
        for kind in ("input", "output")
    }
    literals = {node: 2 * i for i, node in enumerate(ports["input"], 1)}
    literals |= {node: 0 for node in nodes if nodes[node][0] == "constant"}
    order = graphlib.TopologicalSorter(
        {node: [source for source, _ in inputs.values()] for node, inputs in reads.items()}
    )
    kinds, fanins = [], []
    for node in order.static_order():
        if nodes[node][0] in ("and", "xor"):
            assert sorted(reads[node]) == [0, 1]
            fanins.append([literals[s] ^ c for s, c in (reads[node][0], reads[node][1])])
            kinds.append(int(nodes[node][0] == "xor"))
            literals[node] = 2 * (len(ports["input"]) + len(kinds))
    outputs = [literals[reads[node][0][0]] ^ reads[node][0][1] for node in ports["output"]]
    return Circuit(
        netlist(len(ports["input"]), kinds, fanins, outputs),
        tuple(unescape(nodes[node][1]) for node in ports["input"]),
        tuple(unescape(nodes[node][1]) for node in ports["output"]),
    )


def by_pydot(path: Path) -> Circuit:
    pydot = pytest.importorskip("pydot")
    (graph,) = pydot.graph_from_dot_file(str(path), encoding="utf-8")
    nodes: dict[str, tuple[str, str]] = {}
    graphs = [graph]
    while graphs:
        graph_ = graphs.pop()
        graphs += graph_.get_subgraphs()
        for node in graph_.get_nodes():
            found = node.get_attributes()
            if "kind" in found:
                nodes[node.get_name()] = (found["kind"], found.get("port", "").strip('"'))
    edges = []
    for edge in graph.get_edges():
        found = edge.get_attributes()
        assert (found.get("style") == "dashed") == (found.get("complement") == "1")
        complement = int(found.get("complement", 0))
        edges.append((edge.get_source(), edge.get_destination(), int(found["slot"]), complement))
    return rebuilt(nodes, edges)


def by_graphviz(path: Path) -> Circuit:
    if not shutil.which("gvpr"):
        pytest.skip("Graphviz is not installed")
    done = subprocess.run(
        ["gvpr", LIST, str(path)], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stderr == ""
    nodes, edges = {}, []
    for line in done.stdout.splitlines():
        what, *found = line.split("\t")
        if what == "N":
            nodes[found[0]] = (found[1], found[2])
        else:
            source, target, slot, complement = found
            edges.append((source, target, int(slot), int(complement)))
    return rebuilt(nodes, edges)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(circuit=circuits())
@pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot.*")
@pytest.mark.parametrize("parse", [by_pydot, by_graphviz])
def test_the_graph_holds_the_whole_circuit(tmp_path, parse, circuit):
    again = parse(write(FORMAT, circuit, tmp_path / "c.dot"))
    assert again.input_names == circuit.input_names
    assert again.output_names == circuit.output_names
    assert_equal(again.netlist, circuit.netlist)


def test_a_trained_network_is_made_again_of_its_graph(tmp_path):
    circuit = trained()
    again = by_graphviz(write(FORMAT, circuit, tmp_path / "digits.dot"))
    assert (again.input_names, again.output_names) == (circuit.input_names, circuit.output_names)
    assert_equal(again.netlist, circuit.netlist)


@pytest.mark.slow
def test_fifty_thousand_gates_are_made_again_of_their_graph(tmp_path):
    circuit = large("in {}", "out {}")
    again = by_graphviz(write(FORMAT, circuit, tmp_path / "big.gv"))
    assert again.input_names == circuit.input_names
    assert_equal(again.netlist, circuit.netlist)


def test_levels_are_ranks_and_complemented_edges_are_dashed(tmp_path):
    circuit = Circuit(
        netlist(2, [0, 1, 0], [[2, 5], [2, 4], [6, 8]], [11, 1]),
        ("a", 'b"\\'),
        ("y", "z\n"),
        "half <adder>",
        {"lgnx.comment": "two\nlines"},
    )
    text = write(FORMAT, circuit, tmp_path / "c.dot").read_text()
    lines = [line.strip() for line in text.splitlines()]
    assert lines[:3] == ['digraph "half%20<adder>" {', "// two", "// lines"]
    assert "{rank=same n3 n4}" in lines
    assert 'i1 [kind=input, port="b%22%5C", label="b\\"\\\\"]' in lines
    assert 'o1 [kind=output, port="z%0A", label="z "]' in lines
    edges = [line for line in lines if "->" in line]
    assert edges == [
        "i0 -> n3 [slot=0]",
        "i1 -> n3 [slot=1, complement=1, style=dashed, arrowhead=odot]",
        "i0 -> n4 [slot=0]",
        "i1 -> n4 [slot=1]",
        "n3 -> n5 [slot=0]",
        "n4 -> n5 [slot=1]",
        "n5 -> o0 [slot=0, complement=1, style=dashed, arrowhead=odot]",
        "n0 -> o1 [slot=0, complement=1, style=dashed, arrowhead=odot]",
    ]


def test_graphviz_draws_it_without_a_word(tmp_path):
    if not shutil.which("dot"):
        pytest.skip("Graphviz is not installed")
    names = ('a"', "\\N <b> & é")
    circuit = Circuit(netlist(2, [0], [[3, 5]], [6, 0]), names, ("y\\", "{z}"))
    path = write(FORMAT, circuit, tmp_path / "c.dot")
    done = subprocess.run(["dot", "-Tplain", str(path)], capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line for line in done.stdout.splitlines() if line.startswith("node")]
    assert len(shown) == 6
    assert "node i0 " in done.stdout


def test_dot_is_only_written(tmp_path):
    path = write(FORMAT, trained(), tmp_path / "a.dot")
    with pytest.raises(InputError, match=r"a\.dot"):
        read_model(path)


def test_scaled_scores_are_refused_and_no_file_appears(tmp_path):
    with pytest.raises(ModelError, match="part=counts or part=logic"):
        write_model(GOLDEN / "digits" / "network.onnx", tmp_path / "a.dot")
    assert list(tmp_path.iterdir()) == []
