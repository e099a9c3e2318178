"""The examples on the page of the operators, by hand and in every form."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import lgnx
from lgnx.ops import DOMAIN, OPERATORS, VERSION


def test_the_adder_of_two_bits_gives_sum_and_carry(agree):
    (x, indices, tables), attributes = OPERATORS["LogicDense"].example
    y = agree("LogicDense", x, indices, tables, **attributes)
    assert sorted(map(tuple, x.tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for (x1, x2), (y1, y2) in zip(x.astype(int), y.astype(int), strict=True):
        assert y1 + 2 * y2 == x1 + x2


def test_thresholds_give_a_number_its_thermometer(agree):
    (x, thresholds), attributes = OPERATORS["Thermometer"].example
    np.testing.assert_array_equal(thresholds, np.array([0.25, 0.5, 0.75], np.float32))
    np.testing.assert_array_equal(x, np.array([0.2, 0.6], np.float32))
    y = agree("Thermometer", x, thresholds, **attributes)
    assert y.astype(int).tolist() == [[0, 0, 0], [1, 1, 0]]


def test_the_adder_is_the_same_from_file_to_network(tmp_path):
    (x, indices, tables), _ = OPERATORS["LogicDense"].example
    graph = helper.make_graph(
        [helper.make_node("LogicDense", ["x", "indices", "tables"], ["y"], "adder", domain=DOMAIN)],
        "adder",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["batch", 2])],
        [numpy_helper.from_array(indices, "indices"), numpy_helper.from_array(tables, "tables")],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "a.onnx")
    assert lgnx.check(tmp_path / "a.onnx") == []
    expected = [[a ^ b, a & b] for a, b in x.astype(int).tolist()]
    for session in (
        lgnx.InferenceSession(tmp_path / "a.onnx"),
        lgnx.InferenceSession(lgnx.lower(tmp_path / "a.onnx", "network").SerializeToString()),
    ):
        assert session.run(None, {"x": x})[0].astype(int).tolist() == expected


@pytest.mark.parametrize("name", OPERATORS)
def test_every_example_is_the_same_in_every_form(agree, name):
    arrays, attributes = OPERATORS[name].example
    agree(name, *arrays, **attributes)
