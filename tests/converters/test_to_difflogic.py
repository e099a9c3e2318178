"""Models as modules of difflogic: the same function, trainable, and compiled by difflogic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

import lgnx
from lgnx.converters import difflogic_compiled
from lgnx.converters.formats import read_model
from lgnx.network import Network
from lgnx.ops.errors import InputError, ModelError
from lgnx.optimize.proof import prove

pytestmark = pytest.mark.usefixtures("difflogic")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


def outputs(module: nn.Module, bits: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        y = module(torch.from_numpy(bits.astype(np.float32)))
    assert y.dtype == torch.float32
    return y.numpy()


def network(make, rng, k: int = 2, **scale: Any) -> onnx.ModelProto:
    m = make(20)
    y = m.dense(m.dense("x", 20, 40, k, rng), 40, 33, 2, rng)
    return m.model(m.op("GroupSum", y, groups=3, **scale))


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_a_network_comes_back_proved(make, rng, k: int) -> None:
    model = network(make, rng, k, tau=0.7)
    module = lgnx.to_difflogic(model)
    assert not module.training
    assert {type(part).__name__ for part in module} == {"LogicLayer", "GroupSum"}
    assert (len(module) == 3) == (k <= 2)
    x = rng.random((300, 20)) < 0.5
    np.testing.assert_array_equal(outputs(module, x), run(model, x))
    back = lgnx.export(module, torch.zeros(2, 20))
    before, after = Network.from_model(model), Network.from_model(back)
    assert prove(before.netlist, after.netlist).status == "proved"
    np.testing.assert_array_equal(run(back, x), run(model, x))


def test_difflogic_compiles_the_module(difflogic, make, rng) -> None:
    model = network(make, rng, 4, tau=0.7)
    source = difflogic.CompiledLogicNet(lgnx.to_difflogic(model)).get_c_code()
    back = Network.from_model(difflogic_compiled.parse(source, "net.c"))
    before = Network.from_model(model)
    assert prove(before.netlist, back.netlist).status == "proved"
    assert (back.groups, back.tau) == (3, 1)


def test_a_saved_module_is_read_back(make, rng, tmp_path: Path) -> None:
    model = network(make, rng, 4, tau=0.7)
    torch.save(lgnx.to_difflogic(model), tmp_path / "net.pt")
    back = read_model(tmp_path / "net.pt")
    before, after = Network.from_model(model), Network.from_model(back)
    assert prove(before.netlist, after.netlist).status == "proved"
    x = rng.random((100, 20)) < 0.5
    np.testing.assert_array_equal(run(back, x), run(model, x))


@pytest.mark.parametrize("batch", [1, 63, 64, 65])
def test_batches_and_images(make, rng, batch: int) -> None:
    m = make(2, 3, 2)
    y = m.dense(m.op("Flatten", "x"), 12, 30, 2, rng)
    model = m.model(m.op("GroupSum", y, groups=5))
    x = rng.random((batch, 2, 3, 2)) < 0.5
    np.testing.assert_array_equal(outputs(lgnx.to_difflogic(model), x), run(model, x))


def test_layers_may_read_few_of_their_inputs(make, rng) -> None:
    m = make(100)  # difflogic itself makes no layer of less than half as many gates
    model = m.model(m.dense("x", 100, 7, 2, rng))
    x = rng.random((100, 100)) < 0.5
    np.testing.assert_array_equal(outputs(lgnx.to_difflogic(model), x), run(model, x))


def test_a_network_level_model(make, rng) -> None:
    m = make(3, 6, 6)
    y = m.op("LogicConv", "x", *m.trees(27, 4, 2, 2, rng), kernel_shape=[3, 3], depth=2)
    y = m.op("Flatten", m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2]))
    model = m.model(m.op("GroupSum", m.dense(y, 16, 20, 3, rng), groups=4, tau=2.0))
    with pytest.raises(
        ModelError,
        match=r"node 'n_LogicConv_0' \(LogicConv\): difflogic has no such layer; lgnx\.lower\(m",
    ):
        lgnx.to_difflogic(model)
    x = rng.random((200, 3, 6, 6)) < 0.5
    module = lgnx.to_difflogic(lgnx.lower(model))
    np.testing.assert_array_equal(outputs(module, x), run(model, x))


def test_bits_of_any_shape(make, rng) -> None:
    m = make(9)
    model = m.model(m.op("Reshape", m.dense("x", 9, 12, 2, rng), m.constant([0, 3, 4])))
    x = rng.random((50, 9)) < 0.5
    np.testing.assert_array_equal(outputs(lgnx.to_difflogic(model), x), run(model, x))


@pytest.mark.parametrize("level", ["layers", "network"])
@pytest.mark.parametrize("channels_first", [False, True])
def test_the_part_behind_the_thermometer(make, rng, level: str, channels_first: bool) -> None:
    thresholds = np.sort(rng.random((6, 2), np.float32))
    m = make(6, dtype=TensorProto.FLOAT)
    y = m.op("Thermometer", "x", m.constant(thresholds))
    if channels_first:  # bits in another order than the thermometer's own
        y = m.op("Transpose", y, perm=[0, 2, 1])
    y = m.dense(m.op("Reshape", y, m.constant([0, 12])), 12, 40, 2, rng)
    model = m.model(m.op("GroupSum", y, groups=4, tau=3.0))
    given = lgnx.lower(model) if level == "network" else model
    with pytest.raises(ModelError, match=r"difflogic has none; part='logic' takes the bits behind"):
        lgnx.to_difflogic(given)
    module = lgnx.to_difflogic(given, part="logic")
    x = rng.random((200, 6), np.float32)
    bits = lgnx.torch.thermometer(torch.from_numpy(x), torch.from_numpy(thresholds))
    np.testing.assert_array_equal(outputs(module, bits.flatten(1).numpy()), run(model, x))


def test_images_behind_a_thermometer_of_channels(make, rng) -> None:
    m = make(2, 3, 4, dtype=TensorProto.FLOAT)
    thresholds = rng.random((2, 1, 1, 3), np.float32)
    y = m.op("Transpose", m.op("Thermometer", "x", m.constant(thresholds)), perm=[0, 1, 4, 2, 3])
    y = m.op("Reshape", y, m.constant([0, 6, 3, 4]))
    model = m.model(m.dense(m.op("Flatten", y), 72, 40, 2, rng))
    x = rng.random((50, 2, 3, 4), np.float32)
    bits = lgnx.torch.thermometer(torch.from_numpy(x), torch.from_numpy(thresholds))
    module = lgnx.to_difflogic(model, part="logic")
    np.testing.assert_array_equal(outputs(module, bits.flatten(1).numpy()), run(model, x))


@pytest.mark.parametrize("confidence", [0.6, 0.951, 0.999])
def test_soft_outputs_are_as_sure_as_asked(make, rng, confidence: float) -> None:
    m = make(12)
    model = m.model(m.dense("x", 12, 40, 2, rng))
    x = rng.random((100, 12)) < 0.5
    soft = outputs(lgnx.to_difflogic(model, confidence=confidence).train(), x)
    expected = np.where(run(model, x), confidence, 1 - confidence)
    np.testing.assert_allclose(soft, expected, atol=1e-4)


def test_training_goes_on(make, rng) -> None:
    model = network(make, rng, tau=2.0)
    module = lgnx.to_difflogic(model, confidence=0.9)
    x = torch.from_numpy(rng.random((256, 20)) < 0.5).float()
    wanted = (x[:, 0] + 2 * x[:, 1] * x[:, 2]).long() % 3
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(module.train()(x), wanted)
        optimizer.zero_grad()
        loss.backward()
        gradients = [parameter.grad for parameter in module.parameters()]
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        assert all((gradient != 0).any() for gradient in gradients)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert lgnx.export(module, x).graph.node[-1].op_type == "GroupSum"


def test_whole_scores_become_float32(make, rng) -> None:
    model = network(make, rng, dtype=TensorProto.INT32)
    x = rng.random((50, 20)) < 0.5
    np.testing.assert_array_equal(outputs(lgnx.to_difflogic(model), x), run(model, x))


def test_an_argmax_is_left_out_with_a_warning(make, rng) -> None:
    m = make(9)
    y = m.op("GroupSum", m.dense("x", 9, 60, 2, rng), groups=2)
    with pytest.warns(UserWarning, match=r"^model: the node 'n_ArgMax_2' \(ArgMax\) is left out$"):
        module = lgnx.to_difflogic(m.model(m.op("ArgMax", y, axis=1)))
    assert type(module[-1]).__name__ == "GroupSum"


def test_difflogic_draws_connections_as_before(difflogic, make, rng) -> None:
    state = torch.random.get_rng_state()
    lgnx.to_difflogic(network(make, rng))
    assert torch.equal(state, torch.random.get_rng_state())
    with pytest.raises(AssertionError, match="must not be smaller than half"):
        difflogic.LogicLayer(100, 7, device="cpu")


def test_layers_for_cuda_know_who_reads_what(difflogic, make, rng, monkeypatch) -> None:
    # The CUDA implementation keeps, for each input, the gates that read it.
    own = difflogic.LogicLayer.__init__

    def on_cpu(layer: Any, *args: Any, device: str) -> None:
        own(layer, *args, device=device, implementation="cuda")

    monkeypatch.setattr(difflogic.LogicLayer, "__init__", on_cpu)
    module = lgnx.to_difflogic(network(make, rng))
    layer = module[0]
    starts = layer.given_x_indices_of_y_start
    a, b = layer.indices
    for x in range(20):
        readers = layer.given_x_indices_of_y[starts[x] : starts[x + 1]]
        expected = [y for y in range(40) for wires in (a, b) if wires[y] == x]
        assert readers.tolist() == expected


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"bias": 1.0}, "bias is 1; difflogic's GroupSum only divides"),
        ({"beta": -0.5}, r"beta is -0\.5; difflogic's GroupSum only divides"),
        ({"dtype": TensorProto.DOUBLE}, "scores are float64, difflogic has float32"),
    ],
)
def test_scores_that_difflogic_has_not(make, rng, scale, message: str) -> None:
    with pytest.raises(ModelError, match=rf"^model: node 'n_GroupSum_2' \(GroupSum\): {message}$"):
        lgnx.to_difflogic(network(make, rng, **scale))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 0.5}, "confidence is 0.5, must be above 0.5 and below 1"),
        ({"part": "counts"}, "part is 'counts', must be all or logic"),
    ],
)
def test_wrong_arguments(make, rng, options, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        lgnx.to_difflogic(network(make, rng), **options)


def test_a_part_behind_no_thermometer_is_refused(make, rng) -> None:
    with pytest.raises(ModelError, match=r"^model: has no thermometer, so it is all logic: give p"):
        lgnx.to_difflogic(network(make, rng), part="logic")
