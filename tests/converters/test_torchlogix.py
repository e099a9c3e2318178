"""The layers of torchlogix: replaced forwards against their own, without the export."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
import torchlogix.layers as tl
from torch import nn

from lgnx.converters import torchlogix as converter
from lgnx.converters.torch_layers import evaluating, find_layers, patched, watched
from lgnx.ops.errors import ModelError

RANDOM = {"parametrization_kwargs": {"weight_init": "random"}}


def both(module: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What a module gives by itself, and with its layers replaced."""
    layers = find_layers(module)
    with evaluating(module):
        with watched(layers) as calls:
            own = module(x)
        forwards = {layer.module: layer.forward(calls[layer.name]) for layer in layers}
        with patched({m: f for m, f in forwards.items() if f is not None}):
            replaced = module(x)
    return own, replaced


def assert_equal(module: nn.Module, x: torch.Tensor) -> None:
    own, replaced = both(module, x)
    assert own.dtype == replaced.dtype
    assert torch.equal(own, replaced)


def bits(batch: int, width: int) -> torch.Tensor:
    return torch.randint(0, 2, (batch, width)).float()


@pytest.mark.parametrize("batch", [0, 1, 64, 300])
@pytest.mark.parametrize(
    ("parametrization", "rank"),
    [("raw", 2), ("warp", 1), ("warp", 2), ("warp", 4), ("warp", 6)]
    + [("light", rank) for rank in (2, 4, 6)],
)
@pytest.mark.parametrize("connections", ["fixed", "learnable"])
def test_dense_layers(parametrization: str, rank: int, connections: str, batch: int) -> None:
    layer = tl.LogicDense(
        16,
        40,
        lut_rank=rank,
        parametrization=parametrization,
        connections=connections,
        connections_kwargs={"gumbel": True} if connections == "learnable" else None,
        **RANDOM,
    )
    assert_equal(layer, bits(batch, 16))


def test_trained_light_weights_have_both_signs() -> None:
    layer = tl.LogicDense(16, 40, lut_rank=4, parametrization="light", **RANDOM)
    with torch.no_grad():
        layer.weight -= 0.5  # the random start is positive only
    assert_equal(layer, bits(2000, 16))


def test_learnable_connections_with_few_candidates() -> None:
    layer = tl.LogicDense(
        40, 60, connections="learnable", connections_kwargs={"num_candidates": 4}, **RANDOM
    )
    assert_equal(layer, bits(500, 40))


def test_tables_are_those_of_the_forward_where_get_luts_rounds_otherwise() -> None:
    layer = tl.LogicDense(2, 1, parametrization="warp").double()
    coefficients = [1.0, 1.0, 1.0, -3.0 - 1e-12]  # their sum, at 0, 0, is just below 0
    layer.weight.data[:] = torch.tensor(coefficients, dtype=torch.float64)
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).double()
    assert both(layer, x)[0].flatten().tolist() == [1, 0, 0, 1]
    assert layer.get_luts().tolist() == [[False, False, False, True]]
    assert_equal(layer, x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("parametrization", ["warp", "light"])
def test_dense_layers_in_other_precisions(parametrization: str, dtype: torch.dtype) -> None:
    layer = tl.LogicDense(16, 40, parametrization=parametrization, **RANDOM).to(dtype)
    assert_equal(layer, bits(65, 16).to(dtype))


def test_leading_axes_are_kept() -> None:
    layer = tl.LogicDense(16, 40, **RANDOM)
    assert_equal(layer, torch.randint(0, 2, (5, 7, 16)).float())


@pytest.mark.parametrize("kind", ["FixedBinarization", "LearnableBinarization", "SoftBinarization"])
@pytest.mark.parametrize(
    ("thresholds", "shape", "feature_dim"),
    [
        ([0.2, 0.5, 0.8], (65, 8), -2),
        ([[0.1 * f, 0.3, 0.3, 0.9] for f in range(8)], (65, 8), -2),
        ([0.2, 0.5, 0.8], (5, 3, 4, 6), -2),
        ([0.2, 0.5, 0.8], (5, 3, 4, 6), 1),
        ([[0.2, 0.5], [0.1, 0.9], [0.4, 0.3]], (5, 3, 4, 6), 1),
        ([[[0.2, 0.5]] * 6] * 4, (5, 3, 4, 6), 2),
        ([0.5], (0, 8), -2),
    ],
)
def test_binarization(
    kind: str, thresholds: list[Any], shape: tuple[int, ...], feature_dim: int
) -> None:
    limits = torch.tensor(thresholds)
    module = getattr(tl, kind)(limits, feature_dim=feature_dim)
    x = torch.rand(shape)
    if x.numel():
        on_threshold = module.get_thresholds().detach().flatten()
        flat = x.flatten()
        flat[: len(on_threshold)] = on_threshold[: len(flat)]
        flat[-1], flat[-2], flat[-3] = torch.nan, torch.inf, -torch.inf
    assert_equal(module, x)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "uint8", "int64", "bool"])
def test_binarization_of_other_dtypes(dtype: str) -> None:
    module = tl.FixedBinarization(torch.tensor([0.1, 0.5, 2.0, 254.99]))
    x = torch.arange(256).reshape(32, 8).to(getattr(torch, dtype))
    assert_equal(module, x)
    assert_equal(module, x / 256 if x.is_floating_point() else x)


def test_binarization_that_does_nothing_stays_ordinary() -> None:
    module = nn.Sequential(tl.DummyBinarization(), tl.LogicDense(16, 40, **RANDOM))
    assert_equal(module, bits(5, 16))
    assert [layer.name for layer in find_layers(module)] == ["1"]


@pytest.mark.parametrize(
    ("tau", "beta"),
    [(1.0, 0.0), (10.0, 0.0), (3.3, 0.1), (0.7, -2.5), (7, 3), (1.0, 4.0)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_group_sum(tau: float, beta: float, dtype: torch.dtype) -> None:
    assert_equal(tl.GroupSum(5, tau=tau, beta=beta), bits(65, 40).to(dtype))


def test_group_sum_of_other_numbers_than_bits_is_left_to_torch() -> None:
    assert_equal(tl.GroupSum(5, tau=3.0), torch.rand(65, 40))


def test_tau_may_be_a_tensor() -> None:
    module = tl.GroupSum(5)
    module.tau = nn.Parameter(torch.tensor(3.3))
    assert_equal(module, bits(65, 40))


@pytest.mark.parametrize(
    ("module", "x", "message"),
    [
        (tl.GroupSum(4, tau=-1.0), bits(2, 8), r"^GroupSum: its tau is -1, must be finite"),
        (
            nn.Sequential(tl.GroupSum(4, beta=torch.inf)),
            bits(2, 8),
            r"^module '0' \(GroupSum\): its beta is inf, must be finite",
        ),
        (
            nn.Sequential(tl.LogicDense(8, 8)),
            torch.full((2, 8), 0.25),
            r"^module '0' \(LogicDense\): gets the value 0.25, must get 0 and 1 only",
        ),
        (
            tl.FixedBinarization(torch.zeros(8, 3)),
            torch.zeros(2, 1),
            r"its thresholds of shape \[8, 3\] widen an input of shape \[2, 1\]",
        ),
    ],
)
def test_layers_that_have_no_onnx_form(module: nn.Module, x: torch.Tensor, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        both(module, x)


class Inverted(tl.LogicDense):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 1 - super().forward(x)


class Renamed(tl.LogicDense):
    """A subclass that computes the same."""


def test_unsupported_modules_are_all_named() -> None:
    module = nn.ModuleDict(
        {
            "first": nn.Sequential(Inverted(8, 8)),
            "second": Inverted(8, 8),
            "fine": Renamed(8, 8),
        }
    )
    with pytest.raises(ModelError) as error:
        find_layers(module)
    assert str(error.value) == (
        "cannot be exported: "
        "module 'first.0' (Inverted), which overrides its layer's forward; "
        "module 'second' (Inverted), which overrides its layer's forward"
    )


def test_a_subclass_with_the_same_forward_is_its_layer() -> None:
    module = Renamed(16, 40, **RANDOM)
    assert_equal(module, bits(65, 16))
    assert [str(layer) for layer in find_layers(module)] == ["Renamed"]


def test_a_replaced_forward_is_not_taken_for_the_layers_own() -> None:
    module = nn.Sequential(tl.LogicDense(8, 8))
    module[0].forward = lambda x: x
    with pytest.raises(ModelError, match=r"module '0' \(LogicDense\), whose forward was replaced"):
        find_layers(module)


def test_a_shared_layer_is_found_once() -> None:
    layer = tl.LogicDense(8, 8)
    assert [found.name for found in find_layers(nn.Sequential(layer, nn.Sequential(layer)))] == [
        "0"
    ]


def test_torchlogix_imports_on_every_python() -> None:
    code = (
        "import lgnx.converters.torchlogix as converter, sys\n"
        "assert 'torchlogix.layers' not in sys.modules\n"
        "import torchlogix\n"
        "assert torchlogix is converter.import_torchlogix()\n"
        "assert (torchlogix.Circuit is None) == (sys.version_info < (3, 12))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_circuit_that_compiles_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    package = tmp_path / "torchlogix"
    package.mkdir()
    (package / "__init__.py").write_text("from .circuit import Circuit\n")
    (package / "circuit.py").write_text("Circuit = 7\n")
    for name in [n for n in sys.modules if n.split(".")[0] == "torchlogix"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = converter.import_torchlogix()
    assert found.Circuit == 7
    for name in ("torchlogix", "torchlogix.circuit"):
        monkeypatch.delitem(sys.modules, name)
