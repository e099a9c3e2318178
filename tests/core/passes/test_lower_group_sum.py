from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto


def test_a_plain_count_is_only_cast(make, apply, ops):
    m = make(12)
    result = apply(m.model(m.op("GroupSum", "x", groups=3)), "lower-group-sum")
    assert ops(result) == {"Shape": 1, "PackBits": 1, "BitCount": 1, "Cast": 1}


def test_integer_counts_are_not_cast(make, apply, ops):
    m = make(12)
    y = m.op("GroupSum", "x", groups=3, dtype=TensorProto.INT32, bias=2.0)
    assert ops(apply(m.model(y), "lower-group-sum")) == {
        "Shape": 1,
        "PackBits": 1,
        "BitCount": 1,
        "Add": 1,
    }


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(1, 4),
    size=st.integers(1, 9),
    bias=st.floats(-5, 5, width=32),
    tau=st.floats(0.125, 100, width=32),
    beta=st.floats(-5, 5, width=32),
    dtype=st.sampled_from([TensorProto.FLOAT, TensorProto.DOUBLE]),
)
def test_any_scale_gives_the_same_bits(make, apply, groups, size, bias, tau, beta, dtype):
    m = make(groups * size)
    y = m.op("GroupSum", "x", groups=groups, bias=bias, tau=tau, beta=beta, dtype=dtype)
    apply(m.model(y), "lower-group-sum")


@pytest.mark.parametrize("shape", [(2, 6), (2, 2, 6)])
def test_bits_that_are_not_rows_are_left_alone(make, apply, ops, shape):
    m = make(*shape)
    assert ops(apply(m.model(m.op("GroupSum", "x", groups=3)), "lower-group-sum"))["GroupSum"] == 1
