"""Random layers, and what the tests of the torch operators share."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from lgnx.verify.reference import reference_evaluator

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]


def tables(rng: np.random.Generator, shape: tuple[int, ...], k: int) -> np.ndarray:
    """Random packed tables; every bit of them is used."""
    made = rng.integers(0, 256, (*shape, max(1, (1 << k) // 8)), np.uint8)
    return made & np.uint8((1 << (1 << k)) - 1) if k < 3 else made


def dense(rng: np.random.Generator, width: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices and tables of a dense layer."""
    return rng.integers(0, width, (n, k), np.int32), tables(rng, (n,), k)


def trees(
    rng: np.random.Generator, width: int, kernels: int, k: int, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices and tables of trees over a window of ``width`` bits."""
    nodes = sum(k**level for level in range(depth))
    indices = rng.integers(0, width, (kernels, k**depth), np.int32)
    return indices, tables(rng, (kernels, nodes), k)


@pytest.fixture(scope="session")
def layers() -> SimpleNamespace:
    return SimpleNamespace(tables=tables, dense=dense, trees=trees)


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """Assert that a model gives a module's outputs to the last bit, in the same dtypes."""
    import torch

    def check(model: onnx.ModelProto, module: Any, *inputs: np.ndarray) -> None:
        with torch.no_grad():
            result = module(*[torch.from_numpy(x) for x in inputs])
        expected = result if isinstance(result, tuple) else (result,)
        names = [value.name for value in model.graph.input]
        got = reference_evaluator(model).run(None, dict(zip(names, inputs, strict=True)))
        for actual, wanted in zip(got, expected, strict=True):
            assert actual.dtype == wanted.numpy().dtype
            np.testing.assert_array_equal(actual, wanted.numpy())

    return check
