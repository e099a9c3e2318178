"""CONV: the convolutional network of torchlogix's README, as torchlogix initialises it.

Its input is binarised already and its scores are counts (tau = 1). Most of its gates pass an input
on, which is torchlogix's default before training. lgnx runs the gates of torchlogix's own
`Circuit`, as it is traced, before torchlogix simplifies it.
"""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from engines.interface import UnavailableError
from engines.torchlogix import circuit_class
from onnx import TensorProto, helper, numpy_helper

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import DOMAIN, engine
from lgnx.ops._operator import VERSION
from lgnx.ops.program import encode

SEED = 0
SIDE, KERNELS, GATES, GROUPS = 28, 16, 4000, 10

# Bit j is the output for in0 + 2 in1 = j; unary operations read in0 only.
_TABLES = {
    "CONST_FALSE": 0x0,
    "CONST_TRUE": 0xF,
    "WIRE": 0xA,
    "NOT": 0x5,
    "NOT_A": 0x5,
    "NOT_B": 0x3,
    "AND": 0x8,
    "OR": 0xE,
    "XOR": 0x6,
    "NAND": 0x7,
    "NOR": 0x1,
    "XNOR": 0x9,
    "AND_NOT_B": 0x2,
    "AND_NOT_A": 0x4,
    "OR_NOT_B": 0xB,
    "OR_NOT_A": 0xD,
}


@dataclass(frozen=True)
class ConvolutionNetwork:
    """See `networks.Network`."""

    name: str = "CONV"
    title: str = "torchlogix's README, 28 × 28, 16 kernels, 2 × 4,000 gates → 10"
    n_inputs: int = SIDE * SIDE
    groups: int = GROUPS
    layers: None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample."""
        return (1, SIDE, SIDE)

    @property
    def widest(self) -> int:
        """Values of the convolution, before pooling."""
        return KERNELS * 26 * 26

    @property
    def digest(self) -> str:
        """Of the gates."""
        return hashlib.sha256(self._program.tobytes()).hexdigest()

    def torch_model(self) -> Any:
        """Build the README's layers without the binarization, the same ones each time."""
        import torch
        from torchlogix.layers import GroupSum, LogicConv2d, LogicDense, OrPooling2d

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return torch.nn.Sequential(
                LogicConv2d(
                    in_dim=SIDE,
                    channels=1,
                    num_kernels=KERNELS,
                    tree_depth=2,
                    receptive_field_size=3,
                ),
                OrPooling2d(kernel_size=2, stride=2, padding=0),
                torch.nn.Flatten(),
                LogicDense(KERNELS * 13 * 13, GATES),
                LogicDense(GATES, GATES),
                GroupSum(k=GROUPS),
            ).eval()

    @functools.cached_property
    def _program(self) -> np.ndarray:
        return encode(self._netlist().to_program())

    def _netlist(self) -> Netlist:
        circuit = circuit_class().from_model(self.torch_model(), self.shape)
        by_id = {each.node_id: each for each in circuit.sum_nodes}
        sums = [by_id[output] for output in circuit.outputs]
        if len({len(each.input_ids) for each in sums}) != 1:
            raise UnavailableError("its groups are not of one size")
        raw = circuit_netlist(circuit, [gate for each in sums for gate in each.input_ids])
        return Netlist(
            raw.n_inputs, *engine.optimize(raw.n_inputs, raw.kinds, raw.fanins, raw.outputs)
        )

    def model(self) -> onnx.ModelProto:
        """Network level."""
        node = helper.make_node(
            "LogicNetwork",
            ["x", "program"],
            ["y"],
            "network",
            domain=DOMAIN,
            n_outputs=GATES,
            groups=GROUPS,
            dtype=TensorProto.INT32,
        )
        graph = helper.make_graph(
            [node],
            "network",
            [helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", self.n_inputs])],
            [helper.make_tensor_value_info("y", TensorProto.INT32, ["batch", GROUPS])],
            [numpy_helper.from_array(self._program, "program")],
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def samples(self, n: int) -> np.ndarray:
        """Input, bool [n, n_inputs]."""
        rng = np.random.default_rng(1)
        return rng.integers(0, 2, (n, self.n_inputs), np.uint8).view(bool)


def circuit_netlist(circuit: Any, outputs: list[int]) -> Netlist:
    """Turn the gates of a torchlogix `Circuit` into a netlist."""
    builder = NetlistBuilder(circuit.n_inputs)
    literals = dict(enumerate(builder.inputs().tolist()))
    level = dict.fromkeys(literals, 0)
    by_level = defaultdict(list)
    for gate in circuit.gates:  # in topological order
        level[gate.gate_id] = 1 + max(level.get(gate.in0, 0), level.get(gate.in1, 0))
        by_level[level[gate.gate_id]].append(gate)
    for _, gates in sorted(by_level.items()):
        tables = np.array([[_TABLES[gate.op.name]] for gate in gates], np.uint8)
        # An input that is not used is -1; any literal will do.
        read = [[literals.get(gate.in0, 0), literals.get(gate.in1, 0)] for gate in gates]
        made = builder.lut(tables, np.array(read, np.uint32))
        literals |= zip((gate.gate_id for gate in gates), made.tolist(), strict=True)
    return builder.finish(np.array([literals[gate] for gate in outputs], np.uint32))


def load() -> ConvolutionNetwork:
    """Trace it."""
    return ConvolutionNetwork()
