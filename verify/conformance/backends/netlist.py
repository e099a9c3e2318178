"""The netlist that symbolic execution makes of a model, simulated in numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from lgnx.files import as_ir
from lgnx.ops.errors import ModelError
from lgnx.verify.conformance.backend import Backend, Run
from lgnx.verify.conformance.case import Case

BOOLEAN = frozenset({"LogicDense", "LogicConv", "LogicConvTranspose", "OrPool"})
"""The operators from bits to bits of one sample."""


class NetlistSimulation(Backend):
    """One operator is one Boolean region, whose netlist must give the same bits."""

    name = "netlist"
    title = "netlist"
    detects = frozenset({"file", "node"})

    def supports(self, case: Case) -> str | None:
        """Leave aside what is no Boolean function of a sample of known size."""
        fed = {value.name: value.type.tensor_type for value in case.model.graph.input}
        if case.operator not in BOOLEAN | {"LogicNetwork"}:
            return "the operator is no Boolean function of the bits of a sample"
        if case.refusal:
            return None
        if len(case.node.input) > 3:
            return "packed words: a netlist takes samples"
        if {"indices", "tables", "thresholds"} & set(fed):
            return "layers and thresholds that are no constants have no netlist"
        x = fed["x"]
        if not x.HasField("shape") or not all(d.HasField("dim_value") for d in x.shape.dim[1:]):
            return "a netlist needs static axes beside the batch"
        if case.operator == "LogicDense" and len(x.shape.dim) < 2:
            return "the first axis is the batch: of x of rank 1 nothing is left"
        return None

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Make the netlist."""
        from lgnx.check import check_or_raise

        check_or_raise(model)
        return _network(model) if _is_network(model) else _region(model)


def _is_network(model: onnx.ModelProto) -> bool:
    return model.graph.node[0].op_type == "LogicNetwork"


def _network(model: onnx.ModelProto) -> Run:
    from lgnx.network import Network

    network = Network.from_model(model)

    def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [network.scores(inputs["x"])]

    return run


def _region(model: onnx.ModelProto) -> Run:
    from lgnx.netlist.regions import find_regions

    regions, reasons = find_regions(as_ir(onnx.shape_inference.infer_shapes(model)))
    if len(regions) != 1 or regions[0].netlist is None:
        why = "; ".join(reasons.values()) or "symbolic execution does not know the operator"
        raise ModelError(f"{len(regions)} Boolean regions, must be 1: {why}")
    netlist = regions[0].netlist
    shape = [dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim[1:]]

    def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        x = inputs["x"]
        bits = netlist.simulate(x.reshape(len(x), netlist.n_inputs))
        return [bits.reshape(len(x), *shape)]

    return run


def backends() -> Iterator[Backend]:
    """Give the backend."""
    yield NetlistSimulation()
