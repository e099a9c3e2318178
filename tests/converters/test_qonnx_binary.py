"""Binarised QONNX networks as truth tables, against what qonnx computes."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

pytest.importorskip("qonnx")

from lgnx import InferenceSession, lower
from lgnx.check import check
from lgnx.converters.formats import read_model, source_format
from lgnx.converters.qonnx_binary import from_qonnx
from lgnx.metadata import get, with_metadata
from lgnx.ops.errors import InputError, LgnxError, ModelError
from lgnx.verify.reference import run_reference
from tests.converters.qonnx_cases import Qonnx, run_qonnx, sparse

SEEDS = st.integers(0, 2**32 - 1)


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def samples(model: onnx.ModelProto, result: onnx.ModelProto, rng: np.random.Generator) -> Any:
    """Random numbers, corners, and each threshold with its neighbours."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    size = int(np.prod(shape))
    rows = [rng.normal(0, 2, (n, *shape)) for n in (1, 63, 64, 65)]
    rows += [np.zeros((1, *shape)), np.ones((1, *shape)), np.eye(size).reshape(size, *shape)]
    rows += [np.full((1, *shape), x) for x in (-0.0, 1e38, -1e38, 1e-45, -1e-45)]
    node = next((n for n in result.graph.node if n.op_type == "Thermometer"), None)
    if node is not None and node.input[0] == model.graph.input[0].name:
        tensor = next(t for t in result.graph.initializer if t.name == node.input[1])
        limits = onnx.numpy_helper.to_array(tensor)
        limits = np.broadcast_to(limits, (*shape, limits.shape[-1]))
        limits = np.moveaxis(np.clip(limits, -3e38, 3e38).astype(np.float32), -1, 0)
        for way in (np.float32(np.inf), np.float32(-np.inf)):
            rows += [limits, np.nextafter(limits, way)]
            mixed = np.where(
                rng.random((40, *shape)) < 0.5, limits[:1], np.nextafter(limits, way)[:1]
            )
            rows.append(mixed)
    return np.concatenate(rows).astype(np.float32)


def assert_same(model: onnx.ModelProto, result: onnx.ModelProto, seed: int = 0) -> None:
    assert check(result) == [] or "LogicDense" not in ops(result)
    rng = np.random.default_rng(seed)
    x = samples(model, result, rng)
    expected, found = run_qonnx(model, x), run_reference(result, x)[0]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


def converted(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """The model converted; None if a sum is too close to a threshold."""
    try:
        return from_qonnx(model, max_fan_in=12)
    except ModelError as error:
        if "depends on the order in which float32 numbers are added" not in str(error):
            raise
        return None


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_sparse_binarised_network_is_the_same(data: st.DataObject) -> None:
    seed = data.draw(SEEDS)
    rng = np.random.default_rng(seed)
    widths = [data.draw(st.integers(1, 9)) for _ in range(data.draw(st.integers(2, 4)))]
    m = Qonnx(widths[0], batch="batch")
    y = "x"
    if data.draw(st.booleans()):
        y = m.norm(y, rng, widths[0])
    y = m.sign(y, data.draw(st.sampled_from([1.0, 0.5, 0.3])))
    for inputs, outputs in itertools.pairwise(widths):
        mask = sparse(rng, inputs, outputs, data.draw(st.integers(0, 6)))
        kind = data.draw(st.sampled_from(["normal", "signs", "quantised"]))
        if kind == "signs":
            weights: Any = rng.choice([-1.0, 1.0], mask.shape) * mask
        else:
            weights = (rng.normal(0, 1, mask.shape) * mask).astype(np.float32)
        if kind == "quantised":
            weights = m.quant(m.constant(weights), 0.25, 3, narrow=1)
        bias = rng.normal(0, 1, outputs) + 0.01
        if data.draw(st.booleans()):
            y = m.op("Add", m.op("MatMul", y, weights), bias)
        else:
            y = m.op("Gemm", y, weights, bias)
        if data.draw(st.booleans()):
            y = m.norm(y, rng, outputs)
        if data.draw(st.booleans()):
            y = m.op(data.draw(st.sampled_from(["Mul", "Div"])), y, rng.normal(0, 1, outputs))
        steps = ["sign", "threshold", "one", "two", "unsigned", "levels"]
        step = data.draw(st.sampled_from(steps))
        if step == "sign":
            y = m.sign(y, 0.7)
        elif step == "threshold":
            y = m.op("MultiThreshold", y, rng.normal(0, 1, (outputs, 1)), out_dtype="BINARY")
        elif step == "levels":
            limits = np.sort(rng.normal(0, 1, (1, 3)))
            y = m.op("MultiThreshold", y, limits, out_dtype="UINT2", out_scale=0.5, out_bias=-0.75)
        elif step in ("one", "two"):
            y = m.quant(y, 0.6, 1 + (step == "two"))
        else:
            y = m.quant(y, 0.6, 1, signed=0)
    model = m.model(y, opset=data.draw(st.sampled_from([11, 13, 18])))
    result = converted(model)
    if result is None:
        return
    assert "LogicDense" in ops(result)
    assert_same(model, result, seed)
    lowered = lower(result)
    assert "LogicNetwork" in ops(lowered) or set(ops(lowered)) <= {"Thermometer", "Where", "Gather"}


@pytest.fixture(scope="module")
def trained() -> tuple[onnx.ModelProto, np.ndarray, np.ndarray]:
    """A sparse binarised network of handwritten digits, with dense scores."""
    torch = pytest.importorskip("torch")
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, t = digits.data.astype(np.float32), digits.target
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    masks = [torch.from_numpy(sparse(rng, n, k, 6)).float() for n, k in ((64, 160), (160, 120))]

    class Sign(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.where(x >= 0, 1.0, -1.0)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * (ctx.saved_tensors[0].abs() <= 1)

    norms = [torch.nn.BatchNorm1d(n) for n in (64, 160, 120)]
    layers = [torch.nn.Parameter(0.5 * torch.randn(m.shape)) for m in masks]
    last = torch.nn.Linear(120, 10)
    modules = torch.nn.ModuleList([*norms, last])
    optimizer = torch.optim.Adam([*modules.parameters(), *layers], 0.02)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(t)
    for _ in range(60):
        y = Sign.apply(norms[0](inputs))
        for weights, mask, norm in zip(layers, masks, norms[1:], strict=True):
            y = Sign.apply(norm(y @ (weights * mask)))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(last(y), labels).backward()
        optimizer.step()
    m = Qonnx(64, batch="batch")

    def norm(y: str, layer: Any) -> str:
        parts = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
        return m.op("BatchNormalization", y, *(p.detach().numpy() for p in parts))

    y = m.sign(norm("x", norms[0]))
    for weights, mask, layer in zip(layers, masks, norms[1:], strict=True):
        y = m.op("MatMul", y, m.op("Mul", weights.detach().numpy(), mask.numpy()))
        y = m.sign(norm(y, layer))
    weights, bias = (p.detach().numpy() for p in (last.weight, last.bias))
    return m.model(m.op("Gemm", y, weights, bias, transB=1)), x, t


def test_a_trained_network_of_digits_is_the_same(trained: Any) -> None:
    model, x, t = trained
    result = from_qonnx(model)
    assert ops(result) == ["Thermometer", "Reshape", "LogicDense", "LogicDense", "Where", "Gemm"]
    expected = run_qonnx(model, x)
    assert (expected.argmax(1) == t).mean() > 0.8
    session = InferenceSession(result.SerializeToString())
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], expected)
    hidden = onnx.ModelProto()
    hidden.CopyFrom(model)
    node = hidden.graph.node.pop()
    hidden.graph.output[0].name = node.input[0]
    inner = from_qonnx(hidden)
    assert ops(inner) == ["Thermometer", "Reshape", "LogicDense", "LogicDense", "Where"]
    np.testing.assert_array_equal(run_reference(inner, x)[0], run_qonnx(hidden, x))
    assert_same(hidden, inner)
    assert ops(lower(inner)) == ["LogicNetwork", "Where"]


def test_signs_of_plain_onnx_have_three_values() -> None:
    rng = np.random.default_rng(3)
    m = Qonnx(6, batch="batch")
    y = m.op("Sign", "x")
    y = m.op("MatMul", y, rng.choice([-1.0, 1.0], (6, 8)) * sparse(rng, 6, 8, 4))
    model = m.model(m.op("Sign", y))
    result = from_qonnx(model)
    assert ops(result).count("LogicDense") == 1
    x = rng.integers(-1, 2, (300, 6)).astype(np.float32)
    np.testing.assert_array_equal(run_reference(result, x)[0], run_qonnx(model, x))
    assert set(np.unique(run_qonnx(model, x))) == {-1, 0, 1}
    assert_same(model, result)


def test_what_moves_numbers_moves_wires() -> None:
    rng = np.random.default_rng(4)
    m = Qonnx(2, 3, 2, batch="batch")
    y = m.sign("x", 0.5)
    left = m.op("Reshape", m.op("Transpose", y, perm=[0, 3, 1, 2]), np.array([-1, 12]))
    right = m.op("Gather", left, np.array([3, 3, 1]), axis=1)
    y = m.op("Concat", m.op("Mul", left, np.float32(2)), right, axis=-1)
    y = m.op("MatMul", y, rng.normal(0, 1, (15, 9)) * sparse(rng, 15, 9, 4))
    model = m.model(m.sign(m.op("Add", y, np.float32(0.01))))
    result = from_qonnx(model)
    assert ops(result) == ["Thermometer", "Reshape", "LogicDense", "Where"]
    assert_same(model, result)


def test_numbers_of_different_layers_stand_side_by_side() -> None:
    rng = np.random.default_rng(7)
    m = Qonnx(6, batch="batch")
    first = m.sign(m.norm("x", rng, 6), 0.5)
    second = m.op("MatMul", first, rng.choice([-1.0, 1.0], (6, 5)) * sparse(rng, 6, 5, 3))
    second = m.sign(m.norm(second, rng, 5))
    third = m.op("Sub", np.float32(0.75), m.sign(m.op("Sub", np.float32(0.3), "x")))
    y = m.op("Concat", second, first, third, first, axis=1)
    y = m.op("MatMul", y, rng.normal(0, 1, (23, 12)) * sparse(rng, 23, 12, 4))
    model = m.model(m.sign(m.op("Add", y, np.float32(0.01))))
    result = from_qonnx(model)
    assert ops(result).count("LogicDense") == 2
    assert not {"Sub", "Mul", "MatMul", "BatchNormalization"} & set(ops(result))
    assert_same(model, result)


def test_layers_of_float_stay_and_what_follows_begins_at_the_sign() -> None:
    rng = np.random.default_rng(5)
    m = Qonnx(10, batch="batch")
    y = m.quant("x", 1 / 16, 8)
    y = m.op("MatMul", y, rng.integers(-8, 9, (10, 12)).astype(np.float32))
    y = m.sign(m.op("Add", y, np.float32(0.25)))
    y = m.op("MatMul", y, rng.choice([-1.0, 1.0], (12, 6)) * sparse(rng, 12, 6, 5))
    y = m.sign(y)
    y = m.op("MatMul", y, np.eye(6) * np.float32(3))
    model = m.model(y)
    result = from_qonnx(model)
    kept = ["Div", "Add", "Min", "Max", "Round", "Sub", "Mul", "MatMul"]
    assert ops(result) == [*kept, "Thermometer", "Reshape", "LogicDense", "Where", "MatMul"]
    assert_same(model, result)


def test_metadata_and_fixed_batches_stay(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    m = Qonnx(5)
    y = m.op("MatMul", m.sign("x"), rng.choice([-1.0, 1.0], (5, 4)) * sparse(rng, 5, 4, 3))
    model = with_metadata(m.model(m.sign(y)), {"lgnx.training_tool": "by hand", "own": "value"})
    model.graph.quantization_annotation.add(tensor_name="x")
    path = tmp_path / "signs.onnx"
    onnx.save(model, path)
    assert source_format(path).name == "qonnx"
    result = read_model(path, max_fan_in="3")
    assert [get(result, key) for key in ("lgnx.training_tool", "own", "lgnx.source_format")] == [
        "by hand",
        "value",
        "qonnx",
    ]
    assert [node.name for node in result.graph.node][:1] == ["n_BipolarQuant_0"]
    shapes = [v.type.tensor_type.shape.dim[0].dim_value for v in result.graph.output]
    assert shapes == [1]
    x = rng.normal(0, 1, (1, 5)).astype(np.float32)
    np.testing.assert_array_equal(run_reference(result, x)[0], run_qonnx(model, x))


def test_files_are_told_by_their_operators(tmp_path: Path, classifier: onnx.ModelProto) -> None:
    path = tmp_path / "cleaned.onnx"
    model = onnx.ModelProto()
    model.CopyFrom(classifier)
    model.opset_import.append(helper.make_opsetid("qonnx.custom_op.general", 1))
    onnx.save(model, path)
    assert source_format(path).name == "onnx"


def test_a_tie_that_rounding_may_break_is_refused() -> None:
    m = Qonnx(6, batch="batch")
    weights = np.full((6, 2), 0.0371) * [[1, 0]] + np.array([[0, 1], *[[0, 0]] * 5])
    y = m.sign(m.op("MatMul", m.sign("x"), weights))
    with pytest.raises(ModelError) as error:
        from_qonnx(m.model(y))
    text = str(error.value)
    assert text.startswith("model: node 'n_MatMul_1': what 'n_BipolarQuant_2' (BipolarQuant) gives")
    assert "neuron 0: for 20 of 64 inputs, where its sum may be computed as anything from -" in text
    assert "neuron 1" not in text
    rounded = from_qonnx(m.model(y), borderline="nearest")
    bits = np.array([[1, 1, 1, -1, -1, -1], [1, 1, -1, -1, -1, -1]], np.float32)
    assert run_reference(rounded, bits)[0][:, 0].tolist() == [1, -1]
    # With a power of two no addition is ever rounded, and a tie is a tie.
    m = Qonnx(6, batch="batch")
    model = m.model(m.sign(m.op("MatMul", m.sign("x"), np.full((6, 2), 0.125))))
    assert_same(model, from_qonnx(model))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda m: m.sign(m.op("MatMul", m.sign("x"), np.ones((10, 3)))),
            "no layer between quantisers became LogicDense: model: node 'n_MatMul_1' (MatMul): its "
            "neuron 0 reads 10 numbers, 10 bits; max_fan_in is 8",
        ),
        (lambda m: m.op("Relu", "x"), "became LogicDense: there is none"),
        (
            lambda m: m.op("Softmax", m.op("MatMul", m.sign("x"), np.eye(10))),
            "node 'n_Softmax_2' (Softmax): it reads sums before they are quantised",
        ),
        (
            lambda m: m.sign(m.op("Gemm", m.sign("x"), np.eye(10), alpha=0.5)),
            "its alpha and beta must be 1, and transA 0",
        ),
        (
            lambda m: m.quant("x", 0.1, 8, rounding_mode="HALF_UP"),
            "attribute rounding_mode: is HALF_UP; with a form in ONNX are ROUND, HALF_EVEN",
        ),
        (
            lambda m: m.op("MultiThreshold", "x", np.arange(20.0)[None], out_dtype="UINT5"),
            "node 'n_MultiThreshold_0' (MultiThreshold): it gives more than 9 different numbers",
        ),
        (
            lambda m: m.op("Trunc", "x", *np.float32([1, 0, 8, 4])),
            "node 'n_Trunc_0' (Trunc): qonnx.custom_op.general has no form in ONNX for it",
        ),
    ],
)
def test_what_cannot_be_converted_is_named(build: Any, message: str) -> None:
    m = Qonnx(10, batch="batch")
    with pytest.raises(ModelError) as error:
        from_qonnx(m.model(build(m)))
    assert message in str(error.value)


def test_arguments_and_files_are_checked(tmp_path: Path) -> None:
    m = Qonnx(4, batch="batch")
    model = m.model(m.sign("x"))
    with pytest.raises(InputError, match="max_fan_in: is 17, must be 1 to 16"):
        from_qonnx(model, max_fan_in=17)
    with pytest.raises(InputError, match="borderline: is 'guess', must be refuse or nearest"):
        from_qonnx(model, borderline="guess")
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"qonnx.custom_op.general")
    with pytest.raises(ModelError, match=r"broken.onnx: not an ONNX file"):
        read_model(path)


def test_what_brevitas_exports_is_read() -> None:
    pytest.importorskip("brevitas")
    pytest.importorskip("onnxoptimizer")
    import brevitas.nn as qnn
    import torch
    from brevitas.export import export_qonnx
    from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst

    torch.manual_seed(0)
    act = {"act_quant": SignedBinaryActPerTensorConst}
    layers: list[Any] = [qnn.QuantIdentity(**act)]
    for inputs, outputs in ((7, 5), (5, 4)):
        weights = {"weight_quant": SignedBinaryWeightPerTensorConst}
        norm = torch.nn.BatchNorm1d(outputs)
        torch.nn.init.normal_(norm.running_mean)
        torch.nn.init.normal_(norm.bias)
        layers += [qnn.QuantLinear(inputs, outputs, bias=False, **weights), norm]
        layers += [qnn.QuantIdentity(**act)]
    module = torch.nn.Sequential(*layers).eval()
    model = export_qonnx(module, args=torch.randn(1, 7))
    result = from_qonnx(model)
    assert ops(result) == ["Thermometer", "Reshape", "LogicDense", "LogicDense", "Where"]
    x = torch.randn(200, 7)
    with torch.no_grad():
        expected = module(x).numpy()
    found = np.concatenate([run_reference(result, row[None])[0] for row in x.numpy()])
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_broken_files_end_in_an_error_of_lgnx(data: st.DataObject) -> None:
    rng = np.random.default_rng(0)
    m = Qonnx(6, batch="batch")
    y = m.op("MatMul", m.sign(m.norm("x", rng, 6)), m.quant(m.constant(np.eye(6)), 0.25, 3))
    y = m.op("Concat", m.quant(m.norm(y, rng, 6), 0.5, 2), m.sign("x"), axis=1)
    y = m.op("Gemm", m.op("Reshape", y, np.array([-1, 12])), np.eye(12)[:, :3], np.ones(3))
    broken = bytearray(m.model(m.op("Sign", y)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(LgnxError):
        from_qonnx(bytes(broken))
