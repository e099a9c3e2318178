from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.ops.errors import InputError, ModelError
from lgnx.static_batch import set_batch


@pytest.fixture
def model(make):
    rng = np.random.default_rng(0)
    m = make(4, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.array([[0.25, 0.75]], np.float32)))
    flat = m.op("Reshape", bits, m.constant([-1, 8]))
    return m.model(m.op("GroupSum", m.dense(flat, 8, 12, 3, rng), groups=3))


def test_every_shape_is_static(model):
    fixed = set_batch(model, 7)
    graph = fixed.graph
    for value in [*graph.input, *graph.value_info, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        assert dims
        assert all(dim.HasField("dim_value") for dim in dims), value.name
    assert [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim] == [7, 3]
    named = {value.name for value in [*graph.value_info, *graph.output]}
    assert named >= {output for node in graph.node for output in node.output}


def test_the_fixed_model_gives_the_same(model):
    x = np.random.default_rng(0).random((7, 4), np.float32)
    fixed, free = (lgnx.InferenceSession(m) for m in (set_batch(model, 7), model))
    np.testing.assert_array_equal(fixed.run(None, {"x": x})[0], free.run(None, {"x": x})[0])


def test_the_argument_is_not_changed(model):
    before = model.SerializeToString()
    set_batch(model, 7)
    assert model.SerializeToString() == before


def test_bad_batches_are_refused(model):
    with pytest.raises(InputError, match="the batch must be at least 1, not 0"):
        set_batch(model, 0)
    with pytest.raises(ModelError, match="input 'x' has the fixed batch 7, which cannot become 8"):
        set_batch(set_batch(model, 7), 8)
