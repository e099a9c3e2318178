"""LogicConvTranspose for torch: results, tracing, the module, errors."""

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

REFERENCE = OPERATORS["LogicConvTranspose"].reference


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, list[int], dict[str, Any]]:
    """Seed, extents of x and attributes; the output has a position at least."""
    d = draw(st.integers(1, 3))
    kernel, strides, dilations = (
        draw(st.lists(st.integers(1, 3), min_size=d, max_size=d)) for _ in range(3)
    )
    reach = [(w - 1) * g for w, g in zip(kernel, dilations, strict=True)]
    begin = [draw(st.integers(0, r)) for r in reach]
    end = [draw(st.integers(0, r)) for r in reach]
    added = [draw(st.integers(0, s - 1)) for s in strides]
    extents = []
    for a in range(d):
        lost = begin[a] + end[a] - added[a] - reach[a]
        least = 1 + max(0, -(-lost // strides[a]))
        extents.append(least + draw(st.integers(0, 2)))
    attributes = {
        "kernel_shape": kernel,
        "strides": strides,
        "pads": begin + end,
        "output_padding": added,
        "dilations": dilations,
    }
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
    y = lgnx.torch.logic_conv_transpose(*tensors(x, indices, tables), **attributes, depth=depth)
    expected = REFERENCE(x, indices, tables, **attributes, depth=depth)
    assert y.is_contiguous()
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65])
def test_corner_batches_of_zeros_and_ones_are_the_references(
    layers: SimpleNamespace, batch: int
) -> None:
    indices, tables = layers.trees(np.random.default_rng(batch), 18, 6, 2, 3)
    for x in (np.zeros((batch, 2, 3, 2), bool), np.ones((batch, 2, 3, 2), bool)):
        attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "depth": 3}
        y = lgnx.torch.logic_conv_transpose(*tensors(x, indices, tables), **attributes)
        np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables, **attributes))


def test_it_keeps_torchs_rules(layers: SimpleNamespace) -> None:
    indices, tables = tensors(*layers.trees(np.random.default_rng(0), 8, 3, 2, 2))
    arguments = (torch.ones(4, 2, 6).bool(), indices, tables, [4], [2], [1, 0], [1], [1], 2)
    torch.library.opcheck(lgnx.torch.logic_conv_transpose, arguments)


def test_the_module_is_rebuilt_from_its_state(layers: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.trees(rng, 18, 4, 2, 2)
    form = {"kernel_shape": [3, 3], "strides": [2, 2], "output_padding": [1, 0], "depth": 2}
    module = lgnx.torch.LogicConvTranspose(indices, tables, **form)
    assert repr(module) == (
        "LogicConvTranspose(kernels=4, leaves=4, kernel_shape=[3, 3], strides=[2, 2], "
        "pads=[0, 0, 0, 0], output_padding=[1, 0], dilations=[1, 1], depth=2)"
    )
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = lgnx.torch.LogicConvTranspose(np.zeros_like(indices), np.zeros_like(tables), **form)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = rng.integers(0, 2, (65, 2, 4, 4)).astype(bool)
    expected = REFERENCE(x, indices, tables, **form)
    np.testing.assert_array_equal(other(*tensors(x)).numpy(), expected)


X = torch.zeros(2, 3, 4, 4).bool()
INDICES = torch.zeros(5, 4).int()
TABLES = torch.zeros(5, 3, 1).byte()
GOOD = {"kernel_shape": [2, 2], "depth": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X.int()}, "input x: is torch.int32, must be torch.bool"),
        (
            {"pads": [0, 0, 2, 0]},
            "attribute pads: holds 2 along axis 0, must not be more than 1, the window less one "
            "bit",
        ),
        (
            {"strides": [2, 2], "output_padding": [0, 2]},
            "attribute output_padding: is 2 along axis 1, must be less than the stride, 2",
        ),
        (
            {"x": X[:, :, :1], "pads": [1, 0, 1, 0]},
            "attribute pads: leave no output of the 1 bits of axis 0",
        ),
        (
            {"indices": INDICES + 12},
            "input indices: row 0 reads bit 12 of a window of 12 bits (3 channels of [2, 2])",
        ),
    ],
)
def test_wrong_inputs_are_named(change: dict[str, Any], message: str) -> None:
    arguments = {"x": X, "indices": INDICES, "tables": TABLES, **GOOD, **change}
    with pytest.raises(InputError) as caught:
        lgnx.torch.logic_conv_transpose(**arguments)
    assert str(caught.value) == f"LogicConvTranspose: {message}"


def test_no_module_is_made_of_what_is_no_layer() -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.LogicConvTranspose(INDICES, TABLES[:2], **GOOD)
    assert str(caught.value) == (
        "LogicConvTranspose: input tables: has shape [2, 3, 1], must be [5, 3, 1] for 5 kernels "
        "of 3 nodes of 2 inputs"
    )
