"""Gates of ONNX on wires, bit by bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgnx.netlist.arithmetic import Number
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.values import BOOL, Symbols, decode, encode

_GATES: dict[str, Callable[..., np.ndarray]] = {
    "And": NetlistBuilder.and_,
    "Or": NetlistBuilder.or_,
    "Xor": NetlistBuilder.xor,
    "Not": NetlistBuilder.not_,
}


def _run(call: Call) -> list[Symbols]:
    numbers, batch = decode([call.bits(i) for i in range(len(call.inputs))])
    gate = _GATES[call.node.op_type]
    bits = gate(call.builder, *(number.planes for number in numbers))
    return [encode(Number(bits, 0, 1), batch, BOOL)]


RULES = {("", name): _run for name in _GATES}
