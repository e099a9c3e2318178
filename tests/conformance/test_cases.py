"""The cases themselves: complete, the same every time, readable by onnx's own tools."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import defs, numpy_helper
from onnx.backend.test.loader import load_model_tests

from lgnx.ops import OPERATORS
from lgnx.ops.errors import InputError
from lgnx.verify.conformance import Case, generate_cases, load_cases, save_cases

BATCH_FIRST = ["LogicDense", "LogicConv", "LogicConvTranspose", "OrPool", "GroupSum", "PackBits"]


def of(cases: list[Case], operator: str, kind: str = "valid") -> list[Case]:
    return [case for case in cases if case.operator == operator and case.kind == kind]


def test_names_are_unique_and_begin_with_the_operator(cases):
    names = [case.name for case in cases]
    assert len(set(names)) == len(names)
    assert all(c.name.replace("_", "").startswith(c.operator.lower()) for c in cases)


def test_every_operator_has_cases_that_run_and_cases_of_errors(cases):
    for operator in OPERATORS:
        assert of(cases, operator)
        assert of(cases, operator, "error")


def test_every_attribute_is_given_and_left_out(cases):
    for name, operator in OPERATORS.items():
        for attribute, formal in operator.schema.attributes.items():
            given = [any(a.name == attribute for a in c.node.attribute) for c in of(cases, name)]
            assert any(given), (name, attribute)
            assert formal.required or not all(given), (name, attribute)


def test_every_type_of_every_constraint_is_used(cases):
    for name, operator in OPERATORS.items():
        for constraint in operator.schema.type_constraints:
            used = {
                f"tensor({case.metadata()['types'][value.name]})"
                for case in of(cases, name)
                for value in operator.schema.inputs
                if value.type_str == constraint.type_param_str and value.name in case.node.input
            }
            used |= {
                f"tensor({onnx.TensorProto.DataType.Name(kind).lower()})"
                for case in of(cases, name)
                for kind in [case.model.graph.output[0].type.tensor_type.elem_type]
                if operator.schema.outputs[0].type_str == constraint.type_param_str
            }
            missing = set(constraint.allowed_type_strs) - used
            if name == "LogicNetwork":  # float bits need thresholds, with which they are used
                assert not missing - {"tensor(bool)"}, name
            else:
                assert not missing, name


def test_every_optional_input_is_given_and_left_out(cases):
    optional = defs.OpSchema.FormalParameterOption.Optional
    for name, operator in OPERATORS.items():
        for value in operator.schema.inputs:
            if value.option == optional:
                given = [value.name in case.node.input for case in of(cases, name)]
                assert any(given), (name, value.name)
                assert not all(given), (name, value.name)


def test_every_documented_error_has_cases_for_its_field(cases):
    """A row of docs/operators.md without a case would be an error that no backend must report."""
    page = (Path(__file__).parents[2] / "docs" / "operators.md").read_text(encoding="utf-8")
    for name in OPERATORS:
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        table = section.partition("| if | `lgnx.check` says |")[2].partition("\n\n")[0]
        rows = [row for row in table.splitlines() if "a warning" not in row]
        documented = set(re.findall(r"`(?:attribute|input) (\w+):", "\n".join(rows)))
        assert documented
        refusals = [case.refusal.field for case in of(cases, name, "error")]
        assert documented <= set(refusals), name
        assert len(refusals) >= len([row for row in rows if row.startswith("| ")]) - 1, name


@pytest.mark.parametrize("operator", BATCH_FIRST)
def test_corner_batches_are_static_and_dynamic(cases, operator):
    static, dynamic = set(), set()
    for case in of(cases, operator):
        dim = case.model.graph.input[0].type.tensor_type.shape.dim[0]
        target = static if dim.HasField("dim_value") else dynamic
        target.update(len(data.inputs["x"]) for data in case.data)
    assert static >= {0, 1, 63, 64, 65}
    assert dynamic >= {0, 1, 63, 64, 65}


def test_every_fan_in_is_used(cases):
    for operator in ("LogicDense", "LogicConv", "LogicConvTranspose"):
        names = {case.name for case in of(cases, operator)}
        assert all(any(f"_k_{k}" in name for name in names) for k in range(1, 17)), operator


def test_declared_shapes_are_those_of_the_outputs(cases):
    for case in cases:
        for data in case.data:
            for value, array in zip(case.model.graph.output, data.outputs, strict=False):
                dims = value.type.tensor_type.shape.dim
                assert len(dims) == array.ndim, case.name
                for dim, extent in zip(dims, array.shape, strict=True):
                    assert not dim.HasField("dim_value") or dim.dim_value == extent, case.name


def files(folder: Path) -> Mapping[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_files_are_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        list(save_cases(generate_cases(["OrPool", "BitCount"]), tmp_path / name))
    first, second = files(tmp_path / "one"), files(tmp_path / "two")
    assert len(first) > 100
    assert first == second


def test_cases_come_back_from_files(tmp_path, cases):
    saved = {c.name: c for c in cases if c.operator in ("LogicDense", "LogicNetwork")}
    list(save_cases(saved.values(), tmp_path))
    loaded = load_cases(tmp_path)
    assert len(loaded) == len(saved)
    for case in loaded:
        original = saved[case.name]
        assert case.metadata() == original.metadata()
        assert case.refusal == original.refusal
        assert case.model == original.model
        assert len(case.data) == len(original.data)
        for a, b in zip(case.data, original.data, strict=True):
            assert all(np.array_equal(a.inputs[n], x) or x.dtype.kind == "f"
                       for n, x in b.inputs.items())  # fmt: skip
            for x, y in zip(a.outputs, b.outputs, strict=True):
                assert x.dtype == y.dtype
                np.testing.assert_array_equal(x, y)


def test_onnx_finds_them_and_stock_onnxruntime_runs_them(tmp_path, cases):
    """As another project would: nothing of lgnx reads the files."""
    some = [c for c in cases if not c.refusal][::7]
    list(save_cases(some, tmp_path, self_contained=True))
    found = load_model_tests(data_dir=str(tmp_path), kind="valid")
    assert {test.name for test in found} == {case.name for case in some}
    for test in found:
        folder = Path(test.model_dir)
        session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        names = [value.name for value in session.get_inputs()]
        for data in folder.glob("test_data_set_*"):
            inputs, outputs = (
                [
                    numpy_helper.to_array(onnx.load_tensor(str(data / f"{kind}_{i}.pb")))
                    for i in range(count)
                ]
                for kind, count in (("input", len(names)), ("output", 1))
            )
            result = session.run(None, dict(zip(names, inputs, strict=True)))
            np.testing.assert_array_equal(result[0], outputs[0], err_msg=test.name)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(InputError, match="is not empty; give a new folder"):
        list(save_cases([], tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_a_folder_without_cases_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no conformance cases"):
        load_cases(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: (p / "data.json").write_text("{"), "not a conformance case"),
        (lambda p: (p / "model.onnx").unlink(), "no such file"),
        (lambda p: (p / "test_data_set_0/input_0.pb").unlink(), "input_0.pb: no such file"),
        (lambda p: (p / "test_data_set_0/output_0.pb").write_bytes(b"\xff"), "not a tensor"),
        (
            lambda p: (p / "data.json").write_text(json.dumps({"format": 2})),
            "format is 2, this release reads format 1",
        ),
    ],
)
def test_damaged_files_are_named(tmp_path, cases, damage, message):
    case = of(cases, "PackBits")[0]
    list(save_cases([case], tmp_path))
    damage(tmp_path / "valid" / case.name)
    with pytest.raises(Exception, match=message):
        load_cases(tmp_path)


def test_unknown_operators_are_refused():
    with pytest.raises(InputError, match="no cases of 'Conv'; there are: Thermometer, "):
        list(generate_cases(["Conv"]))
