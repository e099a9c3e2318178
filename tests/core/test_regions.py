from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
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


def count(m, x="x", kind=TensorProto.FLOAT):
    return m.op("ReduceSum", m.op("Cast", x, to=kind), m.constant([1]))


def test_arithmetic_that_leads_to_bits_is_part_of_a_region(make):
    m = make(6)
    more = m.op("Greater", count(m), m.constant(np.float32(2.5)))
    (region,), reasons = find(m.model(more))
    assert not reasons
    assert [node.op_type for node in region.nodes] == ["Cast", "ReduceSum", "Greater"]
    assert region.sink_shapes == [(1, 1)]


def test_a_number_that_leaves_ends_the_region_before_it_is_made(make):
    m = make(6)
    flipped = m.op("Not", "x")
    total = m.op("Exp", count(m, flipped))
    (region,), reasons = find(m.model(total))
    assert [node.op_type for node in region.nodes] == ["Not"]
    assert reasons == {
        "n_ReduceSum_2": "the number that it makes, 'ReduceSum_2', is read by 'n_Exp_3' (Exp), "
        "which is not logic",
        "n_Cast_1": "the number that it makes, 'Cast_1', is read by 'n_ReduceSum_2' (ReduceSum), "
        "which is not logic",
    }


def test_a_number_that_is_an_output_says_so(make):
    m = make(6)
    _, reasons = find(m.model(count(m)))
    message = "the number that it makes, 'ReduceSum_1', is an output of the model"
    assert reasons["n_ReduceSum_1"] == message


def test_shapes_that_are_computed_do_not_part_regions(make):
    m = make(6)
    flipped = m.op("Not", "x")
    batch = m.op("Shape", flipped, start=0, end=1)
    square = m.op("Reshape", flipped, m.op("Concat", batch, m.constant([2, 3]), axis=0))
    zeros = m.op(
        "Expand", m.constant([[[True]]]), m.op("Concat", batch, m.constant([2, 1]), axis=0)
    )
    (region,), reasons = find(m.model(m.op("Xor", square, zeros)))
    assert not reasons
    assert len(region.sinks) == 1
    assert region.netlist.n_outputs == 6


def test_numbers_of_one_region_do_not_go_to_another(make):
    m = make(6)
    total = count(m)
    outside = m.op("Exp", m.op("Cast", m.op("Greater", total, m.constant(np.float32(1))), to=1))
    later = m.op("Greater", outside, m.constant(np.float32(2)))
    both = m.op("And", later, m.op("Less", total, m.constant(np.float32(4))))
    chosen = m.op("Where", later, total, m.constant(np.float32(0)))
    y = m.op("And", both, m.op("Equal", chosen, m.constant(np.float32(3))))
    regions, reasons = find(m.model(y))
    assert reasons["n_ReduceSum_1"] == "the number that it makes is read by different regions"
    assert all(value.dtype == ir.DataType.BOOL for r in regions for value in r.sources + r.sinks)


def inexact(m):
    wide = m.op("Concat", *["x"] * 400, axis=1)
    return m.op("Greater", count(m, wide, TensorProto.FLOAT16), m.constant(np.float16(3)))


def fitting(m):
    numbers = m.op("Cast", "x", to=TensorProto.UINT8)
    return m.op("Greater", m.op("Mul", numbers, m.constant(np.uint8(200))), numbers)


def wrapping(m):
    numbers = m.op("Cast", "x", to=TensorProto.UINT8)
    less = m.op("Sub", numbers, m.constant(np.uint8(1)))
    return m.op("Greater", less, numbers)


def over_samples(m):
    total = m.op("ReduceSum", m.op("Cast", "x", to=TensorProto.FLOAT), m.constant([0]))
    return m.op("Greater", total, m.constant(np.float32(3)))


def by_size(m):
    many = m.op("Greater", m.op("Shape", "x", start=0, end=1), m.constant([5]))
    return m.op("And", "x", many)


def by_position(m):
    rows = m.op("Range", m.constant(0), m.op("Squeeze", m.op("Shape", "x", end=1)), m.constant(1))
    late = m.op("Greater", m.op("Unsqueeze", rows, m.constant([1])), m.constant(5))
    return m.op("And", "x", late)


def fractions(m):
    weights = m.constant(np.full((6, 2), 0.1, np.float32))
    total = m.op("MatMul", m.op("Cast", "x", to=TensorProto.FLOAT), weights)
    return m.op("Greater", total, m.constant(np.float32(0.3)))


def thirds(m):
    third = m.op("Div", count(m), m.constant(np.float32(3)))
    return m.op("Greater", m.op("Add", third, third), m.constant(np.float32(1)))


def divided(m):
    total = count(m)
    return m.op("Greater", m.op("Div", total, total), m.constant(np.float32(0)))


def by_zero(m):
    total = count(m, kind=TensorProto.INT32)
    return m.op("Greater", m.op("Div", total, m.constant(np.int32(0))), m.constant(np.int32(0)))


def out_of_range(m):
    place = m.op("Squeeze", count(m, kind=TensorProto.INT64), m.constant([1]))
    return m.op("Not", m.op("Gather", m.constant(np.array([True, False, True])), place))


def rows_of_samples(m):
    return m.op("Not", m.op("Concat", "x", "x", axis=0))


def first_half(m):
    return m.op("Not", m.op("Slice", "x", m.constant([0]), m.constant([1]), m.constant([0])))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (inexact, "its numbers may lie from 0 to 2400, which float16 does not hold exactly"),
        (over_samples, "it mixes samples of the batch"),
        (by_size, "its input 'Greater_1' depends on the size of the batch"),
        (by_position, "its input 'Greater_4' depends on the size of the batch"),
        (fractions, "it computes with a constant that is not a whole number"),
        (thirds, "it computes with numbers that are not whole"),
        (divided, "it divides by something else than one constant"),
        (by_zero, "it divides by 0"),
        (wrapping, "its numbers may lie from -1 to 0, which uint8 does not hold exactly"),
        (out_of_range, "its indices may lie from 0 to 6, out of the range of 3 entries"),
        (rows_of_samples, "it may pick samples of the batch"),
        (first_half, "it may pick samples of the batch"),
    ],
)
def test_what_is_not_logic_of_one_sample_says_why(make, build, reason):
    m = make(6)
    regions, reasons = find(m.model(build(m)))
    assert reason in reasons.values()
    assert not any(r.netlist.n_nodes for r in regions)


def test_products_that_fit_are_exact(make):
    m = make(6)
    regions, reasons = find(m.model(fitting(m)))
    assert not reasons
    assert len(regions) == 1
