"""Networks of torch_dwn: modules, checkpoints and specs against its documented formulas."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from typer.testing import CliRunner

import lgnx
from lgnx.cli import app
from lgnx.converters.formats import read_model
from lgnx.converters.torch_dwn import from_modules
from lgnx.metadata import get
from lgnx.network import Network
from lgnx.optimize.aig import to_aig
from lgnx.optimize.proof import prove
from lgnx.verify.reference import run_reference
from tests.converters import dwn_cases as cases
from tests.converters.independent import assert_equivalent


def outputs(model: Any, x: np.ndarray) -> np.ndarray:
    """What the model gives, by the references, by the engine and as a netlist: the same."""
    [y] = run_reference(model, x)
    np.testing.assert_array_equal(lgnx.InferenceSession(model).run(None, {"x": x})[0], y)
    if len(x):
        np.testing.assert_array_equal(Network.from_model(model).scores(x), y)
    return y


@pytest.fixture(scope="module")
def trained(torch_dwn, tmp_path_factory):
    """A network for digits, its tables trained by counting; saved whole and as a state dict."""
    rng = np.random.default_rng(0)
    x, y, x_test, y_test = cases.digits(rng)
    encoder = torch_dwn.DistributiveThermometer(3).fit(torch.from_numpy(x))
    bits = cases.thermometer(x, encoder.thresholds.numpy())
    luts, mapping = cases.counted_tables(bits, y, 6, 60, rng)
    module = nn.Sequential(
        torch_dwn.LUTLayer(192, 600, n=6, mapping=torch.from_numpy(mapping)),
        torch_dwn.GroupSum(k=10, tau=1 / 0.3),
    )
    module[0].luts.data[:] = torch.from_numpy(luts)
    folder = tmp_path_factory.mktemp("digits")
    torch.save(module, folder / "whole.pt")
    torch.save(module.state_dict(), folder / "state.pt")
    torch.save(encoder, folder / "thermometer.pt")
    np.save(folder / "thresholds.npy", encoder.thresholds.numpy())
    (folder / "net.yaml").write_text(
        "producer: torch_dwn 1.1.1\n"
        "input: {shape: [64], dtype: float32}\n"
        "layers:\n"
        "  - thermometer: {thresholds: thresholds.npy}\n"
        '  - logic_dense: {state: "0", k: 6, inputs: 192}\n'
        "  - group_sum: {groups: 10, tau: 3.3333333333333335}\n"
        "classes: [zero, one, two, three, four, five, six, seven, eight, nine]\n"
        "accuracy: 0.88\n"
    )
    return folder, module, encoder, x_test, y_test


def test_a_network_trained_on_digits_keeps_every_score(trained):
    folder, module, encoder, x, y = trained
    model = read_model(folder / "whole.pt", thermometer=folder / "thermometer.pt")
    assert [node.op_type for node in model.graph.node] == [
        "Thermometer",
        "Reshape",
        "LogicDense",
        "GroupSum",
    ]
    thresholds = encoder.thresholds.numpy()
    for batch in [x, *cases.corners(x, thresholds)]:
        bits = cases.network(cases.thermometer(batch, thresholds), module[:1])
        expected = cases.scores(bits, 10, 1 / 0.3)
        np.testing.assert_array_equal(outputs(model, batch), expected)
    assert (outputs(model, x).argmax(1) == y).mean() > 0.85


def test_a_state_dict_with_a_spec_is_the_whole_module(trained):
    folder, _, _, x, _ = trained
    model = read_model(folder / "state.pt", spec=folder / "net.yaml")
    whole = read_model(folder / "whole.pt", thermometer=folder / "thresholds.npy")
    np.testing.assert_array_equal(outputs(model, x), outputs(whole, x))
    assert list(model.graph.node)[:3] == list(whole.graph.node)[:3]
    assert get(model, "lgnx.training_tool") == "torch_dwn 1.1.1"
    assert get(model, "lgnx.source_format") == "torch_dwn"
    assert get(model, "lgnx.accuracy") == "0.88"
    assert get(model, "lgnx.class_names").startswith('["zero", "one"')
    assert get(whole, "lgnx.training_tool") == "torch_dwn"


def test_a_whole_module_may_have_a_spec_too(trained, tmp_path):
    folder = trained[0]
    for name in ("net.yaml", "thresholds.npy"):
        shutil.copy(folder / name, tmp_path)
    model = read_model(folder / "whole.pt", spec=tmp_path / "net.yaml")
    expected = read_model(folder / "state.pt", spec=folder / "net.yaml")
    assert model.SerializeToString() == expected.SerializeToString()


def proved(module: nn.Sequential, model: Any, n_inputs: int, folder: Path) -> None:
    """Prove with ABC that the model's netlist is the network, table by table."""
    from aigverse.io import write_aiger

    [*layers, groups] = module
    order = range(len(layers[-1].luts)) if groups.randperm is None else groups.randperm.tolist()
    order = [*order, *[-1] * (-len(order) % groups.k)]
    cases.write_blif(folder / "own.blif", n_inputs, layers, order)
    write_aiger(to_aig(Network.from_model(model).netlist), str(folder / "lgnx.aig"))
    assert_equivalent(folder / "own.blif", folder / "lgnx.aig")


NETWORKS = {
    "one input": (1, "random", "random", 4, None, 60, 40),
    "two inputs": (2, "arange", "random", 3, None, 60, 40),
    "three inputs": (3, "learnable", "arange", 4, None, 60, 40),
    "six inputs": (6, "learnable", "random", 5, None, 30, 16),
    "eight inputs": (8, "learnable", "learnable", 4, None, 12, 8),
    "in another order": (4, "learnable", "random", 4, 40, 60, 40),
    "groups filled with zeros": (4, "random", "random", 7, None, 60, 40),
    "another order of some, and zeros": (2, "random", "learnable", 6, 31, 60, 40),
}


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS.keys())
def network(torch_dwn, request):
    n, first, second, k, order, hidden, last = request.param
    encoder = torch_dwn.GaussianThermometer(4).fit(torch.randn(50, 6) * 3)
    return encoder, nn.Sequential(
        torch_dwn.LUTLayer(24, hidden, n=n, mapping=first),
        nn.Dropout(),
        torch_dwn.LUTLayer(hidden, last, n=n, mapping=second),
        torch_dwn.GroupSum(k=k, tau=0.7, randperm=order or False),
    )


def test_live_modules_become_models(network, tmp_path):
    encoder, module = network
    model = from_modules(module, encoder)
    x = (np.random.default_rng(0).normal(size=(200, 6)) * 3).astype(np.float32)
    layers, groups = [module[0], module[2]], module[3]
    thresholds = encoder.thresholds.numpy()
    for batch in [x, *cases.corners(x, thresholds)]:
        bits = cases.network(cases.thermometer(batch, thresholds), layers)
        expected = cases.scores(bits, groups.k, 0.7, groups.randperm)
        np.testing.assert_array_equal(outputs(model, batch), expected)
    proved(nn.Sequential(*layers, groups), model, 24, tmp_path)


def test_modules_are_exported_inside_others(network):
    _, module = network
    x = (torch.rand(70, 24) < 0.5).float()
    model = lgnx.export(module, x)
    bits = x.numpy() > 0
    expected = cases.scores(
        cases.network(bits, [module[0], module[2]]), module[3].k, 0.7, module[3].randperm
    )
    np.testing.assert_array_equal(outputs(model, bits), expected)
    assert model.metadata_props
    with pytest.raises(TypeError):  # as before: torch_dwn has no forward on CPUs
        module.eval()(x)
    same = from_modules(module)
    left, right = (Network.from_model(m).netlist for m in (model, same))
    assert prove(left, right).status == "proved"


def test_numbers_are_bits_where_they_are_above_0(torch_dwn):
    module = nn.Sequential(
        torch_dwn.LUTLayer(10, 30, n=3, ste=False),
        torch_dwn.LUTLayer(30, 20, n=4, ste=False),
        torch_dwn.STE(),
        torch_dwn.GroupSum(4, tau=2),
    )
    x = torch.randn(65, 10)
    x[0], x[1, :3] = 0, -0.0
    bits = x.numpy() > 0
    expected = cases.scores(cases.network(bits, [module[0], module[1]]), 4, 2)
    np.testing.assert_array_equal(outputs(from_modules(module), bits), expected)


def test_numbers_go_into_live_layers_as_whether_they_are_above_0(torch_dwn):
    layer, groups = torch_dwn.LUTLayer(30, 20, n=4), torch_dwn.GroupSum(4, tau=2)
    x = np.random.default_rng(0).normal(size=(65, 30)).astype(np.float32)
    expected = cases.scores(cases.network(x > 0, [layer]), 4, 2)
    for start in ([], [torch_dwn.STE()]):
        live = lgnx.export(nn.Sequential(*start, layer, groups), torch.from_numpy(x))
        np.testing.assert_array_equal(outputs(live, x), expected)


def test_a_learned_choice_of_inputs_may_stand_alone(torch_dwn):
    choice = torch_dwn.LearnableMapping(9, 14)
    x = (torch.rand(20, 9) < 0.5).float()
    model = lgnx.export(nn.Sequential(choice, torch_dwn.GroupSum(2)), x)
    expected = cases.scores(x.numpy()[:, choice.weights.argmax(0).numpy()] > 0, 2)
    np.testing.assert_array_equal(run_reference(model, x.numpy() > 0)[0], expected)


ENCODERS = ["Thermometer", "GaussianThermometer", "DistributiveThermometer"]


@pytest.mark.parametrize("shape", [(6,), (3, 2, 2)])
@pytest.mark.parametrize("wise", [True, False])
@pytest.mark.parametrize("kind", ENCODERS)
def test_thermometers_of_every_kind(torch_dwn, tmp_path, kind, wise, shape):
    x = torch.randn(80, *shape) * 5
    encoder = getattr(torch_dwn, kind)(3, feature_wise=wise).fit(x)
    width = 3 * int(np.prod(shape))
    module = nn.Sequential(nn.Flatten(), torch_dwn.LUTLayer(width, 30, n=4))
    model = from_modules(module, encoder)
    if not wise and len(shape) > 1:  # thresholds for all numbers do not tell the shape
        assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:] == [12]
        x = x.flatten(1)
    thresholds = encoder.thresholds.numpy()
    expected = cases.network(encoder.binarize(x).flatten(1).numpy() > 0, module[1:])
    np.testing.assert_array_equal(run_reference(model, x.numpy())[0], expected)
    np.testing.assert_array_equal(
        expected, cases.network(cases.thermometer(x.numpy(), thresholds), module[1:])
    )


DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int64"]


@pytest.mark.parametrize("fitted", ["float32", "float64", "int64"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_and_thresholds_of_different_types_compare_as_torch_compares_them(
    torch_dwn, dtype, fitted
):
    values = np.random.default_rng(0).uniform(0, 120, (90, 4)).astype(fitted)
    encoder = torch_dwn.DistributiveThermometer(5).fit(values)
    module = torch_dwn.LUTLayer(20, 30, n=4)
    model = from_modules(module, encoder, dtype=dtype)
    with np.errstate(invalid="ignore"):
        x = np.concatenate([values, values + 0.4, np.floor(values), values * 1.00001]).astype(dtype)
    bits = encoder.binarize(torch.from_numpy(x)).flatten(1).numpy() > 0
    np.testing.assert_array_equal(run_reference(model, x)[0], cases.network(bits, [module]))


@pytest.mark.parametrize(("n", "width"), [(9, 8), (12, 6), (16, 3)])
def test_tables_of_many_inputs_for_every_input(torch_dwn, n, width):
    layer = torch_dwn.LUTLayer(n, width, n=n, mapping="random")
    x = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    expected = cases.network(x, [layer])
    np.testing.assert_array_equal(run_reference(from_modules(layer), x)[0], expected)


def test_a_bit_that_is_1_for_every_number_of_a_type(torch_dwn):
    layer = torch_dwn.LUTLayer(6, 30, n=3)
    model = from_modules(layer, torch.tensor([[-0.5, 0, 254.5]] * 2), dtype="uint8")
    x = np.stack([np.arange(256), np.arange(256)[::-1]], 1).astype(np.uint8)
    bits = cases.thermometer(x, np.array([-0.5, 0, 254.5]))
    np.testing.assert_array_equal(outputs(model, x), cases.network(bits, [layer]))


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 5),
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    k=st.integers(1, 7),
    learned=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_network(torch_dwn, n, widths, k, learned, seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    inputs, layers = 8, []
    for width in widths:
        if learned or n * width % inputs == 0:
            mapping: Any = "learnable" if learned else "random"
        else:
            mapping = torch.from_numpy(rng.integers(0, inputs, (width, n)).astype(np.int32))
        layers.append(torch_dwn.LUTLayer(inputs, width, n=n, mapping=mapping))
        layers[-1].luts.data[rng.random((width, 2**n)) < 0.2] = 0  # which is no 1
        inputs = width
    order = int(rng.integers(1, inputs + 1)) if rng.random() < 0.5 else False
    groups = torch_dwn.GroupSum(k, tau=float(rng.uniform(0.1, 9)), randperm=order)
    bits = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    expected = cases.scores(cases.network(bits, layers), k, groups.tau, groups.randperm)
    np.testing.assert_array_equal(
        run_reference(from_modules(nn.Sequential(*layers, groups)), bits)[0], expected
    )


def test_ties_go_to_the_lowest_class(torch_dwn):
    layer = torch_dwn.LUTLayer(4, 8, n=2)
    layer.luts.data[:] = 1
    model = from_modules(nn.Sequential(layer, torch_dwn.GroupSum(4)))
    y = run_reference(model, np.zeros((3, 4), bool))[0]
    assert (y == 2).all()
    assert y.argmax(1).tolist() == [0, 0, 0]


def test_a_file_runs_self_contained_and_converts_by_command(trained, tmp_path):
    folder, *_, x, _ = trained
    target = tmp_path / "model.onnx"
    arguments = ["export", folder / "state.pt", "--spec", folder / "net.yaml", "-o", target]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    expected = outputs(read_model(folder / "state.pt", spec=folder / "net.yaml"), x)
    np.testing.assert_array_equal(outputs(lgnx.load(target), x), expected)
    arguments = ["convert", folder / "whole.pt", "-o", target, "--option"]
    arguments.append(f"thermometer={folder / 'thermometer.pt'}")
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(outputs(lgnx.load(target), x), expected)
    plain = lgnx.attach_functions(lgnx.load(target)).SerializeToString()
    session = onnxruntime.InferenceSession(plain)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
