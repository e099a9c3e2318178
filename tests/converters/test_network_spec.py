"""Specs of networks: what is read, and what is said of wrong ones."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgnx import metadata
from lgnx.converters.network_spec import INPUT, KINDS, NETWORK, missing_spec, read_spec
from lgnx.ops.errors import LgnxError, ModelError

TEXT = """
# A trained network.
producer: torchlogix 0.2.2
input: {shape: [1, 8, 8], dtype: float32, mean: [0, 1.5], scale: [1, 2e-3]}
layers:
  - thermometer: {thresholds: [[0.25, 5e-1, 1]], strict: true, feature_dim: 1, state: bits.}
  - logic_conv: {kernel_shape: 3, padding: 1, parametrization: warp}
  - or_pool: {kernel_shape: [2, 2]}
  - residual:
      layers:
        - logic_conv: {kernel_shape: [3, 1], stride: 1}
        - or_pool: {kernel_shape: 1, state-less: no}
  - flatten
  - logic_dense: {inputs: 64, k: 2, indices: wires.npy}
  - group_sum: {groups: 10, tau: 3, permutation: [1, 0]}
classes: [zero, 1]
features: [a b, 'yes']
accuracy: 0.97
""".replace(", state-less: no", "")


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "net.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, kinds: Any = KINDS) -> Any:
    np.save(folder / "wires.npy", np.arange(6, dtype=np.int32).reshape(3, 2))
    return read_spec(write(folder, text), "torchlogix", kinds)


def test_every_field_is_read(tmp_path: Path) -> None:
    spec = read(tmp_path, TEXT)
    assert (spec.tool, spec.version, spec.shape, spec.dtype) == (
        "torchlogix",
        (0, 2, 2),
        (1, 8, 8),
        "float32",
    )
    kinds = "thermometer logic_conv or_pool residual flatten logic_dense group_sum"
    assert [layer.kind for layer in spec.layers] == kinds.split()
    bits, conv, pool, residual, flatten, dense, scores = spec.layers
    assert bits.get("thresholds").tolist() == [[0.25, 0.5, 1]]
    assert (bits.state, bits.get("strict"), bits.get("feature_dim")) == ("bits", True, 1)
    assert (conv.state, conv.get("kernel_shape"), conv.get("stride", 1)) == ("1", 3, 1)
    assert pool.get("kernel_shape") == (2, 2)
    assert [part.state for part in residual.layers] == ["3.0", "3.1"]
    assert flatten.fields == {}
    assert dense.get("indices").tolist() == [[0, 1], [2, 3], [4, 5]]
    assert scores.get("tau") == 3
    assert scores.get("permutation").tolist() == [1, 0]
    assert spec.metadata() == {
        metadata.TRAINING_TOOL: "torchlogix 0.2.2",
        metadata.CLASS_NAMES: ("zero", "1"),
        metadata.FEATURE_NAMES: ("a b", "yes"),
        metadata.ACCURACY: "0.97",
        metadata.INPUT_SCALING: '{"mean": [0.0, 1.5], "scale": [1.0, 0.002]}',
    }


def test_json_is_read_as_well(tmp_path: Path) -> None:
    value = {"producer": "torchlogix 0.1.1", "layers": [{"group_sum": {"groups": 2, "tau": 1e-3}}]}
    for indent in (None, 4, "\t"):
        spec = read(tmp_path, json.dumps(value, indent=indent))
        assert spec.layers[0].get("tau") == 0.001


HEAD = "producer: torchlogix 0.2.2\nlayers:\n"
LAYERS = ", ".join(KINDS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is None, must be a mapping with fields: producer, input, layers, classes"),
        ("- a", "is a list of 1, must be a mapping with fields: producer"),
        ("layers: [flatten]", "the field producer is missing: tool and version that trained it"),
        (HEAD, ": layers is None, must be a list of layers"),
        (HEAD + "  []", ": layers is a list of 0, must be a list of layers"),
        (HEAD + "  - flatten\ntau: 3", "the field 'tau' is not known; there are: producer, input"),
        ("producer: tlx 1\nlayers: [flatten]", "field producer: is 'tlx 1', must be torchlogix "),
        ("producer: torchlogix\nlayers: [flatten]", "field producer: is 'torchlogix', must be"),
        ("producer: difflogic 0.1.0\nlayers: [flatten]", "field producer: is 'difflogic 0.1.0'"),
        (HEAD + "  - dense: {}", f"layer 0: is 'dense', must be one of: {LAYERS}"),
        (HEAD + "  - flatten\n  - 3", f"layer 1: is 3, must be one of: {LAYERS}"),
        (HEAD + "  - {flatten: , or_pool: }", "layer 0: is a mapping of 2, must be one of:"),
        (HEAD + "  - flatten: {k: 2}", "layer 0 (flatten): the field 'k' is not known; there are:"),
        (HEAD + "  - group_sum: {tau: 2}", "layer 0 (group_sum): the field groups is missing: "),
        (HEAD + "  - group_sum: 10", "layer 0 (group_sum): is 10, must be a mapping with fields:"),
        (
            HEAD + "  - flatten\n  - group_sum: {groups: TODO}",
            "layer 1 (group_sum), field groups: is 'TODO', must be a whole number of at least 1",
        ),
        (HEAD + "  - group_sum: {groups: yes}", "field groups: is True, must be a whole number"),
        (HEAD + "  - group_sum: {groups: 2.0}", "field groups: is 2.0, must be a whole number"),
        (
            HEAD + "  - group_sum: {groups: 2, tau: .nan}",
            "layer 0 (group_sum), field tau: is nan, must be a finite number",
        ),
        (HEAD + "  - logic_dense: {k: 17}", "field k: is 17, must be a whole number from 1 to 16"),
        (
            HEAD + "  - logic_dense: {parametrization: gumbel}",
            "field parametrization: is 'gumbel', must be raw or warp or light",
        ),
        (HEAD + "  - or_pool: {kernel_shape: [2, 0]}", "must be a whole number of at least 1"),
        (HEAD + "  - or_pool: {kernel_shape: []}", "must be a list of whole numbers of at least 1"),
        (
            HEAD + "  - thermometer: {thresholds: [[1], [2, 3]]}",
            "layer 0 (thermometer), field thresholds: is a list of 2, must be finite numbers in "
            "nested lists of 1 or 2 or 3 or 4 axes, or the name of an .npy file of them, or state",
        ),
        (HEAD + "  - thermometer: {thresholds: [a]}", "is a list of 1, must be finite numbers in"),
        (HEAD + "  - thermometer: {thresholds: [.inf]}", "must be finite numbers in"),
        (HEAD + "  - thermometer: {thresholds: t.npy}", "an .npy file; there is no "),
        (HEAD + "  - thermometer: {thresholds: bad.npy}", "bad.npy is none: "),
        (HEAD + "  - thermometer: {thresholds: [1], strict: 1}", "is 1, must be true or false"),
        (HEAD + "  - logic_dense: {indices: [[0, -1]]}", "must be whole numbers of at least 0 in"),
        (HEAD + "  - logic_dense: {indices: [[0, 0.5]]}", "must be whole numbers of at least 0 in"),
        (HEAD + "  - logic_dense: {state: 3}", "field state: is 3, must be text"),
        (
            HEAD + "  - residual: {layers: [{group_sum: {}}]}",
            "layer 0 (residual): layer 0 (group_sum): the field groups is missing",
        ),
        (HEAD + "  - flatten\nclasses: [a, a]", "different names; 'a' stands there twice"),
        (HEAD + "  - flatten\nclasses: [no, yes]", "not of False: put it in quotes"),
        (
            HEAD + "  - flatten\naccuracy: high",
            "field accuracy: is 'high', must be a finite number",
        ),
        (HEAD + "  - flatten\ninput: 64", "net.yaml: input: is 64, must be a mapping with fields"),
        (HEAD + "  - flatten\ninput: {shape: 64}", "input, field shape: is 64, must be a list of"),
        (HEAD + "  - flatten\ninput: {dtype: f4}", "field dtype: is 'f4', must be float16 or"),
        (HEAD + "  - &a flatten\n  - *a", "line 4: an alias (*) is not allowed"),
        (HEAD + "  - flatten\nlayers: []", "line 4: 'layers' stands there twice"),
        ('{"layers": [], "layers": []}', "net.yaml: 'layers' stands there twice"),
        (HEAD + "  - !!python/name:os.system", "line 3: could not determine a constructor for"),
        (HEAD + "  - ? [a]\n    : b", "line 3: a key must be text"),
        (HEAD + "  - {flatten", "line 3: expected ',' or '}'"),
        (b"\xff\xfe\xff", "net.yaml: "),
        ("[" * 5000, "net.yaml: "),
        ('{"a":' * 50000, "is nested too deeply"),
        (b" " * (9 << 20), "has 9,437,184 bytes, at most 8,388,608 are read: put long lists into"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(ModelError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'net.yaml'}")
    assert message in str(caught.value)


def test_an_npy_file_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([print], object), allow_pickle=True)
    with pytest.raises(ModelError, match=r"t\.npy is none: "):
        read(tmp_path, HEAD + "  - thermometer: {thresholds: t.npy}")


def test_a_huge_npy_file_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.zeros(100))
    data = (tmp_path / "t.npy").read_bytes()
    assert b"(100,), }         " in data
    (tmp_path / "t.npy").write_bytes(data.replace(b"(100,), }         ", b"(1000000000,), }   "))
    with pytest.raises(ModelError, match=r"t\.npy is none: "):
        read(tmp_path, HEAD + "  - thermometer: {thresholds: t.npy}")


def test_a_tool_takes_its_own_layers_only(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"layer 1: is 'logic_conv', must be one of: .*, group_sum$"
    ):
        read(tmp_path, TEXT, ("thermometer", "group_sum"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.yaml: cannot be read: no such file$"):
        read_spec(tmp_path / "gone.yaml", "torchlogix", KINDS)


def test_residuals_are_not_nested_without_end(tmp_path: Path) -> None:
    text = "flatten"
    for _ in range(12):
        text = f"residual: {{layers: [{{{text}}}]}}"
    with pytest.raises(ModelError, match=r"is nested too deeply$"):
        read(tmp_path, HEAD + f"  - {text}".replace("{flatten}", "flatten"))


def test_errors_of_layers_name_the_file(tmp_path: Path) -> None:
    layer = read(tmp_path, TEXT).layers[5]
    place = f"{tmp_path / 'net.yaml'}: layer 5 (logic_dense)"
    assert str(layer.error("is wrong")) == f"{place}: is wrong"
    assert str(layer.error("is 3", "k")) == f"{place}, field k: is 3"


def test_a_draft_is_refused_where_it_is_not_completed_and_read_when_it_is(tmp_path: Path) -> None:
    layers = [
        ("logic_dense", "state: a, k: TODO", "weight [3, 16]"),
        ("group_sum", "groups: 2", ""),
    ]
    error = str(missing_spec("net.pt: has no tau", "torchlogix TODO", layers))
    assert error.startswith("net.pt: has no tau. Describe the network in a file such as this")
    draft = error.partition("\n\n")[2]
    assert "# weight [3, 16]" in draft
    with pytest.raises(ModelError, match=r"field producer: is 'torchlogix TODO', must be"):
        read(tmp_path, draft)
    draft = draft.replace("torchlogix TODO", "torchlogix 0.2.2").replace("[TODO]", "[4]")
    with pytest.raises(ModelError, match=r"layer 0 \(logic_dense\), field k: is 'TODO', must"):
        read(tmp_path, draft)
    spec = read(tmp_path, draft.replace("TODO", "2"))
    assert [layer.kind for layer in spec.layers] == ["logic_dense", "group_sum"]


# --------------------------------------------------------------------------- random specs

words = st.sampled_from(
    [*KINDS, *NETWORK, *INPUT, *{f for fields in KINDS.values() for f in fields}]
)
scalars = st.one_of(
    words, st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.none()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(words | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=25,
)
entries = st.one_of(
    st.sampled_from(list(KINDS)).flatmap(
        lambda kind: st.fixed_dictionaries(
            {kind: st.dictionaries(st.sampled_from([*KINDS[kind], "k"]), values, max_size=4)}
        )
    ),
    values,
)
specs = st.fixed_dictionaries(
    {"producer": st.just("torchlogix 0.2.2"), "layers": st.lists(entries, max_size=4)},
    optional={name: values for name in ("input", "classes", "features", "accuracy", "other")},
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.one_of(specs, values))
def test_random_specs_end_in_an_error_of_ours_or_are_read(tmp_path: Path, value: Any) -> None:
    with contextlib.suppress(LgnxError):
        read(tmp_path, json.dumps(value))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, len(TEXT)),
            st.integers(0, 20),
            st.text(alphabet="{}[],:-?*&!|>'\"# \n\t1aé"),
        ),
        max_size=5,
    )
)
def test_damaged_specs_end_in_an_error_of_ours_or_are_read(tmp_path: Path, changes: Any) -> None:
    text = TEXT
    for start, length, patch in changes:
        text = text[:start] + patch + text[start + length :]
    with contextlib.suppress(LgnxError):
        read(tmp_path, text)
