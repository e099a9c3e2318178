"""GroupSum for torch: results, tracing, the module, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lgnx.torch
from lgnx.ops import OPERATORS
from lgnx.ops.errors import InputError

REFERENCE = OPERATORS["GroupSum"].reference
DTYPES = {torch.float32: 1, torch.int32: 6, torch.int64: 7, torch.float64: 11}


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(list(DTYPES)),
    st.sampled_from([0, 1, 63, 64, 65]),
    st.floats(-100, 100, width=32),
    st.floats(np.float32(0.01), 100, width=32),
    st.floats(-100, 100, width=32),
)
def test_it_is_its_reference(
    seed: int, dtype: torch.dtype, batch: int, bias: float, tau: float, beta: float
) -> None:
    x = np.random.default_rng(seed).integers(0, 2, (batch, 12)).astype(bool)
    if not dtype.is_floating_point:
        bias, tau, beta = float(int(bias)), 1.0, float(int(beta))
    scale = {"bias": bias, "tau": tau, "beta": beta}
    y = lgnx.torch.group_sum(torch.from_numpy(x), 3, **scale, dtype=dtype)
    expected = REFERENCE(x, 3, **scale, dtype=DTYPES[dtype])
    assert y.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("shape", [(12,), (2, 3, 12), (2, 0, 12), (4, 0)])
def test_bits_may_have_any_leading_axes(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 2, shape).astype(bool)
    y = lgnx.torch.group_sum(torch.from_numpy(x), 4, bias=1.0, tau=3.0)
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, 4, bias=1.0, tau=3.0))


def test_it_keeps_torchs_rules() -> None:
    bits = torch.ones(4, 6, dtype=torch.bool)
    torch.library.opcheck(lgnx.torch.group_sum, (bits, 3), {"tau": 2.0, "dtype": torch.float64})


def test_the_module_has_no_state_and_keeps_its_dtype() -> None:
    module = lgnx.torch.GroupSum(3, tau=3.3, beta=0.1).half()
    assert repr(module) == "GroupSum(groups=3, bias=0, tau=3.3, beta=0.1, dtype=float32)"
    assert not module.state_dict()
    x = np.random.default_rng(0).integers(0, 2, (65, 12)).astype(bool)
    expected = REFERENCE(x, 3, tau=3.3, beta=0.1)
    np.testing.assert_array_equal(module(torch.from_numpy(x)).numpy(), expected)


BITS = torch.zeros(2, 4).bool()
WRONG = [
    ({"groups": 0}, "attribute groups: is 0, must be at least 1"),
    ({"tau": 2.0, "dtype": torch.int64}, "attribute tau: is 2, must be 1 for int64 scores"),
    (
        {"bias": 0.5, "dtype": torch.int32},
        "attribute bias: is 0.5, must be a whole number for int32 scores",
    ),
    ({"tau": 0.0}, "attribute tau: is 0, must be finite and greater than 0"),
]


@pytest.mark.parametrize(
    ("x", "attributes", "message"),
    [
        (BITS, {"groups": 3}, "attribute groups: is 3, which does not divide 4 bits"),
        (BITS.float(), {}, "input x: is torch.float32, must be torch.bool"),
        (BITS[0, 0], {}, "input x: is a scalar, must have an axis of bits"),
        *((BITS, attributes, message) for attributes, message in WRONG),
    ],
)
def test_wrong_inputs_are_named(x: torch.Tensor, attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.group_sum(x, **{"groups": 2, **attributes})
    assert str(caught.value) == f"GroupSum: {message}"


@pytest.mark.parametrize(("attributes", "message"), WRONG)
def test_no_module_is_made_of_a_scale_without_meaning(
    attributes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.GroupSum(**{"groups": 2, **attributes})
    assert str(caught.value) == f"GroupSum: {message}"


def test_scores_of_half_precision_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.group_sum(BITS, 2, dtype=torch.float16)
    assert str(caught.value) == (
        "GroupSum: dtype is torch.float16, must be one of torch.float32, torch.float64, "
        "torch.int32, torch.int64"
    )
