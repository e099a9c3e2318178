"""Thermometer for torch: results, tracing, the module, errors."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lgnx.torch
from lgnx.ops import OPERATORS
from lgnx.ops.errors import InputError

REFERENCE = OPERATORS["Thermometer"].reference
DTYPES = ["float16", "float32", "float64"] + [
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(DTYPES), st.booleans(), st.booleans())
def test_it_is_its_reference(seed: int, dtype: str, strict: bool, by_feature: bool) -> None:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    values = np.array([0, 1, 2, 3, 100], kind)
    if kind.kind == "f":
        limits = [np.inf, -np.inf, np.finfo(kind).max, np.finfo(kind).tiny, -0.0]
    else:
        limits = [np.iinfo(kind).min, np.iinfo(kind).max, np.iinfo(kind).max - 1]
    values = np.concatenate([values, np.array(limits, kind)])
    x = rng.choice(values, (5, 3))
    thresholds = rng.choice(values, (3, 4) if by_feature else (4,))
    if kind.kind == "f":
        x[0, 0] = np.nan
    y = lgnx.torch.thermometer(torch.from_numpy(x), torch.from_numpy(thresholds), strict)
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, thresholds, strict=int(strict)))


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65])
def test_corner_batches_are_the_references(batch: int) -> None:
    rng = np.random.default_rng(batch)
    x, thresholds = rng.random((batch, 4), np.float32), rng.random((4, 3), np.float32)
    y = lgnx.torch.thermometer(torch.from_numpy(x), torch.from_numpy(thresholds))
    np.testing.assert_array_equal(y.numpy(), REFERENCE(x, thresholds))


def test_it_keeps_torchs_rules() -> None:
    torch.library.opcheck(lgnx.torch.thermometer, (torch.zeros(4, 6), torch.zeros(6, 3)))


def test_the_module_is_rebuilt_from_its_state() -> None:
    thresholds = np.array([[0.25, 0.5, 0.75], [1, 2, 3]])
    module = lgnx.torch.Thermometer(thresholds, strict=False)
    assert repr(module) == "Thermometer(thresholds=float64[2, 3], strict=False)"
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = lgnx.torch.Thermometer(torch.zeros(2, 3, dtype=torch.float64), strict=False)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = np.array([[0.5, 2], [0.1, 9]])
    expected = REFERENCE(x, thresholds, strict=0)
    np.testing.assert_array_equal(other(torch.from_numpy(x)).numpy(), expected)


@pytest.mark.parametrize("convert", ["half", "float", "double", "bfloat16"])
def test_conversion_of_a_network_leaves_the_thresholds_alone(convert: str) -> None:
    thresholds = torch.tensor([0.1, 1 / 3], dtype=torch.float64)
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), lgnx.torch.Thermometer(thresholds))
    getattr(network, convert)()
    assert network[0].weight.dtype == getattr(torch, convert if convert != "double" else "float64")
    assert network[1].thresholds.dtype == torch.float64
    assert torch.equal(network[1].thresholds, thresholds)


def test_a_move_to_another_device_moves_the_thresholds() -> None:
    module = lgnx.torch.Thermometer(torch.tensor([0.1, 0.2])).to("meta", torch.float16)
    assert module.thresholds.device.type == "meta"
    assert module.thresholds.dtype == torch.float32


def test_a_state_of_another_dtype_is_refused() -> None:
    module = lgnx.torch.Thermometer(torch.tensor([0.1, 0.2]))
    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict({"thresholds": torch.tensor([0.1, 0.2], dtype=torch.float64)})
    assert (
        "dtype mismatch for thresholds: is torch.float64 in the state dict, must be torch.float32"
        in str(caught.value)
    )
    assert torch.equal(module.thresholds, torch.tensor([0.1, 0.2]))


@pytest.mark.parametrize(
    ("x", "thresholds", "message"),
    [
        (
            torch.zeros(2),
            torch.zeros(3, dtype=torch.float64),
            "Thermometer: input x: is torch.float32, must be torch.float64",
        ),
        (
            torch.zeros(2, 4),
            torch.zeros(3, 2),
            "Thermometer: input thresholds: shape [3, 2] does not broadcast against x of shape "
            "[2, 4] with an axis added",
        ),
        (
            torch.zeros(4),
            torch.zeros(2, 4, 2),
            "Thermometer: input thresholds: has rank 3, at most 2 fits x of rank 1",
        ),
        (
            torch.zeros(4),
            torch.tensor([0.5, torch.nan]),
            "Thermometer: input thresholds: 1 of 2 thresholds are NaN",
        ),
        (
            torch.zeros(4).bfloat16(),
            torch.zeros(2).bfloat16(),
            "Thermometer: is torch.bfloat16, must be float16, float32, float64 or an integer dtype",
        ),
    ],
)
def test_wrong_inputs_are_named(x: Any, thresholds: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.thermometer(x, thresholds)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        (0.5, "thresholds is a float, must be a tensor or a numpy array"),
        (
            torch.tensor(0.5),
            "Thermometer: input thresholds: is a scalar, must have an axis of thresholds",
        ),
        (
            torch.zeros(3, 0),
            "Thermometer: input thresholds: has no thresholds on its last axis",
        ),
    ],
)
def test_no_module_is_made_of_what_are_no_thresholds(thresholds: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        lgnx.torch.Thermometer(thresholds)
    assert str(caught.value) == message
