"""Models as modules of torchlogix: the same function, and trainable."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from sklearn.datasets import load_digits
from torch import nn

import lgnx
from lgnx.converters.formats import read_model
from lgnx.network import Network
from lgnx.ops.errors import InputError, MissingExtraError, ModelError
from lgnx.optimize.proof import prove

WAYS = [None, "raw", "light", "warp"]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def samples(model: onnx.ModelProto, rng: np.random.Generator, batch: int = 200) -> np.ndarray:
    kind = model.graph.input[0].type.tensor_type
    shape = [dim.dim_value for dim in kind.shape.dim][1:]
    if kind.elem_type == TensorProto.BOOL:
        return rng.random((batch, *shape)) < 0.5
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    if dtype.kind in "iu":
        return rng.integers(0, 256, (batch, *shape)).astype(dtype)
    return rng.normal(0.5, 0.5, (batch, *shape)).astype(dtype)


def as_tensor(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x.astype(np.float32) if x.dtype == np.bool_ else x)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


def assert_same(model: onnx.ModelProto, module: nn.Module, x: np.ndarray) -> None:
    with torch.no_grad():
        got = module(as_tensor(x))
    expected = run(model, x)
    assert got.dtype == torch.float32
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got.numpy(), expected.astype(np.float32))


class Bits(nn.Module):
    """The bits that a module gives as numbers."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x) > 0.5


def assert_round_trip(model: onnx.ModelProto, module: nn.Module, x: np.ndarray) -> None:
    """Assert that the module, exported, is proved equal, and gives the same scores."""
    before = Network.from_model(model)
    back = lgnx.export(module if before.groups else Bits(module), as_tensor(x[:2]))
    after = Network.from_model(back)
    assert (before.groups, before.argmax) == (after.groups, after.argmax)
    assert prove(before.netlist, after.netlist).status == "proved"
    np.testing.assert_array_equal(run(back, x), run(model, x))


@pytest.mark.parametrize("way", [None, "warp"])
def test_a_classifier_comes_back_proved(classifier, rng, way) -> None:
    m = onnx.ModelProto()
    m.CopyFrom(classifier)
    for attribute in list(m.graph.node[-1].attribute):
        if attribute.name == "beta":
            m.graph.node[-1].attribute.remove(attribute)
    module = lgnx.to_torchlogix(m, parametrization=way)
    x = samples(m, rng, 500)
    assert_same(m, module, x)
    assert_round_trip(m, module, x)
    assert not module.training


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7])
def test_tables_of_every_width(make, rng, way, k: int) -> None:
    m = make(20)
    model = m.model(m.dense("x", 20, 30, k, rng))
    module = lgnx.to_torchlogix(model, parametrization=way)
    assert_same(model, module, samples(model, rng, 1000))
    ranks = {part.lut_rank for part in module}
    narrow = k > 6 or way == "raw" or (way is None and k <= 2)
    assert ranks == {2 if narrow or k <= 2 else 4 if k <= 4 else 6}
    assert (len(module) == 1) == (k <= 2 or (k <= 6 and way != "raw"))


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65])
def test_batches(make, rng, batch: int) -> None:
    m = make(12)
    y = m.op("GroupSum", m.dense("x", 12, 30, 2, rng), groups=3, tau=3.0, bias=0.5)
    model = m.model(y)
    assert_same(model, lgnx.to_torchlogix(model), samples(model, rng, batch))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("k", "depth"), [(1, 2), (2, 1), (2, 3), (3, 2), (4, 1)])
def test_convolutions(make, rng, way, k: int, depth: int) -> None:
    m = make(3, 9, 8)
    indices, tables = m.trees(3 * 9, 5, k, depth, rng)
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    model = m.model(m.op("LogicConv", "x", indices, tables, depth=depth, **window))
    if way == "raw" and k > 2:
        with pytest.raises(
            ModelError, match=r"its tables have \d inputs, must have 1 to 2; lgnx\."
        ):
            lgnx.to_torchlogix(model, parametrization=way)
        return
    module = lgnx.to_torchlogix(model, parametrization=way)
    x = samples(model, rng, 100)
    assert_same(model, module, x)
    if way is None and k == 3:
        assert_round_trip(model, module, x)


def test_convolutions_of_other_shapes(make, rng) -> None:
    m = make(2, 5, 6, 4)
    indices, tables = m.trees(2 * 2 * 3 * 2, 3, 2, 2, rng)
    model = m.model(m.op("LogicConv", "x", indices, tables, kernel_shape=[2, 3, 2], depth=2))
    assert_same(model, lgnx.to_torchlogix(model), samples(model, rng, 50))
    m = make(2, 5, 6)
    indices, tables = m.trees(2 * 9, 3, 2, 2, rng)
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 0]}
    y = m.op("LogicConvTranspose", "x", indices, tables, depth=2, **window)
    model = m.model(y)
    module = lgnx.to_torchlogix(model)
    assert type(module[0]).__name__ == "LogicConvTranspose2d"
    assert_same(model, module, samples(model, rng, 50))


def test_pooling(make, rng) -> None:
    m = make(2, 7, 9)
    y = m.op("OrPool", "x", kernel_shape=[2, 3], strides=[2, 1], pads=[1, 1, 1, 1])
    model = m.model(m.op("OrPool", y, kernel_shape=[2, 2]))
    assert_same(model, lgnx.to_torchlogix(model), samples(model, rng, 50))
    m = make(2, 5, 6, 4)
    model = m.model(m.op("OrPool", "x", kernel_shape=[2, 2, 2], strides=[2, 2, 2]))
    assert_same(model, lgnx.to_torchlogix(model), samples(model, rng, 50))


def test_a_network_of_convolutions_comes_back_proved(make, rng) -> None:
    m = make(3, 8, 8, dtype=TensorProto.FLOAT)
    y = m.op("Thermometer", "x", m.constant(np.sort(rng.random((3, 1, 1, 2), np.float32))))
    y = m.op("Transpose", y, perm=[0, 1, 4, 2, 3])
    y = m.op("Reshape", y, m.constant([0, 6, 8, 8]))
    y = m.op("LogicConv", y, *m.trees(6 * 9, 4, 2, 2, rng), kernel_shape=[3, 3], depth=2)
    y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = m.dense(m.op("Flatten", y), 36, 20, 4, rng)
    model = m.model(m.op("GroupSum", y, groups=4, tau=1.5))
    module = lgnx.to_torchlogix(model)
    names = [type(part).__name__ for part in module]
    assert names == "FixedBinarization LogicConv2d OrPooling2d Flatten LogicDense GroupSum".split()
    x = samples(model, rng, 100)
    assert_same(model, module, x)
    assert_round_trip(model, module, x)
    again = lgnx.to_torchlogix(lgnx.export(module, as_tensor(x[:2])))
    for before, after in zip(module.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(before, after)


@pytest.mark.parametrize("optimized", [False, True])
def test_a_network_level_model_comes_back_proved(make, rng, optimized: bool) -> None:
    m = make(6, dtype=TensorProto.FLOAT)
    y = m.op("Thermometer", "x", m.constant(np.sort(rng.random((6, 2), np.float32))))
    y = m.dense(m.op("Reshape", y, m.constant([0, 12])), 12, 40, 3, rng)
    y = m.dense(m.dense(y, 40, 40, 2, rng), 40, 30, 2, rng)
    model = m.model(m.op("GroupSum", y, groups=3, tau=0.7, bias=1.0))
    lowered = lgnx.lower(model)
    if optimized:
        lowered = lgnx.optimize(lowered)[0]
    module = lgnx.to_torchlogix(lowered)
    assert all(part.lut_rank == 2 for part in module if hasattr(part, "lut_rank"))
    x = samples(model, rng, 500)
    assert_same(model, module, x)
    assert_round_trip(model, module, x)


# --- Thresholds and scores


@pytest.mark.parametrize(
    "thresholds",
    [[0.25, 0.5], [[0.25, 0.5]] * 4, [[[0.2, 0.5]]], [[[[0.1, 0.4]]], [[[0.5, 0.8]]]]],
    ids=["for all", "for columns", "for all, of more axes", "for channels"],
)
def test_thresholds_of_images(make, rng, thresholds: list[Any]) -> None:
    m = make(2, 3, 4, dtype=TensorProto.FLOAT)
    y = m.op("Thermometer", "x", m.constant(np.array(thresholds, np.float32)))
    model = m.model(m.dense(m.op("Flatten", y), 48, 40, 2, rng))
    module = lgnx.to_torchlogix(model)
    x = samples(model, rng, 100)
    x.flat[:8] = [0.25, 0.5, 0.1, 0.4, 0.8, np.nan, np.inf, -np.inf]
    assert_same(model, module, x)
    if len(thresholds) == 4:
        assert_round_trip(model, module, x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int16", "uint8"])
def test_bits_that_are_not_strict(make, rng, dtype: str) -> None:
    m = make(3, dtype=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    values = [1, 2, 40] if dtype in ("int16", "uint8") else [0.0, 0.5, 0.75]
    y = m.op("Thermometer", "x", m.constant(np.array(values, dtype)), strict=0)
    model = m.model(m.dense(m.op("Flatten", y), 9, 30, 2, rng))
    x = samples(model, rng, 100)
    x[:3] = np.array(values, dtype)
    assert_same(model, lgnx.to_torchlogix(model), x)


@pytest.mark.parametrize(("dtype", "lowest"), [("uint8", 0), ("float32", -np.inf)])
def test_a_bit_that_is_always_set_is_refused(make, rng, dtype: str, lowest: float) -> None:
    m = make(3, dtype=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    y = m.op("Thermometer", "x", m.constant(np.array([lowest, 9], dtype)), strict=0)
    model = m.model(m.dense(m.op("Flatten", y), 6, 30, 2, rng))
    with pytest.raises(
        ModelError,
        match=r"node 'n_Thermometer_0' \(Thermometer\): a bit is x >= \S+, which torchlogix, with",
    ):
        lgnx.to_torchlogix(model)


@pytest.mark.parametrize(
    "scale", [{}, {"tau": 0.3}, {"bias": 2.5, "tau": 7.0}, {"bias": 1.0, "beta": -3.0}]
)
def test_scores(make, rng, scale: dict[str, float]) -> None:
    m = make(9)
    model = m.model(m.op("GroupSum", m.dense("x", 9, 60, 2, rng), groups=2, **scale))
    assert_same(model, lgnx.to_torchlogix(model), samples(model, rng))


def test_whole_scores_become_float32(make, rng) -> None:
    m = make(9)
    y = m.op("GroupSum", m.dense("x", 9, 60, 2, rng), groups=2, dtype=TensorProto.INT32)
    model = m.model(y)
    assert_same(model, lgnx.to_torchlogix(model), samples(model, rng))


def test_an_argmax_is_left_out_with_a_warning(make, rng) -> None:
    m = make(9)
    y = m.op("GroupSum", m.dense("x", 9, 60, 2, rng), groups=2)
    scores = m.model(y)
    model = m.model(m.op("ArgMax", y, axis=1))
    with pytest.warns(UserWarning, match=r"^model: the node 'n_ArgMax_2' \(ArgMax\) is left out$"):
        module = lgnx.to_torchlogix(model)
    assert_same(scores, module, samples(model, rng))


# --- Training


@pytest.mark.parametrize("confidence", [0.6, 0.951, 0.999])
@pytest.mark.parametrize(("way", "k"), [("raw", 2), ("light", 4), ("warp", 2), ("warp", 4)])
def test_soft_outputs_are_as_sure_as_asked(make, rng, way, k: int, confidence: float) -> None:
    m = make(12)
    model = m.model(m.dense("x", 12, 40, k, rng))
    module = lgnx.to_torchlogix(model, parametrization=way, confidence=confidence).train()
    x = samples(model, rng)
    expected = np.where(run(model, x), confidence, 1 - confidence)
    with torch.no_grad():
        soft = module(as_tensor(x)).numpy()
    np.testing.assert_allclose(soft, expected, atol=1e-4)


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    x, y = load_digits(return_X_y=True)
    return torch.from_numpy(x / 16).float(), torch.from_numpy(y)


def accuracy(module: nn.Module, digits: tuple[torch.Tensor, torch.Tensor]) -> float:
    x, y = digits
    with torch.no_grad():
        return float((module.eval()(x).argmax(1) == y).double().mean())


def train(module: nn.Module, digits, steps: int, rate: float) -> None:
    """Train with Adam, on a part of the digits at each step."""
    x, y = digits
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    module.train()
    for step in range(steps):
        part = slice(64 * (step % 28), 64 * (step % 28 + 1))
        loss = nn.functional.cross_entropy(module(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def soft_loss(module: nn.Module, digits) -> torch.Tensor:
    """Loss on all digits, in training mode."""
    x, y = digits
    return nn.functional.cross_entropy(module.train()(x), y)


@pytest.fixture(scope="module")
def trained(digits) -> onnx.ModelProto:
    """A network that torchlogix was trained for a short while."""
    from torchlogix.layers import FixedBinarization, GroupSum, LogicDense

    torch.manual_seed(0)
    module = nn.Sequential(
        FixedBinarization(torch.tensor([0.5]), feature_dim=1),
        LogicDense(64, 200),
        LogicDense(200, 200),
        GroupSum(10, tau=4),
    )
    train(module, digits, 40, 0.4)
    return lgnx.export(module, digits[0][:2])


@pytest.mark.parametrize("level", ["layers", "light", "network"])
def test_training_goes_on(trained, digits, level: str) -> None:
    model = lgnx.lower(trained) if level == "network" else trained
    way = level if level == "light" else None
    module = lgnx.to_torchlogix(model, parametrization=way, confidence=0.8)
    before = accuracy(module, digits)
    assert before == np.mean(run(model, digits[0].numpy()).argmax(1) == digits[1].numpy()) > 0.6
    loss = soft_loss(module, digits)
    loss.backward()
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all((gradient != 0).any() for gradient in gradients)
    train(module, digits, 15, 0.3)
    assert soft_loss(module, digits) < loss
    assert accuracy(module, digits) > before - 0.02
    assert lgnx.export(module, digits[0][:2]).graph.node[-1].op_type == "GroupSum"


def test_random_numbers_go_on_as_before(make, rng) -> None:
    m = make(9)
    model = m.model(m.dense("x", 9, 60, 2, rng))
    state = torch.random.get_rng_state()
    lgnx.to_torchlogix(model)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_module_is_saved_and_loaded_as_any(make, rng) -> None:
    m = make(9)
    model = m.model(m.op("GroupSum", m.dense("x", 9, 60, 4, rng), groups=2))
    file = io.BytesIO()
    torch.save(lgnx.to_torchlogix(model), file)
    file.seek(0)
    assert_same(model, torch.load(file, weights_only=False), samples(model, rng))


def test_a_saved_module_is_read_back(make, rng, tmp_path: Path) -> None:
    m = make(9)
    y = m.dense(m.dense("x", 9, 60, 4, rng), 60, 20, 2, rng)
    model = m.model(m.op("GroupSum", y, groups=2, tau=3.0))
    torch.save(lgnx.to_torchlogix(model), tmp_path / "net.pt")
    back = Network.from_model(read_model(tmp_path / "net.pt", shape="9"))
    before = Network.from_model(model)
    assert (back.groups, back.tau) == (before.groups, before.tau)
    assert prove(back.netlist, before.netlist).status == "proved"


def test_torchlogix_itself_takes_the_module(make, rng) -> None:
    m = make(9)
    y = m.op("GroupSum", m.dense(m.dense("x", 9, 30, 2, rng), 30, 20, 2, rng), groups=2)
    model = m.model(y)
    module = lgnx.to_torchlogix(model)
    for part in module:
        part.set_export_mode(True)
    x = samples(model, rng)
    np.testing.assert_array_equal(module(torch.from_numpy(x)).numpy(), run(model, x))


# --- What is refused


def conv(m: Any, rng: Any, k: int = 2, **window: Any) -> str:
    options = {"kernel_shape": [3, 3], "depth": 1} | window
    size = 2 * math.prod(options["kernel_shape"])
    return m.op("LogicConv", "x", *m.trees(size, 3, k, 1, rng), **options)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (
            {"strides": [1, 2]},
            r"its strides are \[1, 2\], must be the same everywhere; lgnx\.lower",
        ),
        ({"pads": [1, 0, 1, 0]}, r"its pads are \[1, 0, 1, 0\], must be the same everywhere"),
        ({"dilations": [2, 2]}, r"its dilations are \[2, 2\], must be 1"),
        ({"strides": [4, 4]}, r"its stride is 4, must not be more than the window \(3, 3\)"),
        ({"k": 7}, r"its tables have 7 inputs, must have 1 to 6"),
    ],
)
def test_windows_that_torchlogix_has_not(make, rng, window, message: str) -> None:
    m = make(2, 9, 9)
    model = m.model(conv(m, rng, **window))
    with pytest.raises(
        ModelError,
        match=r"^model: node 'n_LogicConv_0' \(LogicConv\): torchlogix has no such layer: "
        + message,
    ):
        lgnx.to_torchlogix(model)
    assert_same(model, lgnx.to_torchlogix(lgnx.lower(model)), samples(model, rng, 50))


def pool(m: Any, rng: Any, **window: Any) -> str:
    return m.op("OrPool", "x", **window)


def pool_of_one_axis(m: Any, rng: Any) -> str:
    y = m.op("Reshape", "x", m.constant([0, 2, 81]))
    return m.op("OrPool", y, kernel_shape=[3])


def window_of_unequal_sides(m: Any, rng: Any) -> str:
    trees = m.trees(12, 3, 2, 1, rng)
    return m.op("LogicConvTranspose", "x", *trees, kernel_shape=[2, 3], depth=1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda m, rng: pool(m, rng, kernel_shape=[3, 3], pads=[1, 0, 0, 0]),
            r"\(OrPool\): torchlogix has no such layer: its pads \[1, 0, 0, 0\] are not the same",
        ),
        (
            lambda m, rng: pool(m, rng, kernel_shape=[3, 3], pads=[2, 2, 2, 2]),
            r"\(OrPool\): torchlogix has no such layer: its pads \[2, 2\] are more than half of",
        ),
        (pool_of_one_axis, r"\(OrPool\): torchlogix has no such layer: its slides along 1 axis"),
        (
            window_of_unequal_sides,
            r"\(LogicConvTranspose\): \D+: its window is \(2, 3\), must have",
        ),
    ],
)
def test_other_geometry_that_torchlogix_has_not(make, rng, build, message: str) -> None:
    m = make(2, 9, 9)
    with pytest.raises(ModelError, match=message):
        lgnx.to_torchlogix(m.model(build(m, rng)))


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"tau": 2.0, "beta": 1.0}, "beta 1 is added after the division by tau 2; torchlogix adds"),
        ({"beta": 0.5}, "beta 0.5 is added after the division by tau 1; torchlogix adds"),
        ({"dtype": TensorProto.DOUBLE}, "scores are float64, torchlogix has float32"),
    ],
)
def test_scores_that_torchlogix_has_not(make, rng, scale, message: str) -> None:
    m = make(9)
    model = m.model(m.op("GroupSum", m.dense("x", 9, 60, 2, rng), groups=2, **scale))
    with pytest.raises(ModelError, match=rf"^model: node 'n_GroupSum_1' \(GroupSum\): {message}"):
        lgnx.to_torchlogix(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 0.5}, "confidence is 0.5, must be above 0.5 and below 1"),
        ({"confidence": 1}, "confidence is 1, must be above 0.5 and below 1"),
        ({"confidence": "high"}, "confidence is 'high', must be above 0.5 and below 1"),
        ({"parametrization": "soft"}, "parametrization is 'soft', must be raw, light or warp"),
    ],
)
def test_wrong_arguments(classifier, options, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        lgnx.to_torchlogix(classifier, **options)


def test_an_older_torchlogix_is_refused(classifier, monkeypatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.2.1")
    with pytest.raises(
        MissingExtraError, match=r"layers of torchlogix 0\.2\.2 or later; 0\.2\.1 is"
    ):
        lgnx.to_torchlogix(classifier)
