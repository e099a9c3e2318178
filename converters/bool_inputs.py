"""Model inputs that are bits: bool instead of 0.0 and 1.0."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import onnx_ir as ir

from lgnx.netlist.rules import is_data_movement
from lgnx.passes.edit import fresh_name, is_op
from lgnx.passes.remove_casts import bits_of, constant_bits, moved_inputs

__all__ = ["take_bits"]

# What RemoveCastsPass turns into logic where all operands are bits.
_ARITHMETIC = ("Add", "Max", "MaxPool", "Min", "Mul", "Sub")


def take_bits(
    model: ir.Model,
    inputs: Collection[str],
    scopes: Mapping[ir.Node, str],
    layers: Collection[str],
) -> bool:
    """Let inputs be bool that only layers of logic read.

    Such an input gets a Cast to what it was; `RemoveCastsPass` then removes that together with the
    comparison at the beginning of each layer. On the way to the layers there may be data movement,
    and arithmetic with other bits; of comparisons that a user wrote, nothing is known but that they
    take numbers.

    Parameters
    ----------
    model
        Changed in place.
    inputs
        Names of the float inputs that may become bool: the sample holds 0 and 1 only.
    scopes
        Qualified name of the module that a node comes from.
    layers
        Qualified names of the modules that read bits.

    Returns
    -------
    bool
        Whether there was such an input.
    """
    graph = model.graph
    chosen = {
        value
        for value in graph.inputs
        if value.name in inputs and value.dtype is not None and value.dtype.is_floating_point()
    }
    while True:
        derived = {value: _derived(value) for value in chosen}
        known = set().union(*derived.values())
        good = {x for x in chosen if _only_logic_reads(derived[x], known, scopes, layers)}
        if good == chosen:
            break
        chosen = good
    for value in chosen:
        assert value.dtype is not None
        numbers = ir.Value(name=fresh_name(graph, f"{value.name}/Cast"), shape=value.shape)
        numbers.dtype = value.dtype
        ir.convenience.replace_all_uses_with(value, numbers)
        cast = ir.node("Cast", [value], {"to": int(value.dtype)}, outputs=[numbers])
        cast.name = numbers.name
        value.dtype = ir.DataType.BOOL
        graph.insert_before(graph[0], cast)
    return bool(chosen)


def _passes_on(node: ir.Node) -> bool:
    """Tell whether a node, given numbers 0 and 1, may be logic that gives such numbers."""
    converts = is_op(node, "Cast") and node.attributes.get_int("to") != int(ir.DataType.BOOL)
    return converts or is_data_movement(node) or is_op(node, *_ARITHMETIC)


def _derived(x: ir.Value) -> set[ir.Value]:
    """Give what data movement and arithmetic make of an input."""
    found, todo = {x}, [x]
    while todo:
        for use in todo.pop().uses():
            made = set(use.node.outputs) - found if _passes_on(use.node) else set()
            found |= made
            todo += made
    return found


def _is_bits(value: ir.Value | None) -> bool:
    return bits_of(value) is not None or constant_bits(value) is not None


def _only_logic_reads(
    derived: Collection[ir.Value],
    known: Collection[ir.Value],
    scopes: Mapping[ir.Node, str],
    layers: Collection[str],
) -> bool:
    """Tell whether every path from an input ends in the comparison of a layer of logic."""
    compared = False
    for value in derived:
        producer = value.producer()
        # An output that is the input itself, moved about, keeps the type of the input.
        if value.is_graph_output() and (producer is None or is_data_movement(producer)):
            return False
        for node, number in value.uses():
            if is_op(node, "Greater") and scopes.get(node) in layers:
                compared = True
                continue
            if not _passes_on(node):
                return False
            carried = moved_inputs(node) if is_data_movement(node) else range(len(node.inputs))
            operands = [node.inputs[i] for i in carried]
            if number not in carried or not all(v in known or _is_bits(v) for v in operands):
                return False
    return compared
