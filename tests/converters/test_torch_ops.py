"""The torch operators: results, tracing, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lgnx.converters import torch_ops
from lgnx.converters.torch_export import export
from lgnx.ops import OPERATORS

DTYPES = {torch.float32: 1, torch.int32: 6, torch.int64: 7, torch.float64: 11}


def random_layer(
    rng: np.random.Generator, width: int, n: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    tables = rng.integers(0, 256, (n, max(1, (1 << k) // 8)), np.uint8)
    if k < 3:
        tables &= (1 << (1 << k)) - 1
    return rng.integers(0, width, (n, k), np.int32), tables


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([0, 1, 63, 64, 65]), st.integers(1, 9), st.integers(1, 8)
)
def test_logic_dense_is_its_reference(seed: int, batch: int, width: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    indices, tables = random_layer(rng, width, 7, k)
    x = rng.integers(0, 2, (batch, width)).astype(bool)
    y = torch_ops.logic_dense(*map(torch.from_numpy, (x, indices, tables)))
    np.testing.assert_array_equal(y.numpy(), OPERATORS["LogicDense"].reference(x, indices, tables))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int64"]),
    st.booleans(),
    st.booleans(),
)
def test_thermometer_is_its_reference(
    seed: int, dtype: str, strict: bool, by_feature: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, (5, 3)).astype(dtype)
    thresholds = rng.integers(0, 6, (3, 4) if by_feature else (4,)).astype(dtype)
    if x.dtype.kind == "f":
        x[0, 0] = np.nan
    y = torch_ops.thermometer(torch.from_numpy(x), torch.from_numpy(thresholds), strict)
    expected = OPERATORS["Thermometer"].reference(x, thresholds, strict=int(strict))
    np.testing.assert_array_equal(y.numpy(), expected)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(list(DTYPES)),
    st.floats(-100, 100, width=32),
    st.floats(np.float32(0.01), 100, width=32),
    st.floats(-100, 100, width=32),
)
def test_group_sum_is_its_reference(
    seed: int, dtype: torch.dtype, bias: float, tau: float, beta: float
) -> None:
    x = np.random.default_rng(seed).integers(0, 2, (65, 12)).astype(bool)
    if not dtype.is_floating_point:
        bias, tau, beta = float(int(bias)), 1.0, float(int(beta))
    scale = {"bias": bias, "tau": tau, "beta": beta}
    y = torch_ops.group_sum(torch.from_numpy(x), 3, **scale, dtype=dtype)
    expected = OPERATORS["GroupSum"].reference(x, 3, **scale, dtype=DTYPES[dtype])
    assert y.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(y.numpy(), expected)


def test_the_operators_keep_torchs_rules() -> None:
    indices, tables = random_layer(np.random.default_rng(0), 6, 5, 3)
    bits = torch.ones(4, 6, dtype=torch.bool)
    torch.library.opcheck(
        torch_ops.logic_dense, (bits, torch.from_numpy(indices), torch.from_numpy(tables))
    )
    torch.library.opcheck(torch_ops.thermometer, (torch.zeros(4, 6), torch.zeros(6, 3)))
    torch.library.opcheck(torch_ops.group_sum, (bits, 3), {"tau": 2.0, "dtype": torch.float64})


class HandWritten(nn.Module):
    """A module that uses the operators itself."""

    def __init__(self) -> None:
        super().__init__()
        indices, tables = random_layer(np.random.default_rng(1), 16, 12, 4)
        self.register_buffer("thresholds", torch.tensor([2, 5], dtype=torch.int64))
        self.register_buffer("wires", torch.from_numpy(indices))
        self.register_buffer("luts", torch.from_numpy(tables))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bits = torch_ops.thermometer(x, self.thresholds, strict=False).flatten(1)
        return torch_ops.group_sum(
            torch_ops.logic_dense(bits, self.wires, self.luts), 4, beta=1.0, dtype=torch.int32
        )


def test_a_module_written_with_the_operators_is_exported(assert_same: Callable[..., None]) -> None:
    module = HandWritten()
    model = export(module, torch.zeros(2, 8, dtype=torch.int64))
    assert [n.op_type for n in model.graph.node] == [
        "Thermometer",
        "Reshape",
        "LogicDense",
        "GroupSum",
    ]
    assert_same(model, module, np.random.default_rng(0).integers(0, 8, (100, 8)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: torch_ops.thermometer(torch.zeros(2), torch.zeros(3, dtype=torch.float64)),
            TypeError,
            r"x is torch.float32, the thresholds are torch.float64; must be the same",
        ),
        (
            lambda: torch_ops.thermometer(torch.zeros(2, 4), torch.zeros(3, 2)),
            ValueError,
            r"thresholds of shape \[3, 2\] do not broadcast against x of shape \[2, 4\]",
        ),
        (
            lambda: torch_ops.logic_dense(
                torch.zeros(2, 4), torch.zeros(3, 2).int(), torch.zeros(3, 1).byte()
            ),
            TypeError,
            r"x is torch.float32, must be torch.bool",
        ),
        (
            lambda: torch_ops.logic_dense(
                torch.zeros(2, 4).bool(), torch.zeros(3, 2).long(), torch.zeros(3, 1).byte()
            ),
            TypeError,
            r"indices is torch.int64, must be torch.int32",
        ),
        (
            lambda: torch_ops.logic_dense(
                torch.zeros(2, 4).bool(), torch.zeros(3, 4).int(), torch.zeros(3, 1).byte()
            ),
            ValueError,
            r"tables have shape \[3, 1\], must be \[3, 2\]",
        ),
        (
            lambda: torch_ops.logic_dense(
                torch.zeros(2, 4).bool(), torch.zeros(3, 17).int(), torch.zeros(3, 1).byte()
            ),
            ValueError,
            r"indices have shape \[3, 17\], must be \[N, 1..16\]",
        ),
        (
            lambda: torch_ops.group_sum(torch.zeros(2, 4).bool(), 3),
            ValueError,
            r"3 groups do not divide 4 bits",
        ),
        (
            lambda: torch_ops.group_sum(torch.zeros(2, 4).bool(), 2, tau=2.0, dtype=torch.int64),
            ValueError,
            r"tau is 2, must be 1 for torch.int64 scores",
        ),
        (
            lambda: torch_ops.group_sum(torch.zeros(2, 4), 2),
            TypeError,
            r"x is torch.float32, must be torch.bool",
        ),
    ],
)
def test_wrong_arguments_are_named(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
