"""Files of torch with networks of difflogic, read without difflogic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

import lgnx
from lgnx.converters.formats import read_model
from lgnx.metadata import CLASS_NAMES, SOURCE_FORMAT, TRAINING_TOOL, get
from lgnx.network import Network
from lgnx.ops.errors import ModelError
from lgnx.optimize.proof import prove


def network(difflogic: ModuleType) -> nn.Sequential:
    layers = [difflogic.LogicLayer(n, m, device="cpu") for n, m in ((12, 40), (40, 30), (30, 21))]
    return nn.Sequential(nn.Flatten(), *layers, difflogic.GroupSum(3, tau=7))


def wires(layer: nn.Module) -> np.ndarray:
    return torch.stack(layer.indices, 1).numpy()


def assert_proved(model, module: nn.Module) -> None:
    got = Network.from_model(model)
    expected = Network.from_model(lgnx.export(module, torch.zeros(2, 12)))
    assert (got.groups, got.tau, got.bias, got.beta) == (3, 7, 0, 0)
    assert got.dtype == np.float32
    assert prove(got.netlist, expected.netlist).status == "proved"


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: {"model": m, "epoch": 3}, nn.Sequential])
def test_a_whole_module_is_read(difflogic, tmp_path: Path, wrap) -> None:
    module = network(difflogic)
    torch.save(wrap(module), tmp_path / "net.pt")
    model = read_model(tmp_path / "net.pt")
    assert [node.op_type for node in model.graph.node] == ["LogicDense"] * 3 + ["GroupSum"]
    assert_proved(model, module)
    assert get(model, SOURCE_FORMAT) == "difflogic"
    assert get(model, TRAINING_TOOL) == "difflogic"


def test_a_module_trained_on_a_gpu_is_read(difflogic, tmp_path: Path) -> None:
    module = network(difflogic)
    for layer in (module[1], module[2], module[3]):
        layer.device, layer.implementation = "cuda", "cuda"
        layer.given_x_indices_of_y = torch.zeros(3, dtype=torch.int64)
    torch.save(module, tmp_path / "net.pt")
    assert_proved(read_model(tmp_path / "net.pt"), module)


def test_difflogic_itself_is_not_needed(difflogic, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(network(difflogic), path)
    code = (
        "import sys; from lgnx.converters.formats import read_model; "
        f"model = read_model({str(path)!r}); print(len(model.graph.node), *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, *modules = done.stdout.split()
    assert count == "4"
    assert not {"difflogic", "difflogic_cuda"} & set(modules)


def test_a_state_dict_lacks_the_connections(difflogic, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(network(difflogic).state_dict(), path)
    with pytest.raises(ModelError) as error:
        read_model(path)
    text = str(error.value)
    assert text.startswith(
        f"{path}: is a state dict of difflogic, which lacks the connections: they"
    )
    assert "torch.save(model, ...)" in text
    assert '- logic_dense: {state: "2", inputs: TODO, indices: indices-2.npy}' in text


def spec_of(module: nn.Sequential, folder: Path, **changes: str) -> Path:
    """Write the spec that the error shows, completed."""
    lines = {"producer": "producer: difflogic 0.1.0", "layers": "layers:"}
    for number in (1, 2, 3):
        np.save(folder / f"indices-{number}.npy", wires(module[number]))
        lines[f"layer{number}"] = (
            f'  - logic_dense: {{state: "{number}", inputs: {module[number].in_dim}, '
            f"indices: indices-{number}.npy}}"
        )
    lines["sum"] = "  - group_sum: {groups: 3, tau: 7}"
    lines["classes"] = "classes: [a, b, c]"
    path = folder / "net.yaml"
    path.write_text("\n".join({**lines, **changes}.values()))
    return path


def test_a_state_dict_with_its_connections_is_read(difflogic, tmp_path: Path) -> None:
    module = network(difflogic)
    torch.save({"state_dict": module.state_dict()}, tmp_path / "net.pt")
    spec = spec_of(module, tmp_path)
    model = read_model(tmp_path / "net.pt", "difflogic", spec=spec)
    assert_proved(model, module)
    assert get(model, TRAINING_TOOL) == "difflogic 0.1.0"
    assert get(model, CLASS_NAMES) == '["a", "b", "c"]'


def test_the_shape_of_the_input_may_stand_for_the_bits_of_the_first_layer(
    difflogic, tmp_path: Path
) -> None:
    module = network(difflogic)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    layer = '  - logic_dense: {state: "%d", indices: indices-%d.npy}'
    changes = {f"layer{n}": layer % (n, n) for n in (1, 2, 3)}
    with pytest.raises(
        ModelError, match=r"layer 0 \(logic_dense\), field inputs: is missing; give"
    ):
        read_model(tmp_path / "net.pt", spec=spec_of(module, tmp_path, **changes))
    changes["layers"] = "input: {shape: [3, 4], dtype: bool}\nlayers:\n  - flatten"
    model = read_model(tmp_path / "net.pt", spec=spec_of(module, tmp_path, **changes))
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape[1:] == [3, 4]
    assert_proved(model, module)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"layer2": "  - logic_dense: {state: '2'}"},
            r"layer 1 \(logic_dense\), field indices: the",
        ),
        (
            {"layer2": "  - logic_dense: {state: '9', inputs: 40, indices: indices-2.npy}"},
            r"layer 1 \(logic_dense\), field state: the checkpoint has no tensor '9\.weights'; th",
        ),
        (
            {"layer2": "  - logic_dense: {state: '2', inputs: 40, indices: [[1], [2]]}"},
            r"layer 1 \(logic_dense\), field indices: has shape \[2, 1\], must be \[N, 2\]",
        ),
        (
            {"layer2": "  - logic_dense: {state: '2', inputs: 40, indices: [[1, 2], [3, 4]]}"},
            r"layer 1 \(logic_dense\): its weights have shape \[30, 16\], must be \[N, 16\] for",
        ),
        (
            {"layer2": "  - logic_dense: {state: '2', inputs: 40, k: 3, indices: indices-2.npy}"},
            r"layer 1 \(logic_dense\), field k: is 3, must be 2 in difflogic",
        ),
        (
            {"layer2": "  - logic_dense: {state: '2', inputs: 7, indices: indices-2.npy}"},
            r"layer 1 \(logic_dense\): its indices hold \d+, must be 0 to 6",
        ),
        (
            {"layer2": "  - logic_dense: {state: '2', inputs: 99, indices: indices-2.npy}"},
            r"layer '2': reads 99 bits, must read 40",
        ),
        (
            {"layer2": "  - logic_dense: {state: '2', ste: true, indices: indices-2.npy}"},
            r"layer 1 \(logic_dense\), field ste: difflogic has nothing of this kind",
        ),
        (
            {"layer2": "  - or_pool: {kernel_shape: 2}"},
            r"layer 1: is 'or_pool', must be one of: th",
        ),
        ({"sum": "  - group_sum: {groups: 4}"}, r"layer '3': k is 4, must divide the 21 bits"),
        (
            {"sum": "  - group_sum: {groups: 3, tau: 0}"},
            r"group_sum\): its tau is 0\.0, must be fin",
        ),
        (
            {"producer": "producer: torchlogix 0.2.2"},
            "field producer: is 'torchlogix 0.2.2', must be",
        ),
    ],
)
def test_wrong_specs_are_refused(difflogic, tmp_path: Path, changes, message: str) -> None:
    module = network(difflogic)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    with pytest.raises(ModelError, match=message):
        read_model(tmp_path / "net.pt", spec=spec_of(module, tmp_path, **changes))


def remove_indices(module: nn.Sequential) -> None:
    del module[2].indices


def one_index_too_large(module: nn.Sequential) -> None:
    module[2].indices[1][4] = 40


def other_shapes(module: nn.Sequential) -> None:
    module[2].indices = module[2].indices[0], module[2].indices[1][:-1]


def other_weights(module: nn.Sequential) -> None:
    module[2].weights = nn.Parameter(torch.zeros(30, 4))


def no_number(module: nn.Sequential) -> None:
    module[2].weights.data[0, 0] = float("nan")


def wrong_width(module: nn.Sequential) -> None:
    module[3].in_dim = 31


def no_tau(module: nn.Sequential) -> None:
    module[4].tau = float("inf")


def text_for_k(module: nn.Sequential) -> None:
    module[4].k = "3"


def ordinary_layer(module: nn.Sequential) -> None:
    module.insert(2, nn.Linear(40, 40))


def sum_in_the_middle(module: nn.Sequential) -> None:
    module.append(module[2])


def tiny_weights(module: nn.Sequential) -> None:
    tiny = module[2].weights.data.to(torch.float8_e4m3fn)
    module[2].weights = nn.Parameter(tiny, requires_grad=False)


def other_axes(module: nn.Sequential) -> None:
    module[0] = nn.Flatten(2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_indices, r"module '2' \(LogicLayer\): has no pair of indices"),
        (one_index_too_large, r"module '2' \(LogicLayer\): its indices hold 40, must be 0 to 39"),
        (other_shapes, r"module '2' \(LogicLayer\): its indices have shapes \[30\] and \[29\], mu"),
        (other_weights, r"module '2' \(LogicLayer\): its weights have shape \[30, 4\], must be"),
        (tiny_weights, r"module '2' \(LogicLayer\): its weights are no plain tensor: "),
        (no_number, r"module '2' \(LogicLayer\): its weights are not all finite, so they choose"),
        (wrong_width, r"module '3': reads 31 bits, must read 30"),
        (no_tau, r"module '4' \(GroupSum\): its tau is inf, must be finite and greater than 0"),
        (
            text_for_k,
            r"module '4' \(GroupSum\): its k is '3', must be a whole number of at least 1",
        ),
        (ordinary_layer, r"module '2' \(Linear\): its forward is code of torch\.nn\.modules\.lin"),
        (sum_in_the_middle, r"module '5': stands behind the sum, which must be the last"),
        (other_axes, r"module '0' \(Flatten\): flattens other axes than all of a sample"),
    ],
)
def test_other_modules_are_refused(difflogic, tmp_path: Path, change, message: str) -> None:
    module = network(difflogic)
    change(module)
    path = tmp_path / "net.pt"
    torch.save(module, path)
    with pytest.raises(ModelError, match=rf"net\.pt: {message}"):
        read_model(path, "difflogic")


def test_a_module_without_layers_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.Flatten()), tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"net\.pt: has no LogicLayer$"):
        read_model(tmp_path / "net.pt", "difflogic")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"net\.pt: has no layers of difflogic, which hold tens"):
        read_model(tmp_path / "net.pt", "difflogic")


def test_a_container_that_holds_itself_is_refused(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten())
    module._modules["1"] = module
    torch.save(module, tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"net\.pt: has more than 10000 modules$"):
        read_model(tmp_path / "net.pt", "difflogic")


def test_a_truncated_file_is_refused(difflogic, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(network(difflogic), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"net\.pt: is truncated or damaged"):
        read_model(path)
