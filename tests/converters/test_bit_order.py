"""The order of bits and gates, written out by hand.

Nothing here is computed by code of lgnx: the networks are set up in torchlogix's own documented
numbering (gate id 2 is "A and not B", A the first connection), and the expected outputs are written
down from that. The gates are asymmetric, so that two errors cannot cancel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torchlogix.layers import FixedBinarization, GroupSum, LogicDense

from lgnx.converters.torch_export import export
from lgnx.verify.reference import run_reference


def constants(model: onnx.ModelProto) -> dict[str, list[Any]]:
    arrays = {t.name: onnx.numpy_helper.to_array(t).tolist() for t in model.graph.initializer}
    return {name: arrays[name] for name in ("indices", "tables")}


@pytest.fixture(scope="module")
def gates() -> onnx.ModelProto:
    """Five gates on three bits, in one torchlogix layer."""
    layer = LogicDense(3, 5)
    # connections: first input of each gate, then second input of each gate
    layer.connections.indices = torch.tensor([[0, 1, 2, 0, 2], [1, 0, 1, 2, 2]])
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 2] = 9  # A and not B, A = x0, B = x1
        layer.weight[1, 2] = 9  # A and not B, A = x1, B = x0
        layer.weight[2, 4] = 9  # B and not A, A = x2, B = x1
        layer.weight[3, 11] = 9  # B implies A, A = x0, B = x2
        layer.weight[4, 12] = 9  # not A, A = x2
    return export(layer, torch.zeros(2, 3))


def test_gates_give_the_outputs_written_here(gates: onnx.ModelProto) -> None:
    #             x0 x1 x2   x0&~x1  x1&~x0  x1&~x2  x0|~x2  ~x2
    expected = {
        (0, 0, 0): [0, 0, 0, 1, 1],
        (1, 0, 0): [1, 0, 0, 1, 1],
        (0, 1, 0): [0, 1, 1, 1, 1],
        (1, 1, 0): [0, 0, 1, 1, 1],
        (0, 0, 1): [0, 0, 0, 0, 0],
        (1, 0, 1): [1, 0, 0, 1, 0],
        (0, 1, 1): [0, 1, 0, 0, 0],
        (1, 1, 1): [0, 0, 0, 1, 0],
    }
    y = run_reference(gates, np.array(list(expected), np.float32))[0]
    assert y.tolist() == list(expected.values())


def test_tables_are_those_of_fpga_tools(gates: onnx.ModelProto) -> None:
    # bit 0: x0 = 0, x1 = 0; bit 1: x0 = 1, x1 = 0; bit 2: x0 = 0, x1 = 1; bit 3: both 1
    assert constants(gates) == {
        "indices": [[0, 1], [1, 0], [2, 1], [0, 2], [2, 2]],
        "tables": [[0b0010], [0b0010], [0b0100], [0b1011], [0b0101]],
    }


def test_a_table_of_four_inputs_has_the_first_as_its_least_significant_address_bit() -> None:
    layer = LogicDense(4, 4, lut_rank=4, parametrization="light")
    layer.connections.indices = torch.tensor(
        [[0, 3, 0, 0], [1, 2, 1, 1], [2, 1, 2, 2], [3, 0, 3, 3]]
    )
    # torchlogix's entries count with the first input as the most significant bit: 8 is A alone
    with torch.no_grad():
        layer.weight.fill_(-1)
        layer.weight[0, 0b1000] = 1  # A and no other; A = x0
        layer.weight[1, 0b1000] = 1  # A and no other; A = x3
        layer.weight[2, 0b0011] = 1  # C and D and no other
        layer.weight[3, [0b1000, 0b1010, 0b1100, 0b1110]] = 1  # A and not D
    model = export(layer, torch.zeros(2, 4))
    assert constants(model) == {
        "indices": [[0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 2, 3], [0, 1, 2, 3]],
        # address 1 in byte 0; the same; address 12 in byte 1; addresses 1, 3, 5, 7 in byte 0
        "tables": [[0b10, 0], [0b10, 0], [0, 0b10000], [0b10101010, 0]],
    }
    x = [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 0], [1, 1, 0, 1], [0, 0, 0, 0]]
    y = run_reference(model, np.array(x, np.float32))[0]
    assert y.tolist() == [
        [1, 0, 0, 1],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_walsh_coefficients_give_the_gate_they_are_documented_for() -> None:
    layer = LogicDense(2, 2, parametrization="warp")
    layer.connections.indices = torch.tensor([[0, 1], [1, 0]])
    with torch.no_grad():
        layer.weight[:] = torch.tensor([0.5, -0.5, 0.5, 0.5])  # A and not B
    model = export(layer, torch.zeros(2, 2))
    assert constants(model)["tables"] == [[0b0010], [0b0010]]
    y = run_reference(model, np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32))[0]
    assert y.tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]


def test_bits_of_a_feature_stand_together_and_groups_are_contiguous() -> None:
    wires = LogicDense(6, 6)
    # every gate passes its first input on: gate id 3 is A
    wires.connections.indices = torch.tensor([[5, 4, 3, 2, 1, 0], [0, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        wires.weight.zero_()
        wires.weight[:, 3] = 9
    thresholds = torch.tensor([[0.25, 0.5, 0.75], [10.0, 20.0, 30.0]])
    module = nn.Sequential(FixedBinarization(thresholds), wires, GroupSum(3, tau=2.0, beta=0.5))
    model = export(module, torch.zeros(2, 2))
    # x0 = 0.6 gives bits 1 1 0, x1 = 10 (not above 10) gives 0 0 0: bits 1 1 0 0 0 0, reversed
    # 0 0 | 0 0 | 1 1, counts 0 0 2, scores (count + 0.5) / 2
    # x0 = 0.25 gives 0 0 0, x1 = 25 gives 1 1 0: bits 0 0 0 1 1 0, reversed 0 1 | 1 0 | 0 0
    y = run_reference(model, np.array([[0.6, 10], [0.25, 25]], np.float32))[0]
    assert y.tolist() == [[0.25, 0.25, 1.25], [0.75, 0.75, 0.25]]
