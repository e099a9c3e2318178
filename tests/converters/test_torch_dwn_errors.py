"""What of torch_dwn cannot be converted, and what the messages say."""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from torch import nn

import lgnx
from lgnx.converters.formats import read_model, source_format
from lgnx.converters.torch_dwn import from_modules
from lgnx.converters.torch_dwn_layers import layers_of, tables_of
from lgnx.ops.errors import InputError, LgnxError, ModelError


def says(message: str) -> Any:
    return pytest.raises(ModelError, match=re.escape(message))


def state(n: int = 2, width: int = 4, inputs: int = 6) -> dict[str, torch.Tensor]:
    return {
        "0.luts": torch.rand(width, 2**n) - 0.5,
        "0.mapping": torch.randint(0, inputs, (width, n), dtype=torch.int32),
    }


def written(folder: Any, layers: str, sample: str = "{shape: [6], dtype: bool}") -> Any:
    path = folder / "net.yaml"
    path.write_text(f"producer: torch_dwn 1.1.1\ninput: {sample}\nlayers:\n{layers}")
    return path


def test_a_state_dict_alone_is_no_network(tmp_path):
    torch.save(state(), tmp_path / "s.pt")
    with pytest.raises(ModelError) as caught:
        read_model(tmp_path / "s.pt")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 's.pt'}: is a state dict, which has neither the thermo")
    assert '  - logic_dense: {state: "0"}\n' in text
    assert "  - group_sum: {groups: TODO, tau: TODO}" in text


def test_the_spec_that_the_message_gives_works_when_completed(tmp_path):
    torch.save(state(), tmp_path / "s.pt")
    with pytest.raises(ModelError) as caught:
        read_model(tmp_path / "s.pt")
    spec = str(caught.value).partition("\n\n")[2]
    spec = spec.replace("shape: [TODO]", "shape: [3]").replace("thresholds.npy", "[0.25, 0.75]")
    (tmp_path / "net.yaml").write_text(spec.replace("TODO", "2"))
    model = read_model(tmp_path / "s.pt", spec=tmp_path / "net.yaml")
    assert [node.op_type for node in model.graph.node][-2:] == ["LogicDense", "GroupSum"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("  - or_pool: {kernel_shape: 2}\n", "layer 0: is 'or_pool', must be one of: thermometer,"),
        (
            "  - thermometer: {thresholds: [0.5], strict: false}\n",
            "layer 0 (thermometer), field strict: torch_dwn's bits are x > t; must be true",
        ),
        (
            "  - thermometer: {thresholds: state}\n",
            "layer 0 (thermometer), field thresholds: the checkpoint has no thermometer; give",
        ),
        (
            "  - thermometer: {thresholds: [0.5]}\n",
            "layer 0 (thermometer): reads numbers, but the input's dtype is bool",
        ),
        (
            "  - logic_dense: {state: '0', parametrization: raw}\n",
            "layer 0 (logic_dense), field parametrization: torch_dwn has nothing of this kind",
        ),
        (
            "  - logic_dense: {state: '1'}\n",
            "layer 0 (logic_dense): layer '1': has no luts; its tensors are: none",
        ),
        (
            "  - logic_dense: {state: '0', k: 3}\n",
            "layer 0 (logic_dense), field k: is 3, but the tables have 2 inputs",
        ),
        (
            "  - logic_dense: {state: '0', ste: false}\n  - group_sum: {groups: 2}\n",
            "layer '0': was made with ste=False, so it gives the numbers of its tables; only a "
            "layer of tables after it makes bits of them",
        ),
        (
            "  - logic_dense: {state: '0'}\n  - group_sum: {groups: 2, tau: -1}\n",
            "layer 1 (group_sum): layer '1': tau is -1.0, must be finite and greater than 0",
        ),
        (
            "  - logic_dense: {state: '0'}\n  - group_sum: {groups: 2, beta: 1}\n",
            "layer 1 (group_sum), field beta: torch_dwn has nothing of this kind",
        ),
        (
            "  - logic_dense: {state: '0'}\n  - group_sum: {groups: 2, permutation: [0, 4]}\n",
            "layer '1': randperm: reads input 4, there are 4 inputs",
        ),
        (
            "  - group_sum: {groups: 2}\n  - logic_dense: {state: '0'}\n",
            "layer '0': there is no layer of tables before the sum",
        ),
        (
            "  - logic_dense: {state: '0'}\n  - thermometer: {thresholds: [0.5]}\n",
            "layer 1 (thermometer): must be the first layer",
        ),
        (
            "  - logic_dense: {state: '0', inputs: 7}\n",
            "layer '0': reads 7 bits, but samples of shape [6] have 6 bits",
        ),
    ],
)
def test_specs_that_do_not_fit(tmp_path, layers, message):
    torch.save(state(), tmp_path / "s.pt")
    spec = written(tmp_path, layers)
    with pytest.raises(ModelError) as caught:
        read_model(tmp_path / "s.pt", spec=spec)
    assert message in str(caught.value)
    assert str(spec) in str(caught.value)


def test_a_buffer_with_thresholds_does_not_make_it_dwn2rtls(tmp_path):
    torch.save({**state(), "thermometer.thresholds": torch.rand(3, 2)}, tmp_path / "s.pt")
    spec = written(tmp_path, "  - logic_dense: {state: '0'}\n")
    read_model(tmp_path / "s.pt", spec=spec)
    assert source_format(tmp_path / "s.pt", None).name == "torch_dwn"


def test_options_that_contradict_the_spec(tmp_path):
    torch.save(state(), tmp_path / "s.pt")
    np.save(tmp_path / "t.npy", np.zeros((6, 1)))
    spec = written(tmp_path, "  - logic_dense: {state: '0'}\n")
    with pytest.raises(InputError, match="says the type of the input; leave the option dtype out"):
        read_model(tmp_path / "s.pt", spec=spec, dtype="float32")
    with pytest.raises(InputError, match="has no layer for the thermometer of"):
        read_model(tmp_path / "s.pt", spec=spec, thermometer=tmp_path / "t.npy")


def test_indices_and_ste_of_a_spec_are_used(tmp_path):
    tensors = state()
    torch.save({"layers.0.luts": tensors["0.luts"]}, tmp_path / "s.pt")
    rows = tensors["0.mapping"].tolist()
    layers = f"  - logic_dense: {{state: layers.0, indices: {rows}, ste: false}}\n"
    layers += f"  - logic_dense: {{state: layers.0, indices: {[[0, 1], [2, 3]] * 2}}}\n"
    model = read_model(tmp_path / "s.pt", spec=written(tmp_path, layers))
    dense = [node for node in model.graph.node if node.op_type == "LogicDense"]
    assert len(dense) == 2
    constants = {t.name: numpy_helper.to_array(t).tolist() for t in model.graph.initializer}
    assert constants[dense[0].input[1]] == rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.luts": torch.zeros(4, 3)}, "luts has shape [4, 3], must be [N, 2^n] with n from 1"),
        ({"0.luts": torch.zeros(4, 1)}, "luts has shape [4, 1], must be [N, 2^n] with n from 1"),
        ({"0.luts": torch.zeros(1, 2**17)}, "luts has shape [1, 131072], must be"),
        ({"0.luts": torch.zeros(4)}, "luts has shape [4], must be [N, 2^n] with n from 1 to 16"),
        ({"0.mapping": torch.zeros(4, 3, dtype=torch.int32)}, "mapping is int32[4, 3], must be"),
        ({"0.mapping": torch.zeros(4, 2)}, "mapping is float32[4, 2], must be int32[4, 2] for 4"),
        ({"0.mapping": torch.full((4, 2), 6, dtype=torch.int32)}, "reads bit 6, but samples of"),
        ({"0.mapping": torch.full((4, 2), -1, dtype=torch.int32)}, "reads input -1, must not be"),
        ({"0.mapping": None}, "layer '0': has neither mapping nor mapping.weights"),
        ({"0.mapping.weights": torch.rand(6, 7)}, "mapping.weights has shape [6, 7], must be"),
        ({"0.mapping.weights": torch.rand(0, 8)}, "mapping.weights has shape [0, 8], must be"),
        ({"0.mapping.weights": torch.rand(5, 8)}, "layer '0': reads 5 bits, but samples of shape"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path, change, message):
    tensors = {key: value for key, value in (state() | change).items() if value is not None}
    torch.save(tensors, tmp_path / "s.pt")
    with says(message):
        read_model(tmp_path / "s.pt", spec=written(tmp_path, "  - logic_dense: {state: '0'}\n"))


def test_modules_that_do_not_fit(torch_dwn):
    lut, groups = torch_dwn.LUTLayer, torch_dwn.GroupSum
    cases = [
        (nn.Sequential(lut(6, 4, 2), nn.Linear(4, 2)), "module '1' is a torch.nn.modules.linear.L"),
        (nn.Sequential(lut(6, 4, 2), lut(5, 4, 2)), "layer '1': reads 5 bits, layer '0' gives 4"),
        (nn.Sequential(groups(2)), "has no layers of tables (torch_dwn's LUTLayer)"),
        (nn.Sequential(), "has no layers of tables (torch_dwn's LUTLayer)"),
        (
            nn.Sequential(lut(6, 4, 2), groups(2), lut(2, 4, 2)),
            "layer '2': comes after the sum of layer '1', which must be the last one",
        ),
        (lut(6, 4, 2, ste=False), "layer '': was made with ste=False, so it gives the numbers"),
        (lut(6, 1, 17), "must be [N, 2^n] with n from 1 to 16"),
        (nn.Sequential(lut(6, 4, 2), groups(0)), "layer '1': k is 0, must be a number of groups"),
        (nn.Sequential(lut(6, 4, 2), groups(2, tau=0)), "layer '1': tau is 0, must be finite and"),
        (nn.Sequential(lut(6, 4, 2), groups(2, randperm=5)), "layer '1': randperm: reads input 4"),
        ("text", "module '' is a builtins.str; of the modules only torch_dwn's layers in a"),
    ]
    for module, message in cases:
        with says(message):
            from_modules(module)
    deep = lut(6, 4, 2)
    for _ in range(150):
        deep = nn.Sequential(deep)
    with says("its containers are nested more than 100 deep"):
        from_modules(deep)


def test_live_modules_that_give_numbers_are_not_exported(torch_dwn):
    module = nn.Sequential(torch_dwn.LUTLayer(6, 4, 2, ste=False), torch_dwn.GroupSum(2))
    with says("module '0' (LUTLayer): was made with ste=False, so it gives the numbers of its"):
        lgnx.export(module, torch.zeros(3, 6))


def test_thermometers_that_do_not_fit(torch_dwn):
    layer = torch_dwn.LUTLayer(6, 4, 2)
    cases = [
        (torch_dwn.Thermometer(3), "the thermometer has no thresholds: it was not fitted"),
        ({"levels": 3}, "the thermometer holds levels; must hold thresholds"),
        (torch.tensor([0.5, np.nan]), "1 of the thresholds are NaN"),
        (torch.tensor(0.5), "thresholds have shape [], must be [..., z] with z at least 1"),
        (torch.zeros(6, 0), "thresholds have shape [6, 0], must be [..., z] with z at least 1"),
        (["a"], "thresholds is a list, must be a tensor of numbers"),
        (torch.zeros(4), "layer '': reads 6 bits, which are not 4 for each number"),
        (torch.zeros(4, 2), "reads 6 bits, but samples of shape [4] with 2 thresholds a number"),
        (torch.zeros(3, 2, dtype=torch.bool), "thresholds are bool, must be numbers"),
    ]
    for thermometer, message in cases:
        with says(message):
            from_modules(layer, thermometer)
    with pytest.raises(InputError, match="dtype is 'bool', must be one of float16, float32"):
        from_modules(layer, torch.zeros(3, 2), dtype="bool")
    with says("every number of uint8 is above one threshold, and none above another"):
        from_modules(layer, torch.tensor([[-1.0, 300.0]] * 3), dtype="uint8")


def test_files_of_thresholds_that_are_none(tmp_path, torch_dwn):
    torch.save(torch_dwn.LUTLayer(6, 4, 2), tmp_path / "m.pt")
    (tmp_path / "t.npy").write_bytes(b"\x93NUMPY nothing")
    with says(f"{tmp_path / 't.npy'}: is no array of numbers"):
        read_model(tmp_path / "m.pt", thermometer=tmp_path / "t.npy")
    with says(f"{tmp_path / 'no.npy'}: is no array of numbers"):
        read_model(tmp_path / "m.pt", thermometer=tmp_path / "no.npy")
    np.save(tmp_path / "o.npy", np.array([None]), allow_pickle=True)
    with says(f"{tmp_path / 'o.npy'}: is no array of numbers"):
        read_model(tmp_path / "m.pt", thermometer=tmp_path / "o.npy")


def test_a_file_of_other_layers_is_named(tmp_path):
    torch.save(OrderedDict(weight=torch.zeros(3)), tmp_path / "w.pt")
    with says(f"{tmp_path / 'w.pt'}: has no layers of torch_dwn, which hold tensors called luts"):
        read_model(tmp_path / "w.pt", format="torch_dwn")


VALUES = st.one_of(
    st.none(),
    st.integers(-3, 100),
    st.floats(),
    st.text(max_size=3),
    st.builds(torch.zeros, st.lists(st.integers(0, 4), max_size=3)),
    st.builds(lambda n, k: torch.rand(n, 2**k), st.integers(0, 4), st.integers(0, 3)),
    st.builds(lambda n, k: torch.randint(0, 9, (n, k)), st.integers(0, 4), st.integers(0, 3)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tensors=st.dictionaries(st.sampled_from(["luts", "mapping", "mapping.weights", "x"]), VALUES),
    attributes=st.dictionaries(
        st.sampled_from(["k", "tau", "randperm", "input_size", "ste", "_parameters", "_modules"]),
        VALUES,
    ),
)
def test_only_errors_of_lgnx_come_out(torch_dwn, tensors, attributes):
    for attempt in (
        lambda: tables_of("0", tensors),
        lambda: layers_of(made(torch_dwn.LUTLayer, attributes)),
        lambda: layers_of(made(torch_dwn.GroupSum, attributes)),
        lambda: from_modules(made(nn.Sequential, attributes), tensors),
    ):
        with contextlib.suppress(LgnxError):
            attempt()


def made(kind: type, attributes: dict[str, Any]) -> Any:
    module = kind.__new__(kind)
    vars(module).update(attributes)
    return module
