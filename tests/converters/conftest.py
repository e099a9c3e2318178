"""What the tests of the torch converter share."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest

from lgnx.converters.difflogic import import_difflogic
from lgnx.converters.torchlogix import import_torchlogix
from lgnx.ops.errors import MissingExtraError
from lgnx.verify.reference import reference_evaluator

collect_ignore = []
try:
    import_torchlogix()  # the tests import it by its own name
except MissingExtraError:
    collect_ignore = [
        "test_bit_order.py",
        "test_checkpoint.py",
        "test_checkpoint_arrays.py",
        "test_difflogic.py",
        "test_difflogic_checkpoint.py",
        "test_difflogic_compiled.py",
        "test_dwn2rtl.py",
        "test_dwn2rtl_errors.py",
        "test_to_difflogic.py",
        "test_to_torchlogix.py",
        "test_torch_dwn.py",
        "test_torch_dwn_errors.py",
        "test_torch_export.py",
        "test_torch_import.py",
        "test_torchlogix.py",
        "test_torchlogix_checkpoint.py",
        "test_torchlogix_checkpoint_errors.py",
        "test_torchlogix_conv.py",
        "test_torchlogix_versions.py",
        "test_torchlogix_zoo.py",
        "test_torchlogix_bitwise.py",
    ]


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    if not collect_ignore:
        import torch

        torch.manual_seed(0)


@pytest.fixture(scope="session")
def difflogic(pytestconfig: pytest.Config) -> ModuleType:
    """Difflogic itself, from the package registry, without its CUDA extension."""
    _from_registry(pytestconfig, "difflogic", "0.1.0")
    return import_difflogic()


@pytest.fixture(scope="session")
def torch_dwn(pytestconfig: pytest.Config) -> ModuleType:
    """torch_dwn itself, from the package registry, without its CUDA extension."""
    _from_registry(pytestconfig, "torch_dwn", "1.1.1")
    return importlib.import_module("torch_dwn")


def _from_registry(config: pytest.Config, name: str, version: str) -> None:
    """Put a package that needs a CUDA compiler on the path, without what it would compile."""
    assert config.cache is not None
    folder = config.cache.mkdir(name) / version
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / version
            try:
                getattr(_peers(), f"install_{name}")(made)
            except subprocess.CalledProcessError:
                (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is out of reach")
            try:
                made.rename(folder)
            except OSError:  # another test process was faster
                assert folder.is_dir()
    sys.path.append(str(folder))


def _peers() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "install_peers.py"
    spec = importlib.util.spec_from_file_location("install_peers", path)
    assert spec is not None
    assert spec.loader is not None
    peers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peers)
    return peers


@pytest.fixture(scope="module")
def installed(version: str, pytestconfig: pytest.Config) -> Path:
    """Folder with an older torchlogix, from the package registry."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("torchlogix") / version
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        target = Path(scratch) / version
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--target", str(target), f"torchlogix=={version}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            message = f"torchlogix {version} cannot be installed: {done.stderr.strip()[-300:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
        try:
            target.rename(folder)
        except OSError:  # another test process was faster
            assert folder.is_dir()
    return folder


@pytest.fixture
def outputs_of() -> Callable[..., list[np.ndarray]]:
    """Give what torch computes in evaluation mode."""
    import torch

    def run(module: Any, *inputs: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            result = module.eval()(*[torch.from_numpy(x) for x in inputs])
        return [y.detach().numpy() for y in (result if isinstance(result, tuple) else (result,))]

    return run


@pytest.fixture
def assert_same(outputs_of: Callable[..., list[np.ndarray]]) -> Callable[..., None]:
    """Assert that a model gives torch's outputs to the last bit, in torch's dtypes."""

    def check(model: onnx.ModelProto, module: Any, *inputs: np.ndarray) -> None:
        evaluator = reference_evaluator(model)
        names = [value.name for value in model.graph.input]
        got = evaluator.run(None, dict(zip(names, inputs, strict=True)))
        for actual, expected in zip(got, outputs_of(module, *inputs), strict=True):
            assert actual.dtype == expected.dtype
            np.testing.assert_array_equal(actual, expected)

    return check


@pytest.fixture
def corner_inputs() -> Callable[..., np.ndarray]:
    """Give all zeros, all ones, one hot, values on the thresholds, NaN and infinities."""

    def make(width: int, thresholds: list[float]) -> np.ndarray:
        rows = [np.zeros((1, width)), np.ones((1, width)), np.eye(width)]
        rows += [np.full((1, width), value) for value in (*thresholds, np.nan)]
        rows += [np.resize([np.inf, -np.inf], (1, width))]
        return np.concatenate(rows).astype(np.float32)

    return make
