"""Checkpoints of torchlogix: the same as the export of the module that was saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchlogix.layers as tl
import torchlogix.models as zoo
from torch import nn

from lgnx.converters import torch_export
from lgnx.converters.formats import read_model, source_format
from lgnx.converters.torch_export import export
from lgnx.metadata import CLASS_NAMES, SOURCE_FORMAT, TRAINING_TOOL, get
from lgnx.network import Network
from lgnx.ops.errors import ModelError
from lgnx.optimize.proof import prove
from lgnx.verify.digits import load_digits
from lgnx.verify.reference import run_reference
from tests.converters import torchlogix_cases as cases
from tests.converters import torchlogix_saved as networks

NOW = "torchlogix 0.2.2"


def outputs(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    bits = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.BOOL
    return run_reference(model, x > 0.5 if bits else x)[0]


def without_names(model: onnx.ModelProto) -> tuple[Any, ...]:
    """Operators, attributes and constants of a model, in their order."""
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    kinds = [v.type.tensor_type.elem_type for v in (*model.graph.input, *model.graph.output)]
    return kinds, [
        (
            node.op_type,
            sorted(a.SerializeToString() for a in node.attribute),
            [(c.dtype.str, c.tolist()) for n in node.input if (c := constants.get(n)) is not None],
        )
        for node in model.graph.node
    ]


@pytest.fixture(params=networks.NETWORKS)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[nn.Module, Path]:
    return networks.save(tmp_path, request.param, "0.2.2"), tmp_path


# --------------------------------------------------------------------------- networks


def test_networks_are_what_the_export_of_the_live_module_is(saved: tuple[nn.Module, Path]) -> None:
    module, folder = saved
    with np.load(folder / "scores.npz") as held:
        x, y = held["x"], held["y"]
    live = export(module, torch.from_numpy(x[:2]))
    shape = ",".join(map(str, x.shape[1:]))
    for file, options in (
        ("whole.pt", {"producer": NOW, "shape": shape}),
        ("state.pt", {"spec": folder / "spec.yaml"}),
        ("whole.pt", {"spec": folder / "spec.yaml"}),
    ):
        model = read_model(folder / file, **options)
        assert without_names(model) == without_names(live)
        assert get(model, TRAINING_TOOL) == NOW
        assert get(model, SOURCE_FORMAT) == "torchlogix"
    got = outputs(model, x)
    assert got.dtype == y.dtype
    np.testing.assert_array_equal(got, y)


@pytest.mark.parametrize("case", list(cases.layers()), ids=[name for name, *_ in cases.layers()])
def test_whole_layers_with_every_option_are_built_as_they_were(
    case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported then is a layer of torchlogix, as in the tests of the export."""
    name, build, shape = case
    torch.manual_seed(0)
    if name == "transposed window":
        pytest.skip("torchlogix builds it, and cannot run it")
    module = nn.Sequential(build()).eval()
    path = tmp_path / "net.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(module, path)
    built: list[nn.Module] = []

    def not_exported(module: nn.Module, sample: torch.Tensor) -> onnx.ModelProto:
        built.append(module)
        return onnx.ModelProto()

    monkeypatch.setattr(torch_export, "export", not_exported)
    read_model(path, "torchlogix", producer=NOW, shape=",".join(map(str, shape)))
    numbers = isinstance(module[0], tl.Binarization)
    for x in [*cases.bits(*shape)[2:5], *([torch.rand(65, *shape)] if numbers else [])]:
        with torch.no_grad():
            expected, actual = module(x), built[0](x)
        assert actual.dtype == expected.dtype
        assert torch.equal(actual, expected)


@pytest.fixture(scope="module", params=["0.1.1", "0.2.1"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def with_older(
    version: str, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """Networks that an older torchlogix saved, and how it reads those of the installed one."""
    saved, given = tmp_path_factory.mktemp(version), tmp_path_factory.mktemp("installed")
    for name in networks.NETWORKS:
        networks.save(given / name, name, "0.2.2")
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{root}"}
    command = [sys.executable, networks.__file__, str(saved), str(given), NOW]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return saved, json.loads(done.stdout)


@pytest.mark.slow
def test_checkpoints_are_read_alike_where_an_older_version_is_installed(
    version: str, with_older: tuple[Path, dict[str, str]]
) -> None:
    absent = f"torchlogix {version}, which is installed, has no LogicConvTranspose2d"
    assert with_older[1] == {**dict.fromkeys(networks.NETWORKS, "same"), "wide": absent}


@pytest.mark.slow
def test_checkpoints_of_older_versions_compute_as_these_did(
    version: str, with_older: tuple[Path, dict[str, str]]
) -> None:
    folders = sorted(with_older[0].iterdir())
    assert [folder.name for folder in folders] == ["dense", "image", "residual", "volume"]
    for folder in folders:
        with np.load(folder / "scores.npz") as held:
            x, y = held["x"], held["y"]
        options = {"shape": ",".join(map(str, x.shape[1:]))}
        if version != "0.1.1":  # of this, attributes tell
            options["producer"] = f"torchlogix {version}"
        readings: list[tuple[str, Any]] = [("whole.pt", options)]
        readings += [(file, {"spec": folder / "spec.yaml"}) for file in ("state.pt", "whole.pt")]
        for file, given_options in readings:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                model = read_model(folder / file, "torchlogix", **given_options)
            np.testing.assert_array_equal(outputs(model, x), y)
            differ = f"in torchlogix {version}, its thresholds in evaluation differ from those it"
            assert any(differ in str(text.message) for text in heard) == (folder.name == "image")


@pytest.mark.slow
def test_models_of_torchlogix_are_read_whole(tmp_path: Path) -> None:
    options = {"thresholds": torch.tensor([0.4]), "binarization": "fixed"}
    options |= {"binarization_kwargs": {}, "parametrization": "raw"}
    for kind, shape in ((zoo.DlgnMnistTiny, (784,)), (zoo.ClgnMnistTiny, (1, 28, 28))):
        module = kind(**options, parametrization_kwargs={"weight_init": "random"}).eval()
        torch.save({"epoch": 3, "model": nn.DataParallel(module)}, tmp_path / "net.pt")
        model = read_model(tmp_path / "net.pt")
        assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:] == [
            *shape
        ]
        assert model.graph.name == kind.__name__
        x = torch.rand(3, *shape).round()
        assert without_names(model) == without_names(export(module, x))


def test_a_network_trained_on_digits_is_proved_equal(tmp_path: Path) -> None:
    images, labels, unseen, classes = load_digits()
    module = nn.Sequential(
        tl.FixedBinarization(torch.tensor([0.25, 0.5, 0.75])),
        tl.LogicDense(192, 400, parametrization="warp"),
        tl.LogicDense(400, 200),
        tl.GroupSum(10, tau=8.0),
    )
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    x, y = torch.from_numpy(images).float(), torch.from_numpy(labels)
    for _ in range(60):
        rows = torch.randint(0, len(x), (64,))
        loss = nn.functional.cross_entropy(module(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    test = torch.from_numpy(unseen).float()
    with torch.no_grad():
        scores = module.eval()(test)
    accuracy = float((scores.argmax(1).numpy() == classes).mean())
    assert accuracy > 0.3, "so that these are trained weights"
    torch.save(module.state_dict(), tmp_path / "net.pt")
    spec = networks.spec_of(module, (64,), "0.2.2", tmp_path)
    spec |= {"classes": list(range(10)), "accuracy": accuracy}
    (tmp_path / "net.yaml").write_text(json.dumps(spec))
    model = read_model(tmp_path / "net.pt", spec=str(tmp_path / "net.yaml"))
    live = export(module, test[:2])
    one, other = Network.from_model(live), Network.from_model(model)
    assert prove(one.netlist, other.netlist).status == "proved"
    np.testing.assert_array_equal(outputs(model, test[:100].numpy()), scores[:100].numpy())
    assert get(model, CLASS_NAMES) == json.dumps([str(n) for n in range(10)])
    assert get(model, "lgnx.accuracy") == repr(accuracy)


@pytest.mark.parametrize("per", cases.THRESHOLDS)
def test_thresholds_of_the_spec_are_those_of_a_live_layer(tmp_path: Path, per: str) -> None:
    module = nn.Sequential(cases.binarization("Fixed", per, 1), nn.Flatten()).eval()
    torch.save({"state_dict": {"unused": torch.zeros(1)}}, tmp_path / "net.pt")
    fields = {"thresholds": cases.THRESHOLDS[per], "feature_dim": 1}
    for dtype in ("float32", "float64"):
        spec: dict[str, Any] = {"producer": NOW, "input": {"shape": [3, 6, 8], "dtype": dtype}}
        spec["layers"] = [{"thermometer": fields}, "flatten"]
        (tmp_path / "net.yaml").write_text(json.dumps(spec))
        model = read_model(tmp_path / "net.pt", "torchlogix", spec=tmp_path / "net.yaml")
        x = torch.rand(9, 3, 6, 8, dtype=getattr(torch, dtype))
        module[0].thresholds = torch.tensor(cases.THRESHOLDS[per], dtype=x.dtype)
        np.testing.assert_array_equal(outputs(model, x.numpy()), module(x).numpy())


def test_equal_weights_go_to_the_first_candidate_and_gate(tmp_path: Path) -> None:
    module = nn.Sequential(cases.dense(6, 8, connections="learnable"), cases.dense(8, 9)).eval()
    with torch.no_grad():
        module[0].connections.weights.fill_(0.5)
        module[1].weight.round_()
    torch.save(module, tmp_path / "net.pt")
    model = read_model(tmp_path / "net.pt")
    assert without_names(model) == without_names(export(module, torch.zeros(2, 6)))


# --------------------------------------------------------------------------- what it is told by


def test_files_are_told_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    module = nn.Sequential(cases.dense(4, 6), tl.GroupSum(3))
    learned = cases.dense(4, 6, connections="learnable")
    for value in (
        *(module, module.state_dict(), cases.conv(), cases.conv().state_dict()),
        *(learned.state_dict(), {"model": learned.state_dict(), "epoch": 3}),
    ):
        torch.save(value, path)
        assert source_format(path).name == "torchlogix"


class Net(nn.Module):
    """A network with a forward of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = tl.GroupSum(2, tau=3.0)
        self.first = cases.dense(6, 8)
        self.second = cases.dense(8, 6, parametrization="light", lut_rank=4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores(self.second(self.first(x)))


def test_a_class_with_a_forward_of_its_own_needs_a_spec_that_is_drafted(tmp_path: Path) -> None:
    module = Net().eval()
    path = tmp_path / "net.pt"
    torch.save(module, path)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    text = str(caught.value)
    place = f"{path}: module '' (Net): is a {__name__}.Net, whose forward is code that is not in"
    assert text.startswith(f"{place} the file. Describe the network in a file such as this")
    draft = text.partition("\n\n")[2].replace("TODO", "6")
    lines = draft.splitlines()
    at = lines.index("layers:") + 1
    lines[at : at + 3] = [*lines[at + 1 : at + 3], lines[at]]  # the scores come last
    (tmp_path / "net.yaml").write_text("\n".join(lines))
    model = read_model(path, spec=tmp_path / "net.yaml")
    assert without_names(model) == without_names(export(module, torch.zeros(2, 6)))


def test_a_state_dict_without_spec_gives_a_draft_that_works_when_completed(tmp_path: Path) -> None:
    module = networks.save(tmp_path, "image", "0.2.2")
    path = tmp_path / "state.pt"
    with pytest.raises(ModelError) as caught:
        read_model(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: is a state dict, which does not say what is computed with its")
    draft = text.partition("\n\n")[2]
    for part, right in (
        ("torchlogix TODO", NOW),
        ("[TODO]", "[3, 6, 8]"),
        ('{state: "0", thresholds: state}', '{state: "0", thresholds: state, feature_dim: 1}'),
        (
            "k: 4, parametrization: TODO, kernel_shape: TODO, stride: 1, padding: 0",
            "k: 4, parametrization: warp, kernel_shape: 3, padding: 1",
        ),
        ("kernel_shape: TODO}", "kernel_shape: 2, stride: 2, padding: 1}"),
        ("kernel_shape: TODO, stride: 1", "kernel_shape: [2, 3], stride: 2"),
        ("  - or_pool: {kernel_shape: TODO}", "#"),
        ("parametrization: TODO", "parametrization: light"),
        ("groups: TODO, tau: TODO", "groups: 10, tau: 3"),
    ):
        assert part in draft
        draft = draft.replace(part, right, 1)
    assert "TODO" not in draft
    (tmp_path / "net.yaml").write_text(draft)
    model = read_model(path, spec=tmp_path / "net.yaml")
    assert without_names(model) == without_names(export(module, torch.rand(2, 3, 6, 8)))
