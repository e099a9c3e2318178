"""Export of torch modules: the same numbers, a clean file, an untouched module, clear errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torchlogix.layers as tl
from torch import nn

from lgnx.converters.torch_export import export
from lgnx.ops.errors import InputError, ModelError

RANDOM = {"parametrization_kwargs": {"weight_init": "random"}}
Check = Callable[..., None]
Corners = Callable[..., np.ndarray]


def op_types(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def shapes(model: onnx.ModelProto) -> dict[str, list[int | str]]:
    graph = model.graph
    return {
        value.name: [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }


def dense(n_in: int, n_out: int, **kwargs: Any) -> tl.LogicDense:
    return tl.LogicDense(n_in, n_out, **(RANDOM | kwargs))


def classifier() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        tl.LearnableBinarization(torch.tensor([[0.2, 0.5, 0.7]] * 8)),
        dense(24, 40, parametrization="warp", lut_rank=4),
        dense(40, 60, connections="learnable"),
        tl.GroupSum(10, tau=3.3, beta=0.1),
    )


@pytest.fixture(scope="module")
def exported() -> onnx.ModelProto:
    return export(classifier(), torch.zeros(1, 8), metadata={"author": "me"})


# --------------------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65, 1000])
def test_a_classifier_gives_torchs_scores(
    exported: onnx.ModelProto, batch: int, assert_same: Check
) -> None:
    x = np.random.default_rng(batch).random((batch, 8), np.float32)
    assert_same(exported, classifier(), x)


def test_corner_inputs_give_torchs_scores(
    exported: onnx.ModelProto, assert_same: Check, corner_inputs: Corners
) -> None:
    module = classifier()
    thresholds = module[0].get_thresholds()[0].tolist()
    assert_same(exported, module, corner_inputs(8, thresholds))


def test_stock_onnxruntime_gives_torchs_scores(outputs_of: Callable[..., Any]) -> None:
    module = classifier()
    model = export(module, torch.zeros(2, 8), self_contained=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for batch in (0, 1, 65, 1000):
        x = np.random.default_rng(batch).random((batch, 8), np.float32)
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], outputs_of(module, x)[0])


class Mixed(nn.Module):
    """Shared layer, two branches, arithmetic, ordinary layers behind, several outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.bits = tl.FixedBinarization(torch.tensor([[0.2, 0.5, 0.7]] * 8))
        self.shared = dense(24, 24)
        self.body = nn.Sequential(nn.Identity(), nn.Sequential(dense(72, 60, lut_rank=2)))
        self.scores = tl.GroupSum(10, beta=2.0)
        self.linear = nn.Linear(10, 4)
        nn.init.constant_(self.linear.weight, 0.25)
        nn.init.constant_(self.linear.bias, -1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        bits = self.bits(x)
        once = self.shared(bits)
        twice = self.shared(once)
        residual = once + bits - once * bits
        both = torch.cat([twice, 1 - once, residual.reshape(-1, 24)], dim=-1)
        scores = self.scores(self.body(both))
        return scores, self.linear(scores), scores.argmax(-1)


def test_logic_layers_mix_with_ordinary_torch(assert_same: Check) -> None:
    module = Mixed()
    model = export(module, torch.rand(3, 8))
    assert [node.name for node in model.graph.node if node.domain] == [
        "/bits/Thermometer",
        "/shared/LogicDense",
        "/shared/LogicDense_1",
        "/body/1/0/LogicDense",
        "/scores/GroupSum",
    ]
    assert not {"Cast", "Greater", "Mul", "Add", "Sub"} & set(op_types(model))
    assert {"Or", "Not", "Concat", "Gemm", "ArgMax"} <= set(op_types(model))
    assert list(constants(model)).count("shared.indices") == 1
    assert [value.name for value in model.graph.output] == ["scores", "scores1", "class"]
    for batch in (0, 1, 65, 1000):
        assert_same(model, module, np.random.default_rng(1).random((batch, 8), np.float32))


def test_any_value_may_be_an_output(assert_same: Check) -> None:
    class Outputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = dense(16, 40)
            self.y = nn.Parameter(torch.full((40,), 2.0))

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            bits = self.layer(x)
            return x, bits, bits, self.y, bits * self.y

    module = Outputs()
    model = export(module, torch.zeros(2, 16))
    assert [value.name for value in model.graph.output] == ["y", "y1", "y2", "y3", "y4"]
    assert_same(model, module, np.random.default_rng(6).integers(0, 2, (65, 16)).astype("f4"))


def test_images_are_thermometer_coded_by_channel(assert_same: Check) -> None:
    thresholds = torch.tensor([[0.2, 0.5], [0.3, 0.6], [0.1, 0.9]])
    module = nn.Sequential(
        tl.FixedBinarization(thresholds, feature_dim=1), nn.Flatten(), dense(96, 60)
    )
    model = export(module, torch.zeros(2, 3, 4, 4))
    assert op_types(model) == [
        "Thermometer",
        "Transpose",
        "Reshape",
        "Reshape",
        "LogicDense",
        "Cast",
    ]
    assert shapes(model)["/1/Reshape"] == ["batch", 96]
    for batch in (0, 1, 100):
        assert_same(model, module, np.random.default_rng(2).random((batch, 3, 4, 4), np.float32))


def test_double_precision_is_kept(assert_same: Check) -> None:
    class Double(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bits = tl.FixedBinarization(torch.tensor([0.2, 0.5]))
            self.layer = dense(16, 40, parametrization="warp")
            self.scores = tl.GroupSum(4, tau=3.3, beta=0.1)  # neither is a float32 number

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.scores(self.layer(self.bits(x)).double())

    module = Double().double()
    model = export(module, torch.zeros(2, 8, dtype=torch.float64))
    assert op_types(model)[-3:] == ["GroupSum", "Add", "Div"]
    x = np.random.default_rng(3).random((1000, 8))
    x[:8, :] = module.bits.thresholds[0].item()
    assert_same(model, module, x)


def test_integers_are_compared_as_torch_promotes_them(assert_same: Check) -> None:
    module = nn.Sequential(tl.FixedBinarization(torch.tensor([20.5, 100.0])), dense(16, 40))
    model = export(module, np.zeros((2, 8), np.uint8))
    assert op_types(model)[:2] == ["Cast", "Thermometer"]
    assert_same(model, module, np.arange(256, dtype=np.uint8).reshape(32, 8))


def test_a_forward_may_have_several_inputs(assert_same: Check) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = dense(24, 40)

        def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.layer(x=torch.cat([image > 0.5, mask], dim=1).float())

    module = Two()
    model = export(module, (torch.zeros(2, 16), torch.zeros(2, 8, dtype=torch.bool)))
    assert shapes(model) | {"image": ["batch", 16], "mask": ["batch", 8]} == shapes(model)
    rng = np.random.default_rng(4)
    assert_same(model, module, rng.random((65, 16), np.float32), rng.random((65, 8)) > 0.5)


def test_large_fan_in_takes_int32_indices() -> None:
    layer = dense(65537, 32800)
    layer.connections.indices[:, :2] = torch.tensor([[65535, 65536], [0, 1]])
    model = export(nn.Sequential(layer, dense(32800, 16400)), torch.zeros(2, 65537))
    found = constants(model)
    assert found["0.indices"].dtype == np.int32
    assert found["1.indices"].dtype == np.uint16


# --------------------------------------------------------------------------- a clean file


def test_one_node_for_each_layer(exported: onnx.ModelProto) -> None:
    assert [node.name for node in exported.graph.node] == [
        "/0/Thermometer",
        "/0/Reshape",
        "/1/LogicDense",
        "/2/LogicDense",
        "/3/GroupSum",
    ]


def test_shapes_and_names_are_those_of_the_module(exported: onnx.ModelProto) -> None:
    assert shapes(exported) == {
        "x": ["batch", 8],
        "/0/Thermometer": ["batch", 8, 3],
        "/0/Reshape": ["batch", 24],
        "/1/LogicDense": ["batch", 40],
        "/2/LogicDense": ["batch", 60],
        "scores": ["batch", 10],
    }
    assert {name: (a.dtype.name, a.shape) for name, a in constants(exported).items()} == {
        "0.thresholds": ("float32", (8, 3)),
        "0.shape": ("int64", (2,)),
        "1.indices": ("uint16", (40, 4)),
        "1.tables": ("uint8", (40, 2)),
        "2.indices": ("uint16", (60, 2)),
        "2.tables": ("uint8", (60, 1)),
    }


def test_metadata_say_what_made_the_file_and_hold_no_paths(exported: onnx.ModelProto) -> None:
    assert exported.producer_name == "lgnx"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", exported.producer_version)
    found = {entry.key: entry.value for entry in exported.metadata_props}
    assert sorted(found) == ["author", "lgnx.torch", "lgnx.training_tool"]
    assert found["lgnx.training_tool"].startswith("torchlogix 0.2")
    data = exported.SerializeToString()
    for text in (b"site-packages", b"/root", b"/home", b".py", b"stack_trace", b"pkg.torch"):
        assert text not in data


def test_the_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    model = export(dense(16, 40), torch.zeros(2, 16), path)
    assert onnx.load(path) == model
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="cannot write there"):
        export(dense(16, 40), torch.zeros(2, 16), tmp_path / "missing" / "model.onnx")


@pytest.mark.parametrize("batch", [1, 5])
def test_a_fixed_batch_gives_static_shapes(batch: int, assert_same: Check) -> None:
    module = classifier()
    model = export(module, torch.zeros(3, 8), batch=batch)
    assert all(shape[0] == batch for shape in shapes(model).values())
    assert_same(model, module, np.random.default_rng(5).random((batch, 8), np.float32))


def test_a_later_opset_is_written_when_asked_for() -> None:
    model = export(dense(16, 40), torch.zeros(2, 16), opset=20)
    assert {o.domain: o.version for o in model.opset_import} == {"": 20, "lgnx.ops": 1}


# --------------------------------------------------------------------------- an untouched module


def state(module: nn.Module) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, part in module.named_modules():
        found[name] = (part.training, sorted(vars(part)), dict(part._forward_hooks))
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        found[f"tensor {name}"] = (id(tensor), tensor.tolist(), tensor.requires_grad)
    return found


class Counting(nn.Module):
    """Counts its calls in a buffer, and may fail."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.fails = fails

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.fails and torch.compiler.is_exporting():
            raise RuntimeError("does not export")
        return x


@pytest.mark.parametrize("fails", [False, True])
def test_the_module_is_untouched(fails: bool) -> None:
    module = nn.Sequential(*classifier(), Counting(fails)).train()
    module[1].eval()
    before, generator = state(module), torch.get_rng_state()
    if fails:
        with pytest.raises(ModelError, match=r"torch cannot export the module: .*does not export"):
            export(module, torch.zeros(2, 8))
    else:
        export(module, torch.zeros(2, 8))
    assert state(module) == before
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.is_grad_enabled()


# --------------------------------------------------------------------------- clear errors


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.sum() > 0 else x


class FixedBatch(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(2, -1)


class Eigenvalues(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigvals(x[:, :4].reshape(-1, 2, 2)).real


class Bessel(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.special.bessel_j0(x)


class Overriding(tl.LogicDense):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (Branching(), r"module '1' \(Branching\): its control flow depends on values"),
        (FixedBatch(), "its code depends on the batch size; give batch=N"),
        (Eigenvalues(), r"module '1' \(Eigenvalues\): .*linalg_eig"),
        (nn.Sequential(nn.ReLU(), Bessel()), r"module '1.1' \(Bessel\): .*bessel_j0"),
        (Overriding(8, 8), r"module '1' \(Overriding\), which overrides its layer's forward"),
        (tl.GroupSum(4, tau=0.0), r"module '1' \(GroupSum\): its tau is 0, must be finite and"),
        (
            tl.FixedBinarization(torch.tensor([0.5, torch.nan])),
            r"module '1' \(FixedBinarization\): .*input thresholds: 1 of 2 thresholds are NaN",
        ),
    ],
)
def test_what_cannot_be_exported_is_named_and_nothing_written(
    last: nn.Module, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match=message):
        export(nn.Sequential(dense(16, 40), last), torch.zeros(2, 16), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
    assert "graph" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("sample", "options", "message"),
    [
        (torch.zeros(2, 9), {}, r"fails on the sample \(float32\[2, 9\]\): AssertionError: .*9"),
        ("x", {}, "sample input 0 is a str, must be a torch tensor or a numpy array"),
        (torch.tensor(1.0), {}, "sample input 0 is a scalar, must have a batch axis"),
        (
            (torch.zeros(2, 16), torch.zeros(3, 16)),
            {},
            r"the sample inputs have batches of \[2, 3\], must be the same",
        ),
        (torch.zeros(2, 16), {"batch": 0}, "batch is 0, must be at least 1"),
        (torch.zeros(2, 16), {"opset": 17}, "opset is 17, must be at least 18"),
        (torch.zeros(2, 16), {"metadata": {"a": 1}}, "key and value must be strings"),
    ],
)
def test_wrong_arguments_are_named(sample: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        export(dense(16, 40), sample, **options)


def test_only_modules_are_exported() -> None:
    with pytest.raises(InputError, match=r"the module is a function, must be a torch.nn.Module"):
        export(lambda x: x, torch.zeros(2, 16))  # type: ignore[arg-type]


def test_unsorted_thresholds_are_allowed_with_a_warning() -> None:
    module = nn.Sequential(tl.FixedBinarization(torch.tensor([0.5, 0.2])), dense(16, 40))
    with pytest.warns(UserWarning, match="input thresholds: are not sorted"):
        export(module, torch.zeros(2, 8))


def test_a_module_without_logic_is_exported_in_silence(assert_same: Check) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = export(nn.Sequential(nn.Flatten(), nn.ReLU()), torch.zeros(2, 3, 4))
    assert_same(model, nn.Flatten(), np.ones((5, 3, 4), np.float32))
