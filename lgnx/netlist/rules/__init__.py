"""Symbolic execution: a model is run with wires in place of bits.

One file for each operator, or group of operators that are one thing; each has its rules in
`RULES`, and is found here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules import (
    add,
    arg_max,
    bitwise,
    boolean,
    cast,
    compare,
    conv,
    cum_sum,
    extremes,
    functions,
    group_sum,
    logic_conv,
    logic_dense,
    lookup,
    matmul,
    movement,
    multiply,
    or_pool,
    reduce,
    where,
)
from lgnx.netlist.rules.call import Call, Rule
from lgnx.netlist.rules.movement import is_data_movement
from lgnx.netlist.rules.values import NotBooleanError, Symbols

RULES: dict[tuple[str, str], Rule] = {}
for _module in (
    movement,  # of constants by numbers: `lookup`
    add,
    arg_max,
    bitwise,
    boolean,
    cast,
    compare,
    conv,
    cum_sum,
    extremes,
    functions,
    group_sum,
    logic_conv,
    logic_dense,
    lookup,
    matmul,
    multiply,
    or_pool,
    reduce,
    where,
):
    RULES.update(_module.RULES)


def has_rule(node: ir.Node) -> bool:
    """Tell whether an operator can be run on wires."""
    return (node.domain, node.op_type) in RULES


def is_logic(node: ir.Node) -> bool:
    """Tell whether an operator may make gates (rather than only move bits)."""
    return has_rule(node) and not is_data_movement(node)


def run_node(
    node: ir.Node,
    inputs: Sequence[Symbols | np.ndarray | None],
    builder: NetlistBuilder,
    opset: int,
) -> list[Symbols]:
    """Run one node on symbolic values.

    Parameters
    ----------
    node
        The node.
    inputs
        For each input its symbolic value or its constant value; None where it has neither.
    builder
        Gets the gates.
    opset
        Version of the ONNX domain.

    Returns
    -------
    list
        Symbolic value of each output.

    Raises
    ------
    NotBooleanError
        If the node is not logic on the bits of single samples.
    """
    for value, source in zip(inputs, node.inputs, strict=True):
        if value is None and source is not None:
            raise NotBooleanError(f"its input {source.name!r} is neither bits nor a constant")
    rule = RULES.get((node.domain, node.op_type))
    if rule is None:
        raise NotBooleanError("it is not a Boolean operator")
    return rule(Call(node, inputs, builder, opset))
