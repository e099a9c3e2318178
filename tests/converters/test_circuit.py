"""Circuits: models to netlists with named ports, and back."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from lgnx.check import check_or_raise
from lgnx.converters.circuit import Circuit, circuit_to_model, model_to_circuit
from lgnx.metadata import CLASS_NAMES, FEATURE_NAMES, get, with_metadata
from lgnx.netlist.netlist import Netlist
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops.errors import InputError, ModelError
from lgnx.optimize import prove
from lgnx.verify.reference import run_reference


def random_netlist(rng: np.random.Generator, n_inputs: int, n_nodes: int, n_outputs: int):
    own = np.arange(n_inputs + 1, n_inputs + 1 + n_nodes)
    fanins = rng.integers(0, 2 * own[:, None], (n_nodes, 2), dtype=np.uint32)
    return Netlist(
        n_inputs,
        rng.integers(0, 2, n_nodes, dtype=np.uint8),
        fanins,
        rng.integers(0, 2 * (n_inputs + 1 + n_nodes), n_outputs, dtype=np.uint32),
    )


def layers(
    *, thermometer: bool = False, argmax: bool = False, dtype: int = TensorProto.BOOL, **scale
) -> onnx.ModelProto:
    """Twelve gates on eight bits, and three groups of four."""
    rng = np.random.default_rng(1)
    constants = {
        "i": rng.integers(0, 8, (12, 2), dtype=np.int32),
        "t": rng.integers(0, 16, (12, 1), dtype=np.uint8),
        "shape": np.array([-1, 8], np.int64),
        "th": np.array([0.25, 0.25], np.float32),
    }
    nodes = [
        helper.make_node("LogicDense", ["b", "i", "t"], ["h"], "gates", domain=DOMAIN),
        helper.make_node("GroupSum", ["h"], ["s"], "sum", domain=DOMAIN, groups=3, **scale),
    ]
    x, shape = "b", ["batch", 8]
    if thermometer:
        x, shape, dtype = "x", ["batch", 4], TensorProto.FLOAT
        nodes = [
            helper.make_node("Thermometer", ["x", "th"], ["b3"], "encoder", domain=DOMAIN),
            helper.make_node("Reshape", ["b3", "shape"], ["b"]),
            *nodes,
        ]
    out, kind = "s", scale.get("dtype", TensorProto.FLOAT)
    if argmax:
        nodes.append(helper.make_node("ArgMax", ["s"], ["c"], "top", axis=1, keepdims=0))
        out, kind = "c", TensorProto.INT64
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(x, dtype, shape)],
        [helper.make_tensor_value_info(out, kind, None)],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, VERSION)]
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=opsets, ir_version=10)
    )


def every_input() -> np.ndarray:
    return (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)


def as_numbers(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.int64) << np.arange(bits.shape[-1])).sum(-1)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_inputs=st.integers(1, 8),
    n_nodes=st.integers(0, 40),
    n_outputs=st.integers(1, 5),
    names=st.data(),
)
def test_a_circuit_survives_as_a_model(seed, n_inputs, n_nodes, n_outputs, names) -> None:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    inputs, outputs = (
        names.draw(st.lists(text, min_size=n, max_size=n, unique=True))
        for n in (n_inputs, n_outputs)
    )
    netlist = random_netlist(np.random.default_rng(seed), n_inputs, n_nodes, n_outputs)
    circuit = Circuit(netlist, tuple(inputs), tuple(outputs), "a name", {"lgnx.accuracy": "1"})
    model = circuit_to_model(circuit)
    assert not check_or_raise(model)
    again = model_to_circuit(model)
    assert again.input_names == circuit.input_names
    assert again.output_names == circuit.output_names
    assert (again.name, again.metadata) == (circuit.name, circuit.metadata)
    assert prove(again.netlist, netlist).status == "proved"


def test_counts_are_numbers_low_bit_first() -> None:
    model = layers(dtype=TensorProto.BOOL)
    circuit = model_to_circuit(model)
    assert circuit.output_names[:4] == ("score_0[0]", "score_0[1]", "score_0[2]", "score_1[0]")
    assert circuit.input_names[:2] == ("b[0]", "b[1]")
    x = every_input()
    counts = as_numbers(circuit.netlist.simulate(x).reshape(len(x), 3, 3))
    np.testing.assert_array_equal(counts, run_reference(model, x)[0])


def test_a_class_is_a_number_with_ties_to_the_lowest() -> None:
    model = layers(argmax=True, tau=3.0, bias=1.0)
    circuit = model_to_circuit(model)
    assert circuit.output_names == ("class[0]", "class[1]")
    x = every_input()
    np.testing.assert_array_equal(
        as_numbers(circuit.netlist.simulate(x)), run_reference(model, x)[0]
    )


def test_names_of_classes_and_features_are_used() -> None:
    names = {CLASS_NAMES: ["cat", "dog", "cow"], FEATURE_NAMES: ["a", "b", "c", "d"]}
    model = with_metadata(layers(thermometer=True), names)
    circuit = model_to_circuit(model, part="counts")
    assert circuit.output_names[3] == "dog[0]"
    assert circuit.input_names[:3] == ("a>0.25", "a>0.25#2", "b>0.25")
    assert circuit.metadata[CLASS_NAMES] == get(model, CLASS_NAMES)


def test_the_logic_alone_is_what_lies_between() -> None:
    model = layers(thermometer=True, tau=2.0)
    circuit = model_to_circuit(model, part="logic")
    assert circuit.netlist.n_inputs == 8
    assert (
        circuit.output_names[:2] == ("scores[0]", "scores[1]") or circuit.output_names[0] == "s[0]"
    )
    x = np.random.default_rng(0).random((65, 4), np.float32)
    bits = np.repeat(x > 0.25, 2, axis=1)
    counts = circuit.netlist.simulate(bits).reshape(65, 3, 4).sum(-1)
    np.testing.assert_array_equal((counts / np.float32(2)), run_reference(model, x)[0])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            layers(thermometer=True),
            "model: node 'encoder': compares numbers of type float32 with thresholds, and this "
            "format has only bits; part=counts or part=logic writes what comes after it",
        ),
        (
            layers(tau=2.0),
            r"model: node 'sum': scales its counts \(bias 0, tau 2, beta 0, float32\), and this "
            "format has only bits; part=counts writes the counts",
        ),
    ],
)
def test_what_gates_cannot_be_is_named(model: onnx.ModelProto, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        model_to_circuit(model)


def test_names_must_be_one_for_each_port_and_different() -> None:
    netlist = random_netlist(np.random.default_rng(0), 2, 3, 2)
    with pytest.raises(ModelError, match=r"f\.blif: two inputs are called 'a'"):
        circuit_to_model(Circuit(netlist, ("a", "a"), ("p", "q")), "f.blif")
    with pytest.raises(ModelError, match="has 2 outputs and 1 output names"):
        circuit_to_model(Circuit(netlist, ("a", "b"), ("p",)))
    with pytest.raises(ModelError, match="has 0 outputs; must have 1 to"):
        circuit_to_model(Circuit(random_netlist(np.random.default_rng(0), 2, 3, 0), ("a", "b"), ()))
    with pytest.raises(InputError, match="part is 'half', must be one of all, counts, logic"):
        model_to_circuit(layers(), part="half")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "must be a JSON list of strings"),
        ("[1, 2, 3]", "must be a JSON list of strings"),
        ('["a"]', "has 1 names, must have 3"),
        ('["a", "b", "a"]', "the name 'a' stands there twice"),
    ],
)
def test_bad_names_in_the_metadata_are_refused(value: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        model_to_circuit(with_metadata(layers(), {CLASS_NAMES: value}))


def test_names_of_features_stay_with_the_bits_of_a_thermometer() -> None:
    model = with_metadata(layers(thermometer=True), {FEATURE_NAMES: ["a", "b", "c", "d"]})
    circuit = model_to_circuit(model, part="logic")
    again = model_to_circuit(circuit_to_model(circuit))
    assert again.input_names == circuit.input_names
    assert again.input_names[:2] == ("a>0.25", "a>0.25#2")
    assert again.metadata == circuit.metadata
