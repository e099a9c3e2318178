"""LogicConv for torch: results, tracing, the module, errors."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lgnx.torch
from lgnx.ops import OPERATORS
from lgnx.ops.errors import InputError

REFERENCE = OPERATORS["LogicConv"].reference


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, list[int], dict[str, Any]]:
    """Seed, extents of x and attributes; the window fits."""
    d = draw(st.integers(1, 3))
    kernel, strides, dilations = (
        draw(st.lists(st.integers(1, 3), min_size=d, max_size=d)) for _ in range(3)
    )
    pads = draw(st.lists(st.integers(0, 3), min_size=2 * d, max_size=2 * d))
    room = [
        max(1, (w - 1) * g + 1 - pads[a] - pads[d + a])
        for a, (w, g) in enumerate(zip(kernel, dilations, strict=True))
    ]
    extents = [n + draw(st.integers(0, 3)) for n in room]
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations}
    return draw(st.integers(0, 2**32)), extents, attributes


@settings(max_examples=80, deadline=None)
@given(
    cases(),
    st.sampled_from([0, 1, 3]),
    st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (4, 2), (6, 1)]),
)
def test_it_is_its_reference(
    layers: SimpleNamespace,
    case: tuple[int, list[int], dict[str, Any]],
    batch: int,
    tree: tuple[int, int],
) -> None:
    seed, extents, attributes = case
    rng = np.random.default_rng(seed)
    channels, (k, depth) = int(rng.integers(1, 4)), tree
    width = channels * int(np.prod(attributes["kernel_shape"]))
    indices, tables = layers.trees(rng, width, 5, k, depth)
    x = rng.integers(0, 2, (batch, channels, *extents)).astype(bool)
    y = lgnx.torch.logic_conv(*tensors(x, indices, tables), **attributes, depth=depth)
    expected = REFERENCE(x, indices, tables, **attributes, depth=depth)
    assert y.is_contiguous()
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65])
def test_corner_batches_of_zeros_and_ones_are_the_references(
    layers: SimpleNamespace, batch: int
) -> None:
    indices, tables = layers.trees(np.random.default_rng(batch), 18, 6, 2, 3)
    for x in (np.zeros((batch, 2, 5, 4), bool), np.ones((batch, 2, 5, 4), bool)):
        attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "depth": 3}
        y = lgnx.torch.logic_conv(*tensors(x, indices, tables), **attributes)
        np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables, **attributes))


def test_every_bit_of_the_window_reaches_its_leaf(layers: SimpleNamespace) -> None:
    """One hot inputs, and kernels that are one input each."""
    indices = np.arange(12, dtype=np.int32)[:, None]
    tables = np.full((12, 1, 1), 2, np.uint8)
    x = np.eye(12, dtype=bool).reshape(12, 3, 2, 2)
    y = lgnx.torch.logic_conv(*tensors(x, indices, tables), [2, 2])
    np.testing.assert_array_equal(y.numpy().reshape(12, 12), np.eye(12, dtype=bool))


@pytest.mark.parametrize("empty", [None, []])
def test_attributes_left_out_have_the_operators_defaults(
    layers: SimpleNamespace, empty: list[int] | None
) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.trees(rng, 12, 4, 2, 1)
    x = rng.integers(0, 2, (5, 3, 6, 6)).astype(bool)
    y = lgnx.torch.logic_conv(*tensors(x, indices, tables), [2, 2], empty, empty, empty)
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables, [2, 2]))


def test_a_layer_that_is_evaluated_in_pieces_is_its_reference(layers: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.trees(rng, 27, 40, 2, 3)
    x = rng.integers(0, 2, (64, 3, 20, 20)).astype(bool)  # about four pieces
    y = lgnx.torch.logic_conv(*tensors(x, indices, tables), [3, 3], depth=3)
    expected = REFERENCE(x, indices, tables, [3, 3], depth=3)
    np.testing.assert_array_equal(y.numpy(), expected)


def test_it_keeps_torchs_rules(layers: SimpleNamespace) -> None:
    indices, tables = tensors(*layers.trees(np.random.default_rng(0), 8, 3, 2, 2))
    arguments = (torch.ones(4, 2, 6).bool(), indices, tables, [4], [2], [1, 0], [1], 2)
    torch.library.opcheck(lgnx.torch.logic_conv, arguments)


def test_the_module_is_rebuilt_from_its_state(layers: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.trees(rng, 18, 4, 2, 2)
    form = {"kernel_shape": (3, 3), "strides": [2, 1], "pads": [1, 1, 1, 1], "depth": 2}
    module = lgnx.torch.LogicConv(indices.astype(np.uint16), tables, **form)
    assert repr(module) == (
        "LogicConv(kernels=4, leaves=4, kernel_shape=[3, 3], strides=[2, 1], pads=[1, 1, 1, 1], "
        "dilations=[1, 1], depth=2)"
    )
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = lgnx.torch.LogicConv(np.zeros_like(indices), np.zeros_like(tables), **form)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = rng.integers(0, 2, (65, 2, 8, 8)).astype(bool)
    expected = REFERENCE(x, indices, tables, [3, 3], 2, [2, 1], [1, 1, 1, 1])
    np.testing.assert_array_equal(other(*tensors(x)).numpy(), expected)


X = torch.zeros(2, 3, 4, 4).bool()
INDICES = torch.zeros(5, 4).int()
TABLES = torch.zeros(5, 3, 1).byte()
GOOD = {"kernel_shape": [2, 2], "depth": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X.float()}, "input x: is torch.float32, must be torch.bool"),
        (
            {"x": X[0]},
            "input x: has 3 axes, must have 4: batch, channels and the 2 of the window",
        ),
        ({"indices": INDICES.long()}, "input indices: is torch.int64, must be torch.int32"),
        (
            {"indices": INDICES[:, :3]},
            "input indices: has 3 columns, must have k^2, the leaves of a tree of depth 2, for a "
            "k from 1 to 16, and at most 65536",
        ),
        (
            {"indices": INDICES + 12},
            "input indices: row 0 reads bit 12 of a window of 12 bits (3 channels of [2, 2])",
        ),
        ({"indices": INDICES - 1}, "input indices: holds -1, must not be negative"),
        (
            {"tables": TABLES[:, :2]},
            "input tables: has shape [5, 2, 1], must be [5, 3, 1] for 5 kernels of 3 nodes of 2 "
            "inputs",
        ),
        ({"kernel_shape": []}, "attribute kernel_shape: has 0 entries, must have 1 to 3"),
        ({"strides": [0, 1]}, "attribute strides: holds 0, must not be less than 1"),
        ({"pads": [1, 1]}, "attribute pads: has 2 entries, must have 4"),
        (
            {"dilations": [4, 1]},
            "attribute kernel_shape: a window of 5 bits does not fit along axis 2 of x, which has "
            "4 bits and 0 + 0 of padding",
        ),
        ({"depth": 0}, "attribute depth: is 0, must be at least 1"),
    ],
)
def test_wrong_inputs_are_named(change: dict[str, Any], message: str) -> None:
    arguments = {"x": X, "indices": INDICES, "tables": TABLES, **GOOD, **change}
    with pytest.raises(InputError) as caught:
        lgnx.torch.logic_conv(**arguments)
    assert str(caught.value) == f"LogicConv: {message}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": 3}, "LogicConv: input indices: has 4 columns, must have k^3"),
        ({"dilations": [1]}, "LogicConv: attribute dilations: has 1 entries, must have 2"),
        ({"tables": None}, "tables is a NoneType, must be a tensor or a numpy array"),
    ],
)
def test_no_module_is_made_of_what_is_no_layer(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.LogicConv(**{"indices": INDICES, "tables": TABLES, **GOOD, **change})
    assert str(caught.value).startswith(message)
