"""The page of the operators leaves nothing out and claims nothing that is not so."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import lgnx
import lgnx.ops
from lgnx.ops import OPERATORS
from lgnx.ops.errors import LgnxError

OPS = Path(lgnx.ops.__file__).resolve().parent
BY_NAME = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)


@BY_NAME
def test_every_fault_is_found(operator):
    from faults import faults_of
    from faults.run import checked, kernel_error

    for fault in faults_of(operator):
        assert checked(operator, fault) or kernel_error(operator, fault), fault.when


def test_every_fault_of_a_model_is_found():
    from faults import of_models

    assert lgnx.check(of_models.good()) == []
    for when, change in of_models.FAULTS:
        assert lgnx.check(of_models.broken(change)), when


@BY_NAME
def test_the_example_that_faults_start_from_is_good(operator):
    from faults import Fault
    from faults.run import checked

    assert checked(operator, Fault("nothing", {})) == []


def findings() -> dict[tuple[str, int], range]:
    """Where the checks of the operators report something, and the lines that this takes."""
    places = {}
    for path in OPS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Yield)
                and isinstance(node.value, ast.Tuple)
                and isinstance(node.value.elts[0], ast.Constant)
            ):
                lines = range(node.lineno, node.end_lineno + 1)
                places[path.name, node.lineno] = lines
    return places


def test_every_message_of_a_check_has_its_row():
    from faults import faults_of
    from faults.run import checked

    reached = set()

    def trace(frame, event, argument):
        if Path(frame.f_code.co_filename).resolve().parent != OPS:
            return None
        reached.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for operator in OPERATORS.values():
            for fault in faults_of(operator):
                checked(operator, fault)
    finally:
        sys.settrace(before)
    places = findings()
    assert len(places) > 40
    missed = [p for p, lines in places.items() if not any((p[0], n) in reached for n in lines)]
    assert missed == []


NEVER_SEEN = {
    # Behind onnxruntime's own check of types, so no model comes to them.
    "attribute dtype: must be 1 (float), 11 (double), 6 (int32) or 7 (int64)",
    ", must be floats or integers",
    # For inputs and outputs that are larger than memory.
    "output y: has shape ",
    ", which is too large",
    ", for which there is not enough memory",
}


def test_every_message_of_a_kernel_has_its_row():
    from faults import faults_of
    from faults.run import kernel_error

    errors = [kernel_error(o, fault) for o in OPERATORS.values() for fault in faults_of(o)]
    seen = "\n".join(error for error in errors if error)
    sources = [*OPS.glob("native/op_*"), OPS / "native/count.cpp", OPS / "native/program.cpp"]
    literals = set()
    for path in sources:
        text = path.read_text(encoding="utf-8")
        for statement in re.findall(r"(?:require|check|throw Error)\((.*?)\);", text, re.DOTALL):
            literals |= {text for text in re.findall(r'"([^"]*)"', statement) if len(text) > 7}
    assert len(literals) > 30
    assert sorted(text for text in literals if text not in seen) == sorted(NEVER_SEEN)


@BY_NAME
def test_every_input_that_must_be_constant_says_so(operator):
    from faults import Fault
    from faults.run import kernel_error

    known = {value.name for value in operator.schema.inputs}
    assert set(operator.constants) <= known
    for name, why in operator.constants.items():
        error = kernel_error(operator, Fault("it is computed", {}, [name]))
        assert (error is not None and "initializer" in error) == (why == "always"), name


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        (o.name, n)
        for o in OPERATORS.values()
        for n, why in o.constants.items()
        if why == "to lower"
    ],
)
def test_what_must_be_constant_to_lower_is_refused_there(name, slot):
    from faults import Fault
    from faults.run import one_node

    change = {}
    if name == "LogicNetwork":
        change = {"x": np.zeros((4, 1), np.float32), "thresholds": np.zeros(2, np.float32)}
    model, _ = one_node(OPERATORS[name], Fault("", change), ["x", slot], extents=True)
    with pytest.raises(LgnxError):
        lgnx.Network.from_model(model)


@BY_NAME
def test_the_output_shape_of_the_example_is_inferred(operator):
    from faults import Fault
    from faults.run import one_node

    arrays, attributes = operator.example
    expected = operator.reference(*arrays, **attributes)
    model, _ = one_node(operator, Fault("", {}), ["x"], extents=True)
    kind = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type
    dims = [dim.dim_value or None for dim in kind.tensor_type.shape.dim]
    assert helper.tensor_dtype_to_np_dtype(kind.tensor_type.elem_type) == expected.dtype
    assert len(dims) == expected.ndim
    unknown = [0] if "B is not inferred" in operator.output_shape else []
    assert [i for i, n in enumerate(dims) if n is None] == unknown
    assert all(n in (None, extent) for n, extent in zip(dims, expected.shape, strict=True))


@BY_NAME
def test_every_operator_has_its_texts(operator):
    assert operator.formula
    assert operator.output_shape
    assert operator.caption.endswith(".")
    assert operator.notes
    for value in [*operator.schema.inputs, *operator.schema.outputs]:
        assert value.description
    for value in operator.schema.attributes.values():
        assert value.description
