"""Random netlists, their evaluation node by node, and a model of words, for this folder."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from onnx import TensorProto, helper

from lgnx.netlist import Netlist


@st.composite
def netlists(draw: st.DrawFn, max_inputs: int = 6, max_nodes: int = 25) -> Netlist:
    """Any valid netlist with at least one output, constants and duplicates included."""
    n_inputs = draw(st.integers(0, max_inputs))
    n_nodes = draw(st.integers(0, max_nodes))
    kinds = draw(st.lists(st.integers(0, 1), min_size=n_nodes, max_size=n_nodes))
    fanins = [
        [draw(st.integers(0, 2 * (1 + n_inputs + i) - 1)) for _ in range(2)] for i in range(n_nodes)
    ]
    last = 2 * (1 + n_inputs + n_nodes) - 1
    outputs = draw(st.lists(st.integers(0, last), min_size=1, max_size=6))
    return make(n_inputs, kinds, fanins, outputs)


def random_netlist(n_inputs: int, n_nodes: int, n_outputs: int, seed: int) -> Netlist:
    """A larger netlist; the outputs are its last nodes."""
    rng = np.random.default_rng(seed)
    limits = 2 * (1 + n_inputs + np.arange(n_nodes))
    fanins = rng.integers(2, limits[:, None], (n_nodes, 2))
    outputs = 2 * (1 + n_inputs + n_nodes - 1 - np.arange(n_outputs)) + rng.integers(
        0, 2, n_outputs
    )
    return make(n_inputs, rng.integers(0, 2, n_nodes), fanins, outputs)


def make(n_inputs, kinds, fanins, outputs) -> Netlist:
    return Netlist(
        n_inputs,
        np.array(kinds, np.uint8),
        np.array(fanins, np.uint32).reshape(-1, 2),
        np.array(outputs, np.uint32),
    )


def every_input(n_inputs: int) -> np.ndarray:
    """bool [2^n_inputs, n_inputs]."""
    return (np.arange(1 << n_inputs)[:, None] >> np.arange(n_inputs) & 1).astype(bool)


def evaluate(netlist: Netlist, bits: np.ndarray) -> np.ndarray:
    """The definition of a netlist, one node of one sample at a time."""
    results = []
    for sample in bits.tolist():
        values = [False, *sample]
        for kind, (a, b) in zip(netlist.kinds.tolist(), netlist.fanins.tolist(), strict=True):
            x, y = values[a >> 1] ^ bool(a & 1), values[b >> 1] ^ bool(b & 1)
            values.append(x != y if kind else x and y)
        results.append([values[o >> 1] ^ bool(o & 1) for o in netlist.outputs.tolist()])
    return np.array(results, bool).reshape(len(bits), netlist.n_outputs)


@pytest.fixture(scope="session")
def nets() -> SimpleNamespace:
    return SimpleNamespace(
        any=netlists,
        random=random_netlist,
        make=make,
        every_input=every_input,
        evaluate=evaluate,
    )


@pytest.fixture(scope="session")
def packed_model(make) -> onnx.ModelProto:
    """Two layers and 3 scores over 70 bits, which come as words x with the batch size beside."""
    rng = np.random.default_rng(0)
    m = make("words", dtype=TensorProto.UINT64, batch=70)
    m.inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, [1]))
    bits = m.op("UnpackBits", "x", "batch")
    y = m.dense(m.dense(bits, 70, 40, 3, rng), 40, 36, 2, rng)
    return m.model(m.op("GroupSum", y, groups=3, tau=0.7, bias=1.0, beta=-0.25))


@pytest.fixture(scope="session")
def packed_feeds() -> Callable[[onnx.ModelProto], list[dict[str, np.ndarray]]]:
    """Words of corner batches and the batch size; anything is in the bits beyond the batch."""

    def feeds(model: onnx.ModelProto) -> list[dict[str, np.ndarray]]:
        n = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
        rng = np.random.default_rng(0)
        return [
            {
                "x": rng.integers(0, 2**64, (n, -(-batch // 64)), np.uint64),
                "batch": np.array([batch]),
            }
            for batch in (0, 1, 63, 64, 65, 513)
        ]

    return feeds
