"""OrPool for torch: results, tracing, the module, errors."""

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

REFERENCE = OPERATORS["OrPool"].reference


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, list[int], dict[str, Any]]:
    """Seed, extents of x and attributes; the window fits."""
    d = draw(st.integers(1, 3))
    kernel, strides = (draw(st.lists(st.integers(1, 3), min_size=d, max_size=d)) for _ in range(2))
    pads = [draw(st.integers(0, w - 1)) for w in kernel * 2]
    room = [max(1, w - pads[a] - pads[d + a]) for a, w in enumerate(kernel)]
    extents = [n + draw(st.integers(0, 4)) for n in room]
    return (
        draw(st.integers(0, 2**32)),
        extents,
        {
            "kernel_shape": kernel,
            "strides": strides,
            "pads": pads,
        },
    )


@settings(max_examples=80, deadline=None)
@given(cases(), st.sampled_from([0, 1, 3]), st.sampled_from([0, 1, 4]), st.floats(0, 1))
def test_it_is_its_reference(
    case: tuple[int, list[int], dict[str, Any]], batch: int, channels: int, share: float
) -> None:
    seed, extents, attributes = case
    x = np.random.default_rng(seed).random((batch, channels, *extents)) < share
    y = lgnx.torch.or_pool(torch.from_numpy(x), **attributes)
    assert y.is_contiguous()
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, **attributes))


@pytest.mark.parametrize("batch", [63, 64, 65])
def test_one_hot_inputs_reach_the_windows_that_hold_them(batch: int) -> None:
    x = np.eye(batch, dtype=bool).reshape(batch, 1, batch)
    y = lgnx.torch.or_pool(torch.from_numpy(x), [3], [2], [1, 1])
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, [3], [2], [1, 1]))


@pytest.mark.parametrize("empty", [None, []])
def test_strides_are_1_by_default(empty: list[int] | None) -> None:
    x = np.random.default_rng(0).random((5, 2, 6, 6)) < 0.2
    y = lgnx.torch.or_pool(torch.from_numpy(x), [2, 2], empty, empty)
    assert y.shape == (5, 2, 5, 5)
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, [2, 2]))


def test_it_keeps_torchs_rules() -> None:
    x = torch.ones(4, 2, 6, 5).bool()
    torch.library.opcheck(lgnx.torch.or_pool, (x, [2, 2], [2, 2], [1, 0, 0, 1]))


def test_the_module_has_no_state() -> None:
    module = lgnx.torch.OrPool((2, 2), strides=(2, 2))
    assert repr(module) == "OrPool(kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0])"
    assert not module.state_dict()
    x = np.random.default_rng(0).random((5, 2, 6, 6)) < 0.2
    y = module(torch.from_numpy(x))
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, [2, 2], [2, 2]))


X = torch.zeros(2, 3, 4, 4).bool()


@pytest.mark.parametrize(
    ("x", "attributes", "message"),
    [
        (X.byte(), {}, "input x: is torch.uint8, must be torch.bool"),
        (
            X[0],
            {},
            "input x: has 3 axes, must have 4: batch, channels and the 2 of the window",
        ),
        (
            X,
            {"pads": [2, 0, 0, 0]},
            "attribute pads: holds 2 along axis 0, must be less than the kernel's 2",
        ),
        (X, {"strides": [1]}, "attribute strides: has 1 entries, must have 2"),
        (
            X[:, :, :1],
            {},
            "attribute kernel_shape: a window of 2 bits does not fit along axis 2 of x, which has "
            "1 bits and 0 + 0 of padding",
        ),
    ],
)
def test_wrong_inputs_are_named(x: torch.Tensor, attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.or_pool(x, [2, 2], **attributes)
    assert str(caught.value) == f"OrPool: {message}"


def test_no_module_is_made_of_windows_that_do_not_fit() -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.OrPool([2, 2], pads=[0, 0, 0, 2])
    assert str(caught.value) == (
        "OrPool: attribute pads: holds 2 along axis 1, must be less than the kernel's 2"
    )
