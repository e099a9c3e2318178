"""Live modules of difflogic, against what difflogic itself computes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

import lgnx
from lgnx.converters.difflogic import import_difflogic, stand_in_for_cuda
from lgnx.converters.difflogic_words import from_words, to_words
from lgnx.metadata import TRAINING_TOOL, get
from lgnx.ops.errors import InputError, MissingExtraError, ModelError, ToolError

Check = Callable[..., None]


def network(difflogic: ModuleType, tau: float = 3.0, **options: Any) -> nn.Sequential:
    options = {"device": "cpu"} | options
    return nn.Sequential(
        nn.Flatten(),
        difflogic.LogicLayer(64, 200, **options),
        difflogic.LogicLayer(200, 100, connections="unique", **options),
        difflogic.GroupSum(10, tau=tau, device="cpu"),
    )


def bits(*shape: int) -> torch.Tensor:
    return torch.randint(0, 2, shape).float()


def as_bool(x: torch.Tensor) -> np.ndarray:
    return x.numpy() != 0


def logic(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node if node.domain == "lgnx.ops"]


def test_a_network_becomes_one_node_for_each_layer(difflogic, outputs_of) -> None:
    module = network(difflogic)
    model = lgnx.export(module, bits(2, 1, 8, 8))
    assert logic(model) == ["LogicDense", "LogicDense", "GroupSum"]
    session = lgnx.InferenceSession(model.SerializeToString())
    for batch in (1, 63, 64, 65):
        x = bits(batch, 1, 8, 8)
        (got,) = session.run(None, {"x": as_bool(x)})
        (expected,) = outputs_of(module, x.numpy())
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
    # difflogic itself fails on an empty batch.
    assert session.run(None, {"x": np.zeros((0, 1, 8, 8), bool)})[0].shape == (0, 10)


def test_the_tool_stands_in_the_metadata(difflogic, monkeypatch) -> None:
    layer = difflogic.LogicLayer(4, 8, device="cpu")
    assert get(lgnx.export(layer, bits(2, 4)), TRAINING_TOOL) == "difflogic 0.1.0"
    # A folder of sources on the path has no version.
    monkeypatch.setattr(sys, "path", [p for p in sys.path if "difflogic" not in p])
    assert get(lgnx.export(layer, bits(2, 4)), TRAINING_TOOL) == "difflogic"


def test_all_gates_at_all_inputs(difflogic) -> None:
    layer = difflogic.LogicLayer(2, 16, device="cpu")
    layer.indices = torch.zeros(16, dtype=torch.int64), torch.ones(16, dtype=torch.int64)
    layer.weights.data = 5 * torch.eye(16)
    x = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]]).float()
    model = lgnx.export(layer, x)
    y = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": as_bool(x)})[0]
    with torch.no_grad():
        np.testing.assert_array_equal(y, layer.eval()(x).numpy() != 0)
    assert y[:, 2].tolist() == [False, True, False, False]  # gate 2 is A and not B


def test_of_equal_weights_the_lowest_gate_counts(difflogic) -> None:
    layer = difflogic.LogicLayer(4, 3, device="cpu")
    layer.weights.data.zero_()
    layer.weights.data[1, [7, 9]] = 1.0
    layer.weights.data[2, [15, 14]] = 1.0
    model = lgnx.export(layer, bits(8, 4))
    tables = onnx.numpy_helper.to_array(
        next(t for t in model.graph.initializer if t.data_type == onnx.TensorProto.UINT8)
    )
    assert tables.tolist() == [[0x0], [0xE], [0x7]]  # gates 0, 7 and 14


def test_layers_made_for_cuda_are_exported_on_a_cpu(difflogic) -> None:
    module = network(difflogic, implementation="cuda").eval()
    with pytest.raises(ToolError, match=r"^difflogic_cuda\.forward: difflogic's CUDA extension is"):
        module(bits(2, 1, 8, 8))
    model = lgnx.export(module, bits(2, 1, 8, 8))
    assert module[1].implementation == "cuda"
    for layer in (module[1], module[2]):
        layer.implementation = "python"
    x = bits(300, 1, 8, 8)
    got = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": as_bool(x)})[0]
    with torch.no_grad():
        np.testing.assert_array_equal(got, module.eval()(x).numpy())


def test_an_export_prints_nothing_and_leaves_the_module_as_it_was(difflogic, capsys) -> None:
    module = network(difflogic).train()
    indices = [module[1].indices, module[2].indices]
    state = {name: value.clone() for name, value in module.state_dict().items()}
    lgnx.export(module, bits(2, 1, 8, 8))
    assert capsys.readouterr().out == ""
    assert module.training
    assert module[1].training
    assert module[1].indices is indices[0]
    assert module[2].indices is indices[1]
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert "print" not in vars(sys.modules["difflogic.difflogic"])


def test_layers_stand_beside_ordinary_torch_code(difflogic, assert_same: Check) -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = difflogic.LogicLayer(16, 30, device="cpu", grad_factor=2.0)
            self.second = difflogic.LogicLayer(46, 40, device="cpu")
            self.sum = difflogic.GroupSum(4, tau=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = (x > 0.25).float()
            y = self.second(torch.cat([self.first(x), x], dim=-1))
            return self.sum(1 - y) + 0.5

    module = Skip()
    model = lgnx.export(module, torch.rand(3, 16))
    assert logic(model).count("LogicDense") == 2
    assert_same(model, module, np.random.default_rng(0).random((100, 16), np.float32))


@pytest.mark.parametrize("tau", [1, 0.7])
def test_scores_are_divided_as_difflogic_divides(difflogic, assert_same: Check, tau) -> None:
    module = nn.Sequential(difflogic.GroupSum(3, tau=tau))

    class Bits(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return module((x > 0).float())

    assert_same(
        lgnx.export(Bits(), torch.rand(2, 33)),
        Bits(),
        np.random.default_rng(1).normal(size=(65, 33)).astype(np.float32),
    )


def test_a_layer_that_gets_numbers_is_refused(difflogic) -> None:
    with pytest.raises(ModelError, match=r"module '1' \(LogicLayer\): gets the value"):
        lgnx.export(network(difflogic), torch.rand(2, 64))


def test_weights_that_choose_no_gate_are_refused(difflogic) -> None:
    module = network(difflogic)
    module[2].weights.data[5, 3] = float("nan")
    with pytest.raises(
        ModelError,
        match=r"^module '2' \(LogicLayer\): its weights are not all finite, so they choose no gate",
    ):
        lgnx.export(module, bits(2, 64))


def test_a_layer_with_a_forward_of_its_own_is_refused(difflogic) -> None:
    class Mine(difflogic.LogicLayer):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 1 - super().forward(x)

    with pytest.raises(ModelError, match=r"module '0' \(Mine\), which overrides its layer's"):
        lgnx.export(nn.Sequential(Mine(8, 8, device="cpu")), bits(2, 8))


def test_the_stand_in_is_put_where_there_is_no_extension(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "difflogic_cuda", raising=False)
    stand_in_for_cuda()
    assert not hasattr(sys.modules["difflogic_cuda"], "__file__")
    with pytest.raises(
        ToolError, match=r"^difflogic_cuda\.eval: difflogic's CUDA extension is not"
    ):
        sys.modules["difflogic_cuda"].eval(1, 2)


def test_an_extension_that_is_there_is_left_alone(monkeypatch) -> None:
    real = ModuleType("difflogic_cuda")
    monkeypatch.setitem(sys.modules, "difflogic_cuda", real)
    stand_in_for_cuda()
    assert sys.modules["difflogic_cuda"] is real


def test_a_missing_difflogic_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "difflogic", None)
    with pytest.raises(MissingExtraError, match=r"^this needs the package 'difflogic', which is"):
        import_difflogic()


# --- Packed words


@given(
    hnp.arrays(bool, st.tuples(st.integers(0, 130), st.integers(0, 9))),
    st.sampled_from([8, 16, 32, 64]),
)
def test_words_hold_sample_s_at_bit_s(x: np.ndarray, size: int) -> None:
    words = to_words(x, size)
    batch, n = x.shape
    assert words.dtype == f"int{size}"
    assert words.shape == (n, -(-batch // size))
    unsigned = words.view(f"uint{size}")
    for s in range(batch):  # the formula of difflogic's kernel
        bit = unsigned[:, s // size] >> np.array(s % size, unsigned.dtype) & 1
        np.testing.assert_array_equal(bit, x[s])
    np.testing.assert_array_equal(from_words(words, batch), x)
    assert not from_words(words, words.shape[1] * size)[batch:].any()


def test_words_of_a_small_batch() -> None:
    x = np.array([[1, 0], [1, 0], [0, 0], [1, 1]], bool)
    assert to_words(x, 8).tolist() == [[0b1011], [0b1000]]
    assert to_words(np.ones((64, 1), bool), 64).tolist() == [[-1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: to_words(np.zeros((2, 2))), r"bits are float64 of shape \[2, 2\], must be bool"),
        (lambda: to_words(np.zeros((2, 2), bool), 12), "bit_count is 12, must be 8, 16, 32 or 64"),
        (lambda: from_words(np.zeros((2, 1)), 3), r"words are float64 of shape \[2, 1\], must be"),
        (
            lambda: from_words(np.zeros((2, 1), np.int8), 9),
            "there are 1 words of 8 bits for each bit, must be 2 for a batch of 9",
        ),
    ],
)
def test_wrong_words_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
