from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto

TYPES = [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64]
numbers = st.floats(-1e6, 1e6, width=32)


def test_groups_are_contiguous_and_equal(agree):
    x = np.array([[1, 1, 0, 1, 0, 0], [0, 0, 0, 1, 1, 1]], bool)
    y = agree("GroupSum", x, groups=2)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, [[2, 1], [0, 3]])


def test_the_score_is_computed_in_its_type_and_in_order(agree):
    x = np.ones((1, 3), bool)
    y = agree("GroupSum", x, groups=1, bias=0.25, tau=3.0, beta=0.1)
    f = np.float32
    assert y[0, 0] == (f(3) + f(0.25)) / f(3) + f(0.1)
    y = agree("GroupSum", x, groups=1, tau=0.1, dtype=TensorProto.DOUBLE)
    assert y[0, 0] == 3 / np.float64(f(0.1))  # an attribute is a float32


@pytest.mark.parametrize("dtype", TYPES)
def test_every_score_type_and_corner_batch(agree, corner_bits, dtype):
    integral = dtype in (TensorProto.INT32, TensorProto.INT64)
    scale = {"bias": 2.0, "beta": -3.0} if integral else {"bias": 0.1, "tau": 7.0, "beta": -0.3}
    for x in corner_bits(30):
        agree("GroupSum", x, groups=5, dtype=dtype, **scale)


@settings(max_examples=40, deadline=None)
@given(
    leading=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    groups=st.integers(1, 5),
    size=st.integers(1, 70),
    bias=numbers,
    tau=st.floats(2.0**-20, 2.0**20, width=32),
    beta=numbers,
    dtype=st.sampled_from(TYPES[:2]),
    seed=st.integers(0, 99),
)
def test_any_scale_and_rank(agree, leading, groups, size, bias, tau, beta, dtype, seed):
    x = np.random.default_rng(seed).random((*leading, groups * size)) < 0.5
    agree("GroupSum", x, groups=groups, bias=bias, tau=tau, beta=beta, dtype=dtype)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"groups": 4}, "attribute groups: is 4, which does not divide 6 bits"),
        ({"groups": 0}, "attribute groups: is 0"),
        ({"groups": 2, "tau": 0.0}, "attribute tau: is 0, must be finite and greater than 0"),
        ({"groups": 2, "tau": -1.0}, "attribute tau: is -1, must be finite"),
        ({"groups": 2, "tau": float("nan")}, "attribute tau: is nan"),
        ({"groups": 2, "tau": float("inf")}, "attribute tau: is inf"),
        ({"groups": 2, "beta": float("nan")}, "attribute beta: is nan"),
        ({"groups": 2, "bias": float("inf")}, "attribute bias: is inf"),
        ({"groups": 2, "dtype": TensorProto.INT32, "tau": 2.0}, "attribute tau"),
        ({"groups": 2, "dtype": TensorProto.INT64, "beta": 0.5}, "attribute beta"),
        ({"groups": 2, "dtype": TensorProto.BOOL}, "attribute dtype"),
        ({"groups": 2, "size": 3}, "attribute size: is unknown; the attributes of GroupSum are"),
        ({"groups": 2.0}, "attribute groups: is FLOAT, must be INT"),
        ({}, "attribute groups: is missing"),
    ],
)
def test_bad_attributes_are_named(problems, attributes, expected):
    assert expected in problems("GroupSum", np.zeros((2, 6), bool), out=np.float32, **attributes)


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"groups": 4}, "groups"),
        ({"groups": 0}, "groups"),
        ({"groups": 2, "tau": 0.0}, "tau"),
        ({"groups": 2, "tau": float("nan")}, "tau"),
        ({"groups": 2, "beta": float("inf")}, "beta"),
    ],
)
def test_bad_attributes_stop_the_session_and_not_the_process(refused, attributes, word):
    assert word in refused("GroupSum", np.zeros((2, 6), bool), out=np.float32, **attributes)
