"""Models made node by node, for all tests."""

from __future__ import annotations

import functools
import os
import sys

# Before torch and numpy come in: tests run side by side, and threads of two processes that wait
# for each other's cores take five times as long as one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lgnx.ops import DOMAIN, OPERATORS
from lgnx.ops._operator import VERSION


class ModelMaker:
    """Builds a model node by node."""

    def __init__(self, *shape: int, dtype: int = TensorProto.BOOL, batch: Any = "batch") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info("x", dtype, [batch, *shape])]

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        domain = DOMAIN if op_type in OPERATORS else ""
        y = f"{op_type}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op_type, inputs, [y], f"n_{y}", domain=domain, **attributes)
        )
        return y

    def dense(self, x: str, n_inputs: int, n: int, k: int, rng: np.random.Generator) -> str:
        tables = rng.integers(0, 256, (n, max(1, 2**k // 8)), dtype=np.uint8)
        if k < 3:
            tables &= np.uint8(2**2**k - 1)
        indices = rng.integers(0, n_inputs, (n, k), dtype=np.int32)
        return self.op("LogicDense", x, self.constant(indices), self.constant(tables))

    def trees(
        self, window: int, kernels: int, k: int, depth: int, rng: np.random.Generator
    ) -> list[str]:
        """Indices into a window of so many bits, and tables, of trees of k-input tables."""
        nodes = sum(k**level for level in range(depth))
        tables = rng.integers(0, 256, (kernels, nodes, max(1, 2**k // 8)), dtype=np.uint8)
        if k < 3:
            tables &= np.uint8(2**2**k - 1)
        indices = rng.integers(0, window, (kernels, k**depth), dtype=np.int32)
        return [self.constant(indices), self.constant(tables)]

    def model(self, *outputs: str) -> onnx.ModelProto:
        values = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", self.inputs, values, self.constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


@pytest.fixture(scope="session")
def make() -> type[ModelMaker]:
    return ModelMaker


@pytest.fixture(scope="session")
def ops() -> Callable[[onnx.ModelProto], Counter[str]]:
    """Number of nodes of each operator."""
    return lambda model: Counter(node.op_type for node in model.graph.node)


@pytest.fixture(scope="session")
def corner_inputs() -> Callable[[onnx.ModelProto], list[np.ndarray]]:
    """Inputs of a model with one input x: corner batches of random values, zeros, ones, one hot."""

    def inputs(model: onnx.ModelProto) -> list[np.ndarray]:
        kind = model.graph.input[0].type.tensor_type
        shape = [dim.dim_value for dim in kind.shape.dim][1:]
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        rng = np.random.default_rng(0)
        size = int(np.prod(shape))
        values = [rng.integers(0, 2, (n, *shape)) for n in (0, 1, 63, 64, 65)]
        if np.dtype(dtype).kind == "f":
            values += [rng.random((40, *shape)), rng.normal(0.5, 1, (40, *shape))]
        one_hot = np.eye(size).reshape(size, *shape)
        values += [np.zeros((3, *shape)), np.ones((3, *shape)), one_hot]
        return [value.astype(dtype) for value in values]

    return inputs


@pytest.fixture(scope="session")
def classifier(make) -> onnx.ModelProto:
    """Two thermometer bits for each of 6 numbers, two layers, 3 scores."""
    rng = np.random.default_rng(0)
    m = make(6, dtype=TensorProto.FLOAT)
    bits = m.op("Thermometer", "x", m.constant(np.sort(rng.random((6, 2), np.float32))))
    flat = m.op("Reshape", bits, m.constant([0, 12]))
    y = m.dense(m.dense(flat, 12, 40, 3, rng), 40, 36, 2, rng)
    return m.model(m.op("GroupSum", y, groups=3, tau=0.7, bias=1.0, beta=-0.25))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for built simulations, of all tests and processes of this run."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "simulations"


@pytest.fixture(scope="session", autouse=True)
def _no_simulations_at_home(cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LGNX_CACHE_DIR", str(cache))
        yield


@pytest.fixture(scope="session")
def _gathered_once() -> Iterator[Callable[[], None]]:
    from tests.torch_translations import gather_once

    with pytest.MonkeyPatch.context() as patch:
        yield functools.cache(lambda: gather_once(patch))


@pytest.fixture(autouse=True)
def _fast_exports(_gathered_once: Callable[[], None]) -> None:
    """Let torch gather its translations to ONNX once, not in each export, which takes a second."""
    if "torch.onnx" in sys.modules:
        _gathered_once()
