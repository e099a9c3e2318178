"""Cast on wires: bits to numbers, numbers to bits, and numbers to numbers of another type."""

from __future__ import annotations

from onnx import helper

from lgnx.netlist.arithmetic import Number, any_of
from lgnx.netlist.rules.call import Call
from lgnx.netlist.rules.tables import encode_as, looked_up, mapped
from lgnx.netlist.rules.values import BOOL, Symbols, decode, encode


def _run(call: Call) -> list[Symbols]:
    x = call.raw(0)
    dtype = helper.tensor_dtype_to_np_dtype(call.node.attributes["to"].as_int())
    if x.table is not None:
        if dtype == BOOL:
            return [looked_up(call.builder, x, x.table != 0)]
        return [mapped(x, lambda values: values.astype(dtype))]
    if dtype == BOOL and not x.is_bits:
        (number,), batch = decode([x])
        return [encode(Number(any_of(call.builder, number.planes)[None], 0, 1), batch, BOOL)]
    return [encode_as(x, dtype)]


RULES = {("", "Cast"): _run}
