"""Convolutions and pooling of torchlogix: what is written, what is refused, what is warned of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchlogix.layers as tl
from torch import nn
from torchlogix.utils import set_export_mode

from lgnx.converters.torch_export import export
from lgnx.ops.errors import InputError, ModelError
from lgnx.verify.reference import run_reference
from tests.converters.torchlogix_cases import conv, conv3d, dense, depth_unpadded, transposed


def attributes(model: onnx.ModelProto, op_type: str) -> dict[str, Any]:
    node = next(node for node in model.graph.node if node.op_type == op_type)
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def assert_same(model: onnx.ModelProto, module: nn.Module, x: torch.Tensor) -> None:
    with torch.no_grad():
        expected = module.eval()(x).numpy()
    np.testing.assert_array_equal(run_reference(model, x.bool().numpy())[0], expected)


# --------------------------------------------------------------------------- what is written


def test_attributes_are_those_of_the_layer() -> None:
    layer = conv(receptive_field_size=(2, 3), stride=2, padding=1, tree_depth=3)
    assert attributes(export(layer, torch.zeros(2, 3, 5, 7)), "LogicConv") == {
        "kernel_shape": [2, 3],
        "strides": [2, 2],
        "pads": [1, 1, 1, 1],
        "dilations": [1, 1],
        "depth": 3,
    }
    layer = transposed(stride=3, padding=1, output_padding=(2, 0))
    assert attributes(export(layer, torch.zeros(2, 3, 4, 3)), "LogicConvTranspose") == {
        "kernel_shape": [3, 3],
        "strides": [3, 3],
        "pads": [1, 1, 1, 1],
        "output_padding": [2, 0],
        "dilations": [1, 1],
        "depth": 2,
    }
    pool = tl.OrPooling2d((2, 3), (1, 2), (1, 0))
    assert attributes(export(nn.Sequential(conv(), pool), torch.zeros(2, 3, 5, 7)), "OrPool") == {
        "kernel_shape": [2, 3],
        "strides": [1, 2],
        "pads": [1, 0, 1, 0],
    }


def test_wires_and_tables_take_no_more_room_than_they_need() -> None:
    module = nn.Sequential(conv(num_kernels=6, tree_depth=3), nn.Flatten(), dense(90, 50))
    found = constants(export(module, torch.zeros(2, 3, 5, 7)))
    assert {name: (a.dtype.name, a.shape) for name, a in found.items()} == {
        "0.indices": ("uint16", (6, 8)),
        "0.tables": ("uint8", (6, 7, 1)),
        "1.shape": ("int64", (2,)),
        "2.indices": ("uint16", (50, 2)),
        "2.tables": ("uint8", (50, 1)),
    }


def test_the_wires_are_written_out_here() -> None:
    layer = conv(channels=2, num_kernels=1, tree_depth=1, in_dim=3, receptive_field_size=2)
    index = layer.connections.indices[0]  # [slot, kernel, position, node, (h, w, c)]
    corners = index.new_tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    index[0, 0, :, 0] = torch.cat([corners + corners.new_tensor([1, 0]), corners[:, :1] * 0], 1)
    index[1, 0, :, 0] = torch.cat([corners + corners.new_tensor([0, 1]), corners[:, :1] * 0 + 1], 1)
    with torch.no_grad():
        layer.tree_weights[0].zero_()[0, 0, 2] = 9  # gate 2: first and not second
    model = export(layer, torch.zeros(2, 2, 3, 3))
    # Bit (c, h, w) of a window of 2 x 2 is number 4 c + 2 h + w: (0, 1, 0) and (1, 0, 1).
    assert constants(model)["indices"].tolist() == [[2, 5]]
    assert constants(model)["tables"].tolist() == [[[0b0010]]]
    x = np.zeros((1, 2, 3, 3), bool)
    x[0, 0, 1] = [1, 1, 0]
    x[0, 1, 0] = [0, 0, 1]
    # y[h, w] = x[0, h + 1, w] and not x[1, h, w + 1]
    assert run_reference(model, x)[0].tolist() == [[[[1, 0], [0, 0]]]]


def test_a_window_of_many_bits_takes_int32_indices() -> None:
    layer = conv(channels=70_000, receptive_field_size=1, in_dim=2, num_kernels=200)
    model = export(layer, torch.zeros(2, 70_000, 2, 2))
    assert constants(model)["indices"].dtype == np.int32


def test_pooling_of_other_numbers_than_bits_is_left_to_torch() -> None:
    module = nn.Sequential(tl.OrPooling2d(2, 2), tl.FixedBinarization(torch.tensor([0.5])))
    model = export(module, torch.rand(2, 3, 4, 4))
    assert [node.op_type for node in model.graph.node][:1] == ["MaxPool"]


# --------------------------------------------------------------------------- inputs of bits


@pytest.mark.parametrize(
    ("forward", "kind"),
    [
        (lambda layer, x: layer(x), "tensor(bool)"),
        (lambda layer, x: layer(x.flip(-1)), "tensor(bool)"),
        (lambda layer, x: layer(torch.cat([x[:, :2], x[:, 2:]], 1)), "tensor(bool)"),
        (lambda layer, x: layer((x > 0.5).float()), "tensor(float)"),
        (lambda layer, x: layer(x.round()), "tensor(float)"),
        (lambda layer, x: layer(x) + x.sum(), "tensor(float)"),
        (lambda layer, x: (layer(x), x), "tensor(float)"),
        (lambda layer, x: torch.maximum(layer(x)[:, :3], x), "tensor(bool)"),
    ],
)
def test_an_input_is_bool_if_logic_alone_reads_it(forward: Callable[..., Any], kind: str) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = conv(padding=1)

        def forward(self, x: torch.Tensor) -> Any:
            return forward(self.layer, x)

    model = export(Model(), torch.zeros(2, 3, 5, 7))
    expected = {"tensor(bool)": onnx.TensorProto.BOOL, "tensor(float)": onnx.TensorProto.FLOAT}
    found = model.graph.input[0].type.tensor_type.elem_type
    assert found == expected[kind]


def test_several_inputs_of_bits_meet() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = dense(24, 40)

        def forward(self, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
            return self.layer(torch.cat([one, two], dim=1))

    module = Two()
    bits, numbers = torch.zeros(2, 12), torch.ones(2, 12)
    for sample, count in [((bits, numbers), 2), ((bits, numbers.double()), 2)]:
        model = export(module, sample)
        kinds = [value.type.tensor_type.elem_type for value in model.graph.input]
        assert kinds.count(onnx.TensorProto.BOOL) == count
        assert [node.op_type for node in model.graph.node] == ["Concat", "LogicDense", "Cast"]


def test_a_sample_with_other_numbers_keeps_the_input_a_number() -> None:
    module = nn.Sequential(tl.FixedBinarization(torch.tensor([0.5]), feature_dim=1), conv())
    model = export(module, torch.zeros(2, 3, 5, 7))
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_export_mode_is_left_for_the_export_and_entered_again() -> None:
    module = nn.Sequential(conv(), tl.OrPooling2d(2, 1), nn.Flatten(), dense(40, 30))
    x = torch.randint(0, 2, (65, 3, 5, 7)).float()
    with torch.no_grad():
        expected = module.eval()(x)
    set_export_mode(module)
    before = {name: vars(part).get("export_mode") for name, part in module.named_modules()}
    with torch.no_grad():  # stale lookups of export mode must not be taken for the gates
        module[3]._export_lut_ids.zero_()
    model = export(module, x.bool())
    assert {name: vars(part).get("export_mode") for name, part in module.named_modules()} == before
    assert module[0].export_mode is True
    np.testing.assert_array_equal(run_reference(model, x.bool().numpy())[0], expected.numpy())


# --------------------------------------------------------------------------- what is refused


def edited(place: tuple[Any, ...], value: int, level: int = 0) -> nn.Module:
    layer = conv(tree_depth=3)
    layer.connections.indices[level][place] = value
    return layer


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (edited((1, 2, 7, 3, 1), 0), "its leaves are not those of one window that slides"),
        (edited((0, 0, 0, 0, 0), 4), r"read outside of the window of \[3, 3\] and 3 channels"),
        (edited((0, 0), 1, level=1), "level 1 of its trees does not read its children in order"),
        (edited((1, 0), 0, level=2), "level 2 of its trees does not read its children in order"),
    ],
)
def test_edited_connections_are_refused(layer: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=rf"^module '0' \(LogicConv2d\): .*{message}"):
        export(nn.Sequential(layer), torch.zeros(2, 3, 5, 7))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (conv(), (3, 6, 9), r"gets images of \[3, 6, 9\], must get \[3, 5, 7\], channels first"),
        (conv(), (4, 5, 7), r"gets images of \[4, 5, 7\], must get \[3, 5, 7\], channels first"),
        (conv3d(), (3, 5, 3, 5), r"gets images of \[3, 5, 3, 5\], must get \[3, 4, 3, 5\]"),
    ],
)
def test_images_of_another_size_are_refused(
    layer: nn.Module, shape: tuple[int, ...], message: str
) -> None:
    kind = type(layer).__name__
    with pytest.raises(ModelError, match=rf"^module '1' \({kind}\): {message}"):
        export(nn.Sequential(nn.Identity(), layer), torch.zeros(2, *shape))


def test_a_smaller_image_fails_in_the_layer_that_is_named() -> None:
    with pytest.raises(
        InputError, match=r"fails on the sample .*module '0.connections' \(.*\): Index"
    ):
        export(nn.Sequential(conv()), torch.zeros(2, 3, 4, 7))


def test_other_numbers_than_bits_are_refused() -> None:
    with pytest.raises(ModelError, match=r"^LogicConv2d: gets the value 0.25, must get 0 and 1"):
        export(conv(), torch.full((2, 3, 5, 7), 0.25))


def test_a_layer_that_computes_something_else_is_refused() -> None:
    layer = dense(16, 40)
    layer.register_forward_hook(lambda module, inputs, y: 1 - y)
    with pytest.raises(ModelError, match=r"^LogicDense: computes something else than its weights"):
        export(layer, torch.zeros(2, 16))


# --------------------------------------------------------------------------- what is warned of


class DepthUnpadded(tl.LogicConv3d):
    """Pads as torchlogix 0.2.1 does."""

    def _apply_padding(self, x: torch.Tensor) -> torch.Tensor:
        pad = self.padding
        return nn.functional.pad(x, (pad, pad, pad, pad, 0, 0))


def test_missing_padding_is_exported_as_computed_with_a_warning() -> None:
    layer = depth_unpadded()
    layer.__class__ = DepthUnpadded
    message = r"^module '0' \(DepthUnpadded\): torchlogix .* does not pad its depth by 1"
    with pytest.warns(UserWarning, match=message):
        model = export(nn.Sequential(layer), torch.zeros(2, 3, 4, 4, 4))
    assert attributes(model, "LogicConv")["pads"] == [0, 1, 1, 2, 1, 1]
    assert_same(model, nn.Sequential(layer), torch.randint(0, 2, (65, 3, 4, 4, 4)).float())


def test_sound_layers_are_exported_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(conv3d(padding=1), torch.zeros(2, 3, 4, 3, 5))
        thresholds = tl.LearnableBinarization(torch.tensor([0.2, 0.5]), feature_dim=1)
        export(nn.Sequential(thresholds, conv(channels=6)), torch.rand(2, 3, 5, 7))


class Switching(tl.LearnableBinarization):
    """Evaluates with other thresholds than it trains with, as torchlogix 0.2.1 does."""

    def get_thresholds(self) -> torch.Tensor:
        return super().get_thresholds() if self.training else self.raw_diffs.cumsum(-1)


def test_thresholds_of_evaluation_are_exported_with_a_warning() -> None:
    module = nn.Sequential(Switching(torch.tensor([0.2, 0.5]), feature_dim=1), conv(channels=6))
    message = r"^module '0' \(Switching\): .* differ from those it was trained with"
    with pytest.warns(UserWarning, match=message):
        model = export(module, torch.rand(2, 3, 5, 7))
    written = constants(model)["0.thresholds"]
    assert written.tolist() == module[0].raw_diffs.cumsum(-1).tolist()


def test_connections_drawn_with_noise_are_exported_as_the_likeliest() -> None:
    layer = dense(40, 60, connections="learnable", connections_kwargs={"gumbel": True})
    likeliest = layer.connections.resolve_connections().T.tolist()
    layer.connections.train()
    layer.connections.eval = lambda: layer.connections  # its noise does not end in evaluation
    layer.connections.train = lambda mode=True: layer.connections
    with pytest.warns(UserWarning, match="its connections are drawn anew for every batch"):
        model = export(layer, torch.zeros(2, 40))
    assert constants(model)["indices"].tolist() == likeliest
    assert layer.connections.gumbel is True
