from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.bench import benchmark
from lgnx.ops.errors import InputError


@pytest.mark.parametrize("level", ["layer", "network"])
def test_words_with_a_batch_beside_them_are_refused(packed_model, level):
    model = packed_model if level == "layer" else lgnx.lower(packed_model)
    with pytest.raises(InputError, match="has the inputs x, batch; only models with one can be"):
        benchmark(model)


@pytest.mark.parametrize("level", ["layer", "network"])
def test_words_of_a_constant_batch_are_refused(make, level):
    rng = np.random.default_rng(0)
    m = make(2, dtype=TensorProto.UINT64, batch=9)
    model = m.model(m.dense(m.op("UnpackBits", "x", m.constant([65])), 9, 5, 2, rng))
    with pytest.raises(InputError, match="input 'x' is packed words, whose first axis is not the"):
        benchmark(model if level == "layer" else lgnx.lower(model), batches=(9,))
