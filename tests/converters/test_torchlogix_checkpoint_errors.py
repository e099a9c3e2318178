"""Checkpoints of torchlogix that cannot be read: what is said of them."""

from __future__ import annotations

import contextlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torchlogix.layers as tl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from lgnx.converters.checkpoint import find_module, load_checkpoint
from lgnx.converters.formats import read_model
from lgnx.converters.torchlogix_checkpoint_build import build
from lgnx.converters.torchlogix_checkpoint_modules import layers_of
from lgnx.converters.torchlogix_checkpoint_part import Made
from lgnx.ops.errors import InputError, LgnxError, ModelError
from tests.converters import torchlogix_cases as cases

NOW = "torchlogix 0.2.2"


def refused(folder: Path, value: Any, spec: Any = None, **options: Any) -> str:
    """Message of the error, without the path."""
    path = folder / "net.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(value, path)
    if spec is not None:
        layers = [spec] if isinstance(spec, dict) and "layers" not in spec else spec
        document = layers if isinstance(layers, dict) else {"producer": NOW, "layers": layers}
        (folder / "net.yaml").write_text(json.dumps(document))
        options["spec"] = folder / "net.yaml"
    with pytest.raises((ModelError, InputError)) as caught:
        read_model(path, "torchlogix", **options)
    return str(caught.value).replace(f"{folder}/", "")


DENSE = cases.dense(6, 8)
CONV = cases.conv()
SIX = {"input": {"shape": [6]}, "producer": NOW}
IMAGE = {"input": {"shape": [3, 5, 7]}, "producer": NOW}
WINDOW = {"state": ".", "kernel_shape": 3}


def renamed(layer: nn.Module, **changes: Any) -> dict[str, Any]:
    """State of a layer with some tensors changed, or left out where they are None."""
    state = {**layer.state_dict(), **{k.replace("__", "."): v for k, v in changes.items()}}
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "document", "message"),
    [
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": "fc"}}]},
         "net.yaml: layer 0 (logic_dense), field state: the checkpoint has no tensors whose names "
         "begin with 'fc.'; there are: "),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": ".", "k": 4}}]},
         "field k: is 4, but the indices in the checkpoint are for 2"),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": ".", "parametrization": "warp"}}]},
         "field parametrization: is warp, which has 4 weights for a table of 2 inputs; the "
         "checkpoint has 16"),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": ".", "inputs": 7}}]},
         "field inputs: is 7, but it gets 6 bits"),
        (DENSE, {"producer": NOW, "layers": [{"logic_dense": {"state": "."}}]},
         "net.pt: does not say the shape of a sample: give it as the option shape"),
        (DENSE, SIX | {"input": {"shape": [4]}, "layers": [{"logic_dense": {"state": "."}}]},
         "layer 0 (logic_dense): reads bit 5, but gets 4 bits (0 to 3)"),
        (cases.dense(6, 8, parametrization="light"),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "field parametrization: is missing: with 4 weights a table of 2 inputs it is warp or"),
        (renamed(DENSE, connections__indices=None),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "the checkpoint has no 'connections.indices' of it: torchlogix 0.1.1 leaves them out"),
        (renamed(DENSE, connections__indices=torch.zeros(2, 7, dtype=torch.int64)),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "its indices are for 7 neurons, its weights for 8"),
        (renamed(DENSE, connections__indices=torch.zeros(2, 8)),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "'connections.indices' in the checkpoint is float32 [2, 8], must be whole numbers of 2"),
        (renamed(DENSE, connections__indices=torch.full((2, 8), -3)),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "reads bit -3, but gets 6 bits (0 to 5)"),
        (renamed(DENSE, weight=torch.zeros(8)),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "'weight' in the checkpoint is float32 [8], must be floats of 2 axes"),
        (renamed(DENSE, weight=torch.zeros(0, 16)),
         SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "'weight' in the checkpoint is empty: [0, 16]"),
        (renamed(DENSE, weight=None), SIX | {"layers": [{"logic_dense": {"state": "."}}]},
         "the checkpoint has no 'weight' of it; it has: connections.indices"),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": "."}}, {"group_sum": {"groups": 3}}]},
         "layer 1 (group_sum), field groups: is 3, which does not divide its 8 bits"),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": "."}},
                                  {"or_pool": {"kernel_shape": 2}}]},
         "layer 1 (or_pool): gets samples of shape [8], must get [C, H, W] or 3-D"),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": "."}},
                                  {"group_sum": {"groups": 2, "permutation": [1, 0]}}]},
         "field permutation: torchlogix does not permute the bits"),
        (DENSE, SIX | {"layers": [{"logic_dense": {"state": "."}},
                                  {"group_sum": {"groups": 2, "tau": 0}}]},
         "tau is 0, must be finite and greater than 0"),
        (DENSE, SIX | {"layers": [{"residual": {"layers": [{"logic_dense": {"state": "."}}]}}]},
         "layer 0 (residual): its layers make [8] of [6], must keep the shape"),
        (DENSE, SIX | {"classes": ["a"], "layers": [{"logic_dense": {"state": "."}}]},
         "net.yaml, field classes: has 1 names, the network gives 8 scores"),
        (DENSE, SIX | {"features": ["a"], "layers": [{"logic_dense": {"state": "."}}]},
         "net.yaml, field features: has 1 entries, a sample has 6 numbers"),
        (DENSE, SIX | {"layers": [{"thermometer": {"thresholds": [0.5], "strict": False}}]},
         "field strict: is false, must be true: torchlogix compares with x > t"),
        (CONV, IMAGE | {"layers": [{"logic_conv": WINDOW | {"padding": 1}}]},
         "layer 0 (logic_conv): its window has 35 places in images of [5, 7]; in the checkpoint it "
         "has 15: kernel_shape, stride, padding or the shape of the input differ"),
        (CONV, IMAGE | {"layers": [{"logic_conv": WINDOW | {"kernel_shape": [3, 3, 3]}}]},
         "field kernel_shape: has 3 entries, must have 2"),
        (CONV, IMAGE | {"layers": [{"logic_conv": WINDOW | {"stride": [1, 2]}}]},
         "field stride: is [1, 2], must be one number in torchlogix"),
        (CONV, IMAGE | {"layers": [{"logic_conv": WINDOW | {"kernel_shape": 9}}]},
         "field kernel_shape: its window does not fit into images of [5, 7]"),
        (CONV, IMAGE | {"layers": [{"logic_conv": WINDOW | {"padding": 1 << 30}}]},
         "its window has 4611686035607257103 places in images of [5, 7]; in the checkpoint it has"),
        (renamed(CONV, connections___indices_L0=None),
         IMAGE | {"layers": [{"logic_conv": WINDOW | {"padding": 1 << 30}}]},
         "is too large: its image or indices would have more than 2^30 elements"),
        (renamed(CONV, connections___indices_L0=None), IMAGE | {"layers": [{"logic_conv": WINDOW}]},
         "the checkpoint has no 'connections._indices_L0' of it: torchlogix 0.1.1 leaves them out"),
        (renamed(CONV, tree_weights__1=torch.zeros(2, 5, 16)),
         IMAGE | {"layers": [{"logic_conv": WINDOW}]},
         "'tree_weights.1' in the checkpoint is [2, 5, 16], must be [1, 5, 16] for tables of 2"),
        (CONV, IMAGE | {"input": {"shape": [100_000, 100_000]}, "layers": [{"logic_conv": WINDOW}]},
         "net.pt: a sample of shape [100000, 100000] is too large"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(
    tmp_path: Path, state: Any, document: Any, message: str
) -> None:
    value = state.state_dict() if isinstance(state, nn.Module) else state
    assert message in refused(tmp_path, value, document)


def test_a_spec_that_contradicts_the_module_is_refused(tmp_path: Path) -> None:
    module = nn.Sequential(cases.conv(parametrization="light", padding=1))
    entry = {"state": "0", "kernel_shape": [3, 3], "parametrization": "warp"}
    document = {"producer": NOW, "layers": [{"logic_conv": entry}]}
    text = refused(tmp_path, module, document)
    place = "net.yaml: layer 0 (logic_conv), field parametrization"
    assert text == f"{place}: is warp, the checkpoint has light"


LEARNED = tl.LearnableBinarization(torch.tensor([0.2, 0.5]), feature_dim=1)


class Own(tl.LogicDense):
    """A layer with a class of its own."""


def changed(layer: nn.Module, **attributes: Any) -> nn.Module:
    vars(layer).update(attributes)
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(LEARNED, cases.conv(channels=6)),
         "net.pt: module '0' (LearnableBinarization): what its learned thresholds are depends on "
         "the version of torchlogix that made the checkpoint, and the checkpoint does not say it"),
        (nn.Sequential(cases.conv3d(padding=1)),
         "net.pt: module '0' (LogicConv3d): whether its depth is padded depends on the version of"),
        (nn.Sequential(tl.OrPooling2d(2, 2)), "net.pt: does not say the shape of a sample"),
        (nn.Sequential(Own(6, 8)), "module '0' (Own): is a "),
        (nn.Sequential(nn.Conv2d(1, 1, 1)), "is a torch.nn.modules.conv.Conv2d, whose forward is"),
        (changed(cases.dense(6, 8), lut_rank="two"),
         "module '0' (LogicDense): its lut_rank is 'two', must be a whole number from 1 to 16"),
        (changed(cases.dense(6, 8), in_dim=None), "its in_dim is None, must be a whole number of"),
        (changed(cases.dense(6, 8), forward=3), "'0' (LogicDense): its forward was replaced"),
        (changed(cases.dense(6, 8), _forward_hooks={1: Own}),
         "module '0' (LogicDense): has hooks, whose code is not in the file"),
        (changed(cases.conv(), channels=4),
         "module '0' (LogicConv2d): channels in the checkpoint is 4, but it gets 3"),
        (changed(tl.GroupSum(2), tau="big"), "its tau is 'big', must be a finite number"),
    ],
)  # fmt: skip
def test_modules_that_cannot_be_read_are_named(
    tmp_path: Path, module: nn.Module, message: str
) -> None:
    shape = "3,5,7" if "channels in" in message else ""
    text = refused(tmp_path, module, shape=shape)
    assert message in text
    if "torchlogix that made" in text:
        assert text.endswith("option producer, such as 'torchlogix 0.2.2'")


def test_options_are_checked(tmp_path: Path) -> None:
    module = nn.Sequential(cases.dense(6, 8))
    assert refused(tmp_path, module, producer="0.2.2") == (
        "option producer: '0.2.2', must be such as 'torchlogix 0.2.2'"
    )
    assert refused(tmp_path, module, shape="a,3") == (
        "option shape: 'a,3', must be whole numbers such as 1,28,28"
    )
    with pytest.raises(ModelError, match=r"gone\.yaml: cannot be read: no such file$"):
        read_model(tmp_path / "net.pt", "torchlogix", spec=tmp_path / "gone.yaml")


# --------------------------------------------------------------------------- random ones

small = nn.Sequential(cases.dense(6, 8, connections="learnable"), cases.dense(8, 4), tl.GroupSum(2))
STATE = small.state_dict()
tensors = st.sampled_from([
    torch.zeros(0), torch.zeros(()), torch.zeros(8, 4), torch.zeros(8, 16),
    torch.full((6, 2, 8), -1),
    torch.zeros(2, 4, dtype=torch.int64), torch.full((2, 8), 99), torch.zeros(4, 16).double(),
    torch.full((4, 16), float("nan")), torch.zeros(2, 4, dtype=torch.complex64), "text", None,
])  # fmt: skip
fields = st.dictionaries(
    st.sampled_from("state k parametrization inputs indices groups tau kernel_shape".split()),
    st.sampled_from(["0", "1", 2, 4, 6, 0.5, "raw", "warp", [[0, 1]] * 4, [[0, 1, 2, 3]] * 2]),
    max_size=3,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.dictionaries(st.sampled_from(list(STATE)), tensors, max_size=2),
    entries=st.lists(
        st.tuples(st.sampled_from(["logic_dense", "group_sum", "logic_conv", "flatten"]), fields),
        min_size=1,
        max_size=3,
    ),
    width=st.integers(1, 9),
)
def test_random_states_and_specs_end_in_an_error_of_ours_or_are_read(
    tmp_path: Path, changes: Any, entries: Any, width: int
) -> None:
    torch.save({**STATE, **changes}, tmp_path / "net.pt")
    document = {"producer": NOW, "input": {"shape": [width]}}
    document["layers"] = [{kind: given_fields} for kind, given_fields in entries]
    (tmp_path / "net.yaml").write_text(json.dumps(document))
    with contextlib.suppress(LgnxError):
        read_model(tmp_path / "net.pt", "torchlogix", spec=tmp_path / "net.yaml")


ATTRIBUTES = "weight connections parametrization lut_rank in_dim k tau _modules _buffers".split()
odd = st.sampled_from([None, 0, -1, 3, 1e9, "x", [1], {}, {"a": 1}, torch.zeros(2, 8), nn.ReLU()])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(ATTRIBUTES), odd), max_size=2))
def test_random_attributes_end_in_an_error_of_ours_or_are_read(
    tmp_path: Path, changes: Any
) -> None:
    torch.save(small, tmp_path / "whole.pt")
    module = torch.load(tmp_path / "whole.pt", weights_only=False)
    for at, name, value in changes:
        vars(module[at])[name] = value
    torch.save(module, tmp_path / "net.pt")
    whole = find_module(load_checkpoint(tmp_path / "net.pt"))
    assert whole is not None
    with contextlib.suppress(LgnxError):
        build(layers_of(whole, "net.pt"), torch.zeros(2, 6), Made((0, 2, 2)))
