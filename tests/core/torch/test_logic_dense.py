"""LogicDense for torch: results, tracing, the module, errors."""

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

REFERENCE = OPERATORS["LogicDense"].reference


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([0, 1, 63, 64, 65]), st.integers(1, 9), st.integers(1, 8)
)
def test_it_is_its_reference(
    layers: SimpleNamespace, seed: int, batch: int, width: int, k: int
) -> None:
    rng = np.random.default_rng(seed)
    indices, tables = layers.dense(rng, width, 7, k)
    x = rng.integers(0, 2, (batch, width)).astype(bool)
    y = lgnx.torch.logic_dense(*tensors(x, indices, tables))
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables))


@pytest.mark.parametrize("shape", [(20,), (0, 3, 20), (2, 3, 20), (2, 0, 4, 20)])
def test_bits_may_have_any_leading_axes(layers: SimpleNamespace, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.dense(rng, 20, 50, 4)
    x = rng.integers(0, 2, shape).astype(bool)
    y = lgnx.torch.logic_dense(*tensors(x, indices, tables))
    assert y.is_contiguous()
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables))


def test_every_bit_of_the_widest_table_is_reached(layers: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    _, tables = layers.dense(rng, 16, 2, 16)
    indices = np.stack([rng.permutation(16), rng.permutation(16)]).astype(np.int32)
    x = (np.arange(1 << 16)[:, None] >> np.arange(16) & 1).astype(bool)
    y = lgnx.torch.logic_dense(*tensors(x, indices, tables))
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables))


def test_a_layer_that_is_evaluated_in_pieces_is_its_reference(layers: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.dense(rng, 30, 300, 6)
    x = rng.integers(0, 2, (3000, 30)).astype(bool)  # about five pieces
    y = lgnx.torch.logic_dense(*tensors(x, indices, tables))
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, indices, tables))


def test_it_keeps_torchs_rules(layers: SimpleNamespace) -> None:
    indices, tables = tensors(*layers.dense(np.random.default_rng(0), 6, 5, 3))
    torch.library.opcheck(lgnx.torch.logic_dense, (torch.ones(4, 6).bool(), indices, tables))


def test_the_module_is_rebuilt_from_its_state(layers: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    indices, tables = layers.dense(rng, 20, 50, 4)
    module = lgnx.torch.LogicDense(indices.astype(np.uint16), tables)
    assert repr(module) == "LogicDense(neurons=50, inputs=4)"
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = lgnx.torch.LogicDense(np.zeros_like(indices), np.zeros_like(tables))
    other.load_state_dict(torch.load(file, weights_only=True))
    x = rng.integers(0, 2, (65, 20)).astype(bool)
    np.testing.assert_array_equal(other(*tensors(x)).numpy(), REFERENCE(x, indices, tables))


def test_the_module_keeps_its_dtypes(layers: SimpleNamespace) -> None:
    module = lgnx.torch.LogicDense(*layers.dense(np.random.default_rng(0), 20, 50, 4)).half()
    assert {n: b.dtype for n, b in module.named_buffers()} == {
        "indices": torch.int32,
        "tables": torch.uint8,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"indices": torch.zeros(4, 2).int()},
            "size mismatch for indices: copying a param with shape torch.Size([4, 2]) from "
            "checkpoint, the shape in current model is torch.Size([3, 2]).",
        ),
        (
            {"indices": torch.zeros(3, 2).long()},
            "dtype mismatch for indices: is torch.int64 in the state dict, must be torch.int32",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    module = lgnx.torch.LogicDense(torch.zeros(3, 2).int(), torch.zeros(3, 1).byte())
    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict({**module.state_dict(), **change})
    assert message in str(caught.value)


BITS = torch.zeros(2, 4).bool()
INDICES = torch.zeros(3, 2).int()
TABLES = torch.zeros(3, 1).byte()


@pytest.mark.parametrize(
    ("x", "indices", "tables", "message"),
    [
        (BITS.float(), INDICES, TABLES, "input x: is torch.float32, must be torch.bool"),
        (BITS, INDICES.long(), TABLES, "input indices: is torch.int64, must be torch.int32"),
        (BITS, INDICES, TABLES.int(), "input tables: is torch.int32, must be torch.uint8"),
        (
            BITS,
            torch.zeros(3, 4).int(),
            TABLES,
            "input tables: has shape [3, 1], must be [3, 2] for 3 neurons of 4 inputs",
        ),
        (BITS, torch.zeros(3, 17).int(), TABLES, "input indices: k is 17, must be 1 to 16"),
        (BITS, INDICES - 1, TABLES, "input indices: holds -1, must not be negative"),
        (
            BITS,
            INDICES + 4,
            TABLES,
            "input indices: row 0 reads bit 4, x has 4 bits (0 to 3)",
        ),
        (
            BITS,
            INDICES,
            TABLES + 16,
            "input tables: row 0 is 0x10: bits beyond the 4 of a table of 2 inputs must be 0",
        ),
        (torch.tensor(True), INDICES, TABLES, "input x: is a scalar, must have an axis of bits"),
    ],
)
def test_wrong_inputs_are_named(
    x: torch.Tensor, indices: torch.Tensor, tables: torch.Tensor, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.logic_dense(x, indices, tables)
    assert str(caught.value) == f"LogicDense: {message}"


@pytest.mark.parametrize(
    ("indices", "tables", "message"),
    [
        ([[0, 1]], TABLES, "indices is a list, must be a tensor or a numpy array"),
        (INDICES[0], TABLES, "LogicDense: input indices: has shape [2], must be [N, k]"),
        (
            INDICES.float(),
            TABLES,
            "LogicDense: input indices: is torch.float32, must be torch.int32",
        ),
        (
            INDICES,
            TABLES[1:],
            "LogicDense: input tables: has shape [2, 1], must be [3, 1] for 3 neurons of 2 inputs",
        ),
    ],
)
def test_no_module_is_made_of_what_is_no_layer(indices: Any, tables: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.LogicDense(indices, tables)
    assert str(caught.value) == message
