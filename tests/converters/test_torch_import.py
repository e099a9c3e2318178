"""Models back to torch: the same outputs, state, names; exported again; errors."""

from __future__ import annotations

import copy
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import lgnx
import lgnx.torch
from lgnx.ops.errors import InputError, MissingExtraError, ModelError
from lgnx.verify.reference import reference_evaluator
from tests.converters.torchlogix_cases import bits, dense, models, tl

MODELS = {name: case for name, *case in models()}
QUICK = ("3d", "transposed", "skips")


def run(module: nn.Module, *inputs: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        result = module(*inputs)
    return list(result) if isinstance(result, tuple) else [result]


def assert_equal(got: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert len(got) == len(expected)
    for y, z in zip(got, expected, strict=True):
        assert y.dtype == z.dtype
        assert torch.equal(y, z)


def op_types(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def initializers(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def takes_bits(model: onnx.ModelProto) -> bool:
    return model.graph.input[0].type.tensor_type.elem_type == TensorProto.BOOL


def classifier() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        tl.LearnableBinarization(torch.tensor([[0.2, 0.5, 0.7]] * 8)),
        dense(24, 40, parametrization="warp", lut_rank=4),
        dense(40, 60, connections="learnable"),
        tl.GroupSum(10, tau=3.3, beta=0.1),
    )


# --------------------------------------------------------------------------- real models


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in MODELS]
)
def test_a_model_of_torchlogix_comes_back(name: str) -> None:
    build, sample, _ = MODELS[name]
    torch.manual_seed(0)
    module = build()
    model = lgnx.export(module, sample)
    back = lgnx.to_torch(model)
    again = lgnx.export(back, sample.bool() if takes_bits(model) else sample)
    twice = lgnx.to_torch(again)
    for part in module.modules():  # evaluation takes numbers, export mode does not
        if hasattr(part, "export_mode"):
            part.export_mode = False
    inputs = bits(*sample.shape[1:])
    if not takes_bits(model):
        inputs += [torch.rand(65, *sample.shape[1:])]
    for x in inputs:
        given = x.bool() if takes_bits(model) else x
        expected = run(module.eval(), x)
        assert_equal(run(back, given), expected)
        assert_equal(run(twice, given), expected)
    assert op_types(again) == op_types(model)
    kept = [n.name for n in model.graph.node if n.domain == "lgnx.ops"]
    assert [n.name for n in again.graph.node if n.domain == "lgnx.ops"] == kept


def test_the_state_has_the_names_of_the_layers() -> None:
    module = lgnx.to_torch(lgnx.export(classifier(), torch.zeros(2, 8)))
    state = module.state_dict()
    assert {name: (value.dtype, list(value.shape)) for name, value in state.items()} == {
        "0.thresholds": (torch.float32, [8, 3]),
        "1.indices": (torch.int32, [40, 4]),
        "1.tables": (torch.uint8, [40, 2]),
        "2.indices": (torch.int32, [60, 2]),
        "2.tables": (torch.uint8, [60, 1]),
    }
    assert isinstance(module.get_submodule("1"), lgnx.torch.LogicDense)
    assert not module.training


def test_a_state_is_saved_and_loaded(tmp_path: Path) -> None:
    first, second = (lgnx.export(classifier(), torch.zeros(2, 8)) for _ in range(2))
    for tensor in second.graph.initializer:  # the same architecture, other contents
        if tensor.name.endswith("tables"):
            array = ~numpy_helper.to_array(tensor)
            if tensor.name == "2.tables":
                array &= 15
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    source, target = lgnx.to_torch(first), lgnx.to_torch(second)
    x = torch.rand(100, 8)
    assert not torch.equal(source(x), target(x))
    torch.save(source.state_dict(), tmp_path / "state.pt")
    target.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(source(x), target(x))
    exported = initializers(lgnx.export(target, x))
    for name, array in initializers(first).items():
        if name != "0.shape":  # of the Reshape, which is a function now
            np.testing.assert_array_equal(exported[name], array)


def test_a_module_built_by_hand_takes_the_state() -> None:
    module = lgnx.to_torch(lgnx.export(classifier(), torch.zeros(2, 8)))

    def layer(n: int, k: int) -> lgnx.torch.LogicDense:
        tables = torch.zeros(n, max(1, 2**k // 8)).byte()
        return lgnx.torch.LogicDense(torch.zeros(n, k).int(), tables)

    class Bits(lgnx.torch.Thermometer):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).flatten(1)

    scores = lgnx.torch.GroupSum(10, bias=0.1, tau=3.3)
    by_hand = nn.Sequential(Bits(torch.zeros(8, 3)), layer(40, 4), layer(60, 2), scores)
    by_hand.load_state_dict(module.state_dict())
    x = torch.rand(100, 8)
    assert torch.equal(by_hand(x), module(x))


def test_it_reads_files_and_self_contained_models(tmp_path: Path) -> None:
    module = classifier()
    lgnx.export(module, torch.zeros(2, 8), tmp_path / "net.onnx", self_contained=True)
    x = torch.rand(65, 8)
    for given in (tmp_path / "net.onnx", (tmp_path / "net.onnx").read_bytes()):
        assert_equal(run(lgnx.to_torch(given), x), run(module.eval(), x))


class Mixed(nn.Module):
    """A shared layer, ordinary torch code, several inputs and outputs, shapes computed."""

    def __init__(self) -> None:
        super().__init__()
        self.bits = tl.FixedBinarization(torch.tensor([[0.2, 0.5, 0.7]] * 8))
        self.shared = dense(24, 24)
        self.body = nn.Sequential(nn.Identity(), nn.Sequential(dense(50, 60)))
        self.scores = tl.GroupSum(10, beta=2.0)
        self.linear = nn.Linear(10, 4)
        nn.init.constant_(self.linear.weight, 0.25)
        nn.init.constant_(self.linear.bias, -1)
        self.register_buffer("extra", torch.tensor([[1.0, 0.0]]))

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, ...]:
        once = self.shared(self.bits(x))
        twice = self.shared(once)
        extra = self.extra.expand(x.shape[0], 2)
        both = torch.cat([twice, 1 - once, extra], dim=-1)
        scores = self.scores(self.body(both))
        chosen = torch.where(z[:, :1] > 0.5, scores, scores.flip(-1))
        return chosen, torch.relu(self.linear(scores)), scores.argmax(-1)


def test_logic_mixes_with_ordinary_torch() -> None:
    module = Mixed()
    sample = torch.rand(3, 8), torch.rand(3, 2)
    model = lgnx.export(module, sample)
    assert {"Shape", "Expand", "Where", "Gemm", "ArgMax"} <= set(op_types(model))
    back = lgnx.to_torch(model)
    again = lgnx.to_torch(lgnx.export(back, sample))
    named = {name for name in back.state_dict() if not name.startswith("constant")}
    layers = {
        f"{path}.{field}" for path in ("shared", "body.1.0") for field in ("indices", "tables")
    }
    assert named == layers | {"bits.thresholds", "extra", "linear.weight", "linear.bias"}
    for batch in (0, 1, 63, 64, 65):
        x, z = torch.rand(batch, 8), torch.rand(batch, 2)
        expected = run(module.eval(), x, z)
        assert_equal(run(back, x, z), expected)
        assert_equal(run(again, x, z), expected)


def test_it_is_copied_compiled_and_moved() -> None:
    module = lgnx.to_torch(lgnx.export(classifier(), torch.zeros(2, 8)))
    x = torch.rand(65, 8)
    expected = module(x)
    assert torch.equal(copy.deepcopy(module)(x), expected)
    assert torch.equal(torch.compile(module, backend="aot_eager", fullgraph=True)(x), expected)
    assert torch.equal(module.half()(x), expected)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), expected)


# --------------------------------------------------------------------------- names


def dense_node(name: str, x: str, y: str, indices: str, tables: str) -> onnx.NodeProto:
    return helper.make_node("LogicDense", [x, indices, tables], [y], name, domain="lgnx.ops")


def two_layers(names: list[str], constants: list[str]) -> onnx.ModelProto:
    """Two layers of 3 neurons on 3 bits, with names of nodes and of constants as given."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 3, (3, 2), np.int32), rng.integers(0, 16, (3, 1), np.uint8)]
    arrays += [rng.integers(0, 3, (3, 2), np.int32), rng.integers(0, 16, (3, 1), np.uint8)]
    held = {n: numpy_helper.from_array(a, n) for n, a in zip(constants, arrays, strict=True)}
    nodes = [
        dense_node(names[0], "x", "h", *constants[:2]),
        dense_node(names[1], "h", "y", *constants[2:]),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.BOOL, ["batch", 3]) for n in "xy"]
    graph = helper.make_graph(nodes, "two", values[:1], values[1:], list(held.values()))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("lgnx.ops", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


@pytest.mark.parametrize(
    ("names", "constants", "state"),
    [
        (  # two layers in one module
            ["/a/LogicDense", "/a/LogicDense_1"],
            ["a.indices", "a.tables", "a.indices_1", "a.tables_1"],
            ["a.indices", "a.tables", "a_1.indices", "a_1.tables"],
        ),
        (  # one layer, used twice
            ["/a/LogicDense", "/a/LogicDense_1"],
            ["a.indices", "a.tables", "a.indices", "a.tables"],
            ["a.indices", "a.tables"],
        ),
        (  # no module at all
            ["/LogicDense", "/LogicDense_1"],
            ["indices", "tables", "indices_1", "tables_1"],
            [f"logic_dense{n}.{field}" for n in ("", "_1") for field in ("indices", "tables")],
        ),
        (  # tables that happen to be equal, which the exporter holds once
            ["/a/LogicDense", "/b/LogicDense"],
            ["a.indices", "a.tables", "b.indices", "a.tables"],
            ["a.indices", "a.tables", "b.indices", "b.tables"],
        ),
        (  # a layer inside another
            ["/a/b/LogicDense", "/a/LogicDense"],
            ["1", "2", "3", "4"],
            ["a.indices", "a.tables", "a.b.indices", "a.b.tables"],
        ),
        (  # no names; names that Python and torch keep for themselves; quotes
            ["", "/class/training/x'\")]/LogicDense"],
            ["1", "2", "3", "4"],
            [
                f"{path}.{field}"
                for path in ("logic_dense", "class_.training_.x____")
                for field in ("indices", "tables")
            ],
        ),
    ],
)
def test_layers_are_found_under_the_names_of_their_nodes(
    names: list[str], constants: list[str], state: list[str]
) -> None:
    model = two_layers(names, constants)
    module = lgnx.to_torch(model)
    assert sorted(module.state_dict()) == sorted(state)
    x = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(bool)
    (expected,) = reference_evaluator(model).run(None, {"x": x})
    np.testing.assert_array_equal(module(torch.from_numpy(x)).numpy(), expected)
    again = lgnx.to_torch(lgnx.export(module, torch.from_numpy(x)))
    assert sorted(again.state_dict()) == sorted(state)
    np.testing.assert_array_equal(again(torch.from_numpy(x)).numpy(), expected)


def test_no_name_in_a_file_is_run_as_code(tmp_path: Path) -> None:
    """torch.fx writes Python code with the names of inputs, constants and modules in it."""
    mark = tmp_path / "mark"
    code = f"open({str(mark)!r}, 'w')"
    names = [f"x = {code}", f'c"); {code}; ("', f"/a\n{code}/b.{code}/Add", f"y, z): {code}"]
    inputs = [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, ["batch", 2])]
    outputs = [helper.make_tensor_value_info(names[3], TensorProto.FLOAT, ["batch", 2])]
    constant = numpy_helper.from_array(np.float32([1, 2]), names[1])
    node = helper.make_node("Add", names[:2], names[3:], names[2])
    graph = helper.make_graph([node], f"g\n{code}", inputs, outputs, [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    module = lgnx.to_torch(model)
    assert torch.equal(module(torch.zeros(1, 2)), torch.tensor([[1.0, 2.0]]))
    assert not mark.exists()


# --------------------------------------------------------------------------- standard operators


def onnx_cases() -> list[Any]:
    """The cases of onnx's own backend tests that have only operators which are known."""
    from onnx.backend.test.case.node import collect_testcases

    from lgnx.converters.torch_standard import STANDARD

    return [
        case
        for case in collect_testcases(None)
        if all(n.op_type in STANDARD and n.domain == "" for n in case.model.graph.node)
        and all(
            isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf"
            for part in case.data_sets[0]
            for value in part
        )
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the cases' own arithmetic
def test_standard_operators_pass_onnxs_own_tests() -> None:
    """Refused ones are refused by name; floats may differ where ONNX does not say the last bit."""
    unsupported = {  # torch reduces no empty axis to the smallest number
        "test_reduce_max_empty_set",
        "test_reduce_max_empty_set_bool",
        "test_reduce_min_empty_set",
    }
    passed: set[str] = set()
    known: set[str] = set()
    for case in onnx_cases():
        known |= {node.op_type for node in case.model.graph.node}
        if case.name in unsupported:
            continue
        try:
            module = lgnx.to_torch(case.model)
        except ModelError:
            continue
        inputs, outputs = case.data_sets[0]
        got = run(module, *(torch.from_numpy(np.array(x)) for x in inputs))
        assert len(got) == len(outputs), case.name
        for y, z in zip(got, outputs, strict=True):
            assert y.numpy().dtype == z.dtype, case.name
            if z.dtype.kind == "f":
                np.testing.assert_allclose(y.numpy(), z, 1e-5, 1e-6, err_msg=case.name)
            else:
                np.testing.assert_array_equal(y.numpy(), z, case.name)
        passed |= {node.op_type for node in case.model.graph.node}
    assert known - passed == {"Range"}  # of sizes only, which onnx does not test
    assert len(known) > 60


def model_of(*nodes: onnx.NodeProto, version: int = 18, **constants: np.ndarray) -> onnx.ModelProto:
    """A model from float x [batch, 6] to y, whose type is inferred."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])
    held = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    y = onnx.ValueInfoProto(name="y")
    if nodes[-1].domain not in ("", "lgnx.ops"):
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 6])
    graph = helper.make_graph(list(nodes), "g", [x], [y], held)
    versions = {"": version, "lgnx.ops": 1} | {n.domain: 1 for n in nodes if n.domain}
    opsets = [helper.make_opsetid(*entry) for entry in versions.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def test_what_is_computed_from_shapes_stays_open_in_the_batch() -> None:
    """Shape, slices of it, arithmetic, and a tensor made of sizes."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "zeros"], ["n1"]),
        helper.make_node("Mul", ["n1", "two"], ["n2"]),
        helper.make_node("Concat", ["n2", "three"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["r"]),
        helper.make_node("Slice", ["s", "one", "two"], ["width"]),
        helper.make_node("Cast", ["width"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["r", "w"], ["y"]),
    ]
    ints = {"zero": 0, "zeros": [0], "one": [1], "two": [2], "three": [3]}
    model = model_of(*nodes, **{name: np.array(value, np.int64) for name, value in ints.items()})
    module = lgnx.to_torch(model)
    program = torch.export.export(
        module, (torch.rand(3, 6),), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    for batch in (1, 64, 65):
        x = torch.rand(batch, 6)
        expected = x.reshape(2 * batch, 3) / 6
        assert_equal([module(x), program.module()(x)], [expected, expected])


def test_numbers_are_counted_up_to_a_size() -> None:
    nodes = [
        helper.make_node("Size", ["x"], ["elements"]),
        helper.make_node("Div", ["elements", "six"], ["n"]),
        helper.make_node("Range", ["zero", "n", "one"], ["r"]),
        helper.make_node("Cast", ["r"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "axis"], ["column"]),
        helper.make_node("Add", ["x", "column"], ["y"]),
    ]
    ints = {"six": 6, "zero": 0, "one": 1, "axis": [1]}
    model = model_of(*nodes, **{name: np.array(value, np.int64) for name, value in ints.items()})
    x = torch.rand(5, 6)
    assert torch.equal(lgnx.to_torch(model)(x), x + torch.arange(5).unsqueeze(1))


def test_functions_of_other_domains_are_put_in_place() -> None:
    model = model_of(helper.make_node("Twice", ["x"], ["y"], "t", domain="mine"))
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    opsets = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("mine", "Twice", ["a"], ["b"], body, opsets))
    x = torch.rand(5, 6)
    assert torch.equal(lgnx.to_torch(model)(x), x + x)


def test_constants_of_a_layer_may_be_computed() -> None:
    indices = np.random.default_rng(0).integers(0, 6, (4, 2), np.int64)
    nodes = [
        helper.make_node("Greater", ["x", "half"], ["bits"]),
        helper.make_node("Cast", ["indices"], ["wires"], to=TensorProto.INT32),
        dense_node("layer", "bits", "y", "wires", "tables"),
    ]
    tables = np.arange(1, 5, dtype=np.uint8)[:, None]
    model = model_of(*nodes, half=np.float32(0.5), indices=indices, tables=tables)
    x = torch.rand(65, 6)
    (expected,) = reference_evaluator(model).run(None, {"x": x.numpy()})
    np.testing.assert_array_equal(lgnx.to_torch(model)(x).numpy(), expected)


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            model_of(helper.make_node("Det", ["x"], ["y"], "d")),
            "model: node 'd' (Det): lgnx.to_torch does not know this operator",
        ),
        (
            model_of(
                helper.make_node("Pad", ["x", "pads"], ["y"], "p", mode="reflect"),
                pads=np.array([0, 1, 0, 1]),
            ),
            "model: node 'p' (Pad): attribute mode is 'reflect', must be 'constant'",
        ),
        (
            model_of(helper.make_node("ReduceSum", ["x"], ["y"], "r"), version=12),
            "model: node 'r' (ReduceSum): is of version 11 of the operator, must be of 13 or "
            "later; onnx.version_converter raises it",
        ),
        (
            model_of(
                helper.make_node("Cast", ["x"], ["u"], to=TensorProto.UINT32),
                helper.make_node("Add", ["u", "u"], ["y"], "a"),
            ),
            "model: node 'a' (Add): torch does not compute this with uint32",
        ),
        (
            model_of(helper.make_node("TopKek", ["x"], ["y"], "t", domain="other")),
            "model: node 't' (TopKek): the domain 'other' is not known",
        ),
    ],
)
def test_what_cannot_be_taken_is_named(model: onnx.ModelProto, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        lgnx.to_torch(model)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ("network", r"node '.*' \(LogicNetwork\) is of the network level: "),
        ("bitwise", r"node '.*' \(PackBits\) is of the bitwise level: "),
    ],
)
def test_lowered_models_are_refused(level: str, message: str) -> None:
    lowered = lgnx.lower(lgnx.export(classifier(), torch.zeros(2, 8)), to=level)
    with pytest.raises(ModelError, match=message + "lgnx.to_torch takes the layer-level file"):
        lgnx.to_torch(lowered)


def test_a_model_that_is_wrong_is_refused(tmp_path: Path) -> None:
    model = two_layers(["one", "two"], ["a", "b", "c", "d"])
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((3, 2), 9, np.int32), "a"))
    onnx.save(model, tmp_path / "bad.onnx")
    with pytest.raises(ModelError) as caught:
        lgnx.to_torch(tmp_path / "bad.onnx")
    assert str(caught.value) == (
        f"{tmp_path}/bad.onnx: error: node 'one', input indices: row 0 reads bit 9, x has 3 bits "
        "(0 to 2)"
    )
    with pytest.raises(InputError, match="a model is a path, bytes or a ModelProto, not int"):
        lgnx.to_torch(3)


def test_without_torch_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[torch\]'"):
        lgnx.to_torch(b"")
