from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx import TensorProto

from lgnx.netlist.regions import find_regions


def find(model):
    regions, reasons = find_regions(ir.serde.deserialize_model(model))
    return regions, {node.name: reason for node, reason in reasons.items()}


def test_data_movement_and_logic_are_one_region(make):
    rng = np.random.default_rng(0)
    m = make(2, 3)
    turned = m.op("Transpose", "x", perm=[0, 2, 1])
    flat = m.op("Reshape", m.op("Pad", turned, m.constant([0, 1, 0, 0, 0, 1])), m.constant([0, 12]))
    (region,), reasons = find(m.model(m.dense(flat, 12, 5, 3, rng)))
    assert not reasons
    assert region.source_shapes == [(2, 3)]
    assert region.sink_shapes == [(1, 5)]
    x = rng.random((9, 2, 3)) < 0.5
    assert region.netlist.simulate(x.reshape(9, 6)).shape == (9, 5)


def test_a_layer_with_computed_tables_says_why_it_is_outside(make):
    m = make(4)
    one = np.ones((1, 1), np.uint8)
    tables = m.op("Add", m.op("Identity", m.constant(one)), m.constant(one))
    shape = m.op("Cast", m.op("ReduceSum", m.op("Cast", "x", to=TensorProto.FLOAT)), to=2)
    changing = m.op("Add", tables, m.op("Reshape", shape, m.constant([1, 1])))
    y = m.op("LogicDense", "x", m.constant(np.array([[0, 1]], np.int32)), changing)
    _, reasons = find(m.model(y))
    assert reasons["n_LogicDense_7"] == "its input 'Add_6' is neither bits nor a constant"


def test_an_unknown_width_says_so(make):
    m = make("width")
    y = m.op(
        "LogicDense", "x", m.constant(np.array([[0, 1]], np.int32)), m.constant([[8]]).__str__()
    )
    m.constants[1].data_type = TensorProto.UINT8
    m.constants[1].raw_data = b"\x08"
    _, reasons = find(m.model(y))
    assert reasons == {"n_LogicDense_0": "the shape of its input 'x' is not known"}


def test_mixing_samples_says_so(make):
    m = make(4, batch=4)
    rng = np.random.default_rng(0)
    y = m.dense(m.op("Transpose", m.dense("x", 4, 4, 2, rng), perm=[1, 0]), 4, 3, 2, rng)
    _, reasons = find(m.model(y))
    assert "n_Transpose_1" in reasons
