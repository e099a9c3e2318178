"""The bitwise level: the model lowered, in stock onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from lgnx.graphs import all_nodes
from lgnx.ops import DOMAIN
from lgnx.ops.errors import ModelError
from lgnx.verify.conformance.backend import Backend, Run
from lgnx.verify.conformance.backends._stock import stock_session
from lgnx.verify.conformance.case import Case

LEVEL = frozenset({"PackBits", "UnpackBits", "BitCount"})
"""The operators that the bitwise level has."""

_FIRST_STATIC = {"LogicDense": -1, "LogicConv": 1, "LogicConvTranspose": 1, "OrPool": 1}


class Bitwise(Backend):
    """Operators of the layer level must be gone after lowering: their passes are tested."""

    name = "bitwise"
    title = "bitwise level"
    detects = frozenset({"file", "node"})

    def supports(self, case: Case) -> str | None:
        """Leave aside what the passes say that they leave alone."""
        if case.operator == "LogicNetwork":
            return "a LogicNetwork is of the network level, which is not lowered"
        if case.refusal:
            return None
        x = case.model.graph.input[0].type.tensor_type.shape.dim
        first = _FIRST_STATIC.get(case.operator)
        if first is not None and not all(dim.HasField("dim_value") for dim in x[first:]):
            return "a layer over axes that are dynamic, beside the batch, is not lowered"
        fed = {"indices", "tables"} & {value.name for value in case.model.graph.input}
        if fed:
            return "indices and tables that are no constants are not lowered"
        if case.operator == "GroupSum" and len(x) != 2:
            return "a GroupSum over another rank than 2 is not lowered"
        return None

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Lower, and open one session for all inputs."""
        from lgnx.passes import lower

        lowered = lower(model, to="bitwise")
        left = {n.op_type for n in all_nodes(lowered.graph) if n.domain == DOMAIN} - LEVEL
        if left:
            raise ModelError(f"{', '.join(sorted(left))} was not lowered")
        return stock_session(lowered)


def backends() -> Iterator[Backend]:
    """Give the backend."""
    yield Bitwise()
