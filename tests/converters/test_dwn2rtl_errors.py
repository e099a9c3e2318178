"""What of dwn2rtl's checkpoints cannot be converted, and what the messages say."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler
from torch import nn

from lgnx.converters.dwn2rtl import from_checkpoint
from lgnx.converters.formats import read_model
from lgnx.metadata import get
from lgnx.ops.errors import InputError, LgnxError, ModelError
from tests.converters import dwn_cases as cases


def checkpoint(**changes: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    saved: dict[str, Any] = {
        "config": {"n": 2, "num_classes": 2, "layers": [6, 4], "thermometer_bits": 2},
        "state_dict": {
            "0.luts": torch.rand(6, 4) - 0.5,
            "0.mapping.weights": torch.rand(8, 12),
            "1.luts": torch.rand(4, 4) - 0.5,
            "1.mapping": torch.randint(0, 6, (4, 2), dtype=torch.int32),
        },
        "thermometer": {"thresholds": torch.rand(4, 2)},
    }
    for key, value in changes.items():
        part, _, name = key.partition("__")
        if name:
            saved[part] = {**saved[part], name: value}
        else:
            saved[part] = value
    return saved


SCALE = {"mean": [0.0] * 4, "scale": [1.0] * 4}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thermometer": None}, "has no 'thermometer': the thresholds are no part of the model"),
        ({"thermometer": {}}, "the thermometer holds nothing; must hold thresholds"),
        (
            {"thermometer": torch.rand(4)},
            "thermometer: thresholds have shape [4], must be [features, bits]",
        ),
        ({"thermometer": torch.rand(2, 4)}, "config: thermometer_bits is 2, but the thresholds"),
        ({"thermometer": torch.full((4, 2), np.inf)}, "thermometer: thresholds must be finite"),
        ({"thermometer": torch.full((4, 2), np.nan)}, "8 of the thresholds are NaN"),
        (
            {"thermometer": torch.rand(5, 2)},
            "layer '0': reads 8 bits, but gets 10; the thermometer",
        ),
        ({"config": 3}, "'config' and 'state_dict' must both be dicts"),
        ({"state_dict": None}, "'config' and 'state_dict' must both be dicts"),
        ({"config__n": 3}, "config: n is 3, but layer '0' has tables of 2 inputs"),
        ({"config__n": True}, "config: n is True, must be a whole number, at least 1"),
        ({"config__num_classes": 0}, "config: num_classes is 0, must be a whole number, at least"),
        ({"config__layers": [6, 5]}, "config: layers is [6, 5], but they are [6, 4]"),
        ({"config__layers": 6}, "config: layers is 6, but they are [6, 4]"),
        ({"state_dict": {}}, "state_dict: has layers of no number, must have 0, 1, 2, ... without"),
        ({"state_dict__3.luts": torch.rand(2, 4)}, "state_dict: has layers [0, 1, 3], must have"),
        ({"state_dict__1.luts": torch.rand(4, 5)}, "layer '1': luts has shape [4, 5], must be"),
        ({"scaler": 3}, "scaler: is a builtins.int, must be a StandardScaler or a dict with mean"),
        ({"scaler": {**SCALE, "mean": [0.0]}}, "scaler: mean has 1 numbers for 4 features"),
        ({"scaler": {**SCALE, "scale": [0.0] * 4}}, "scaler: scale must be finite, above 0"),
        ({"scaler": {**SCALE, "scale": [-1.0] * 4}}, "scaler: scale must be finite, above 0"),
        ({"scaler": {**SCALE, "mean": [np.nan] * 4}}, "scaler: mean must be finite"),
        ({"scaler": {**SCALE, "mean": "a"}}, "scaler: mean is a str, must be a tensor of numbers"),
    ],
)
def test_checkpoints_that_do_not_fit(tmp_path, changes, message):
    torch.save(checkpoint(**changes), tmp_path / "c.pt")
    with pytest.raises(ModelError, match=re.escape(f"{tmp_path / 'c.pt'}: {message}")):
        read_model(tmp_path / "c.pt", format="dwn2rtl")


def test_whole_modules_that_do_not_fit(torch_dwn, tmp_path):
    raw, _, encoder, module = cases.scaled_network(torch_dwn)
    refused = [
        ({"model": module.state_dict(), "thermometer": encoder}, "'model' is a state dict, which"),
        ({"model": module[:2], "thermometer": encoder}, "'model' has no GroupSum, which tells the"),
        ({"model": nn.Sequential(module[2]), "thermometer": encoder}, "has no layers of tables"),
        ({"model": module}, "has no 'thermometer'"),
        (
            {"model": module, "thermometer": encoder, "scaler": MinMaxScaler().fit(raw)},
            "scaler: is a sklearn.preprocessing._data.MinMaxScaler, must be a StandardScaler",
        ),
        (module.state_dict(), "is no checkpoint of dwn2rtl, which is a dict with 'config', 'state"),
    ]
    for saved, message in refused:
        torch.save(saved, tmp_path / "m.pt")
        with pytest.raises(ModelError, match=re.escape(f"{tmp_path / 'm.pt'}: {message}")):
            read_model(tmp_path / "m.pt", format="dwn2rtl")
    torch.save(refused[4][0], tmp_path / "m.pt")
    assert get(read_model(tmp_path / "m.pt", scaling="outside"), "lgnx.input_scaling") is None


def test_options_that_cannot_be():
    for options, message in (
        ({"scaling": "half"}, "scaling is 'half', must be one of rounded, float32, float64, outs"),
        ({"input_bits": -1}, "input_bits is -1, must be 0 to 63"),
        ({"input_bits": 64}, "input_bits is 64, must be 0 to 63"),
        ({"dtype": "bool"}, "dtype is 'bool', must be one of float16, float32, float64"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            from_checkpoint(checkpoint(), **options)


VALUES = st.one_of(
    st.none(),
    st.integers(-3, 10),
    st.text(max_size=3),
    st.lists(st.integers(0, 7), max_size=4),
    st.builds(torch.zeros, st.lists(st.integers(0, 4), max_size=3)),
    st.dictionaries(st.sampled_from(["mean", "scale", "n", "thresholds"]), st.floats(), max_size=2),
)
FIELDS = ["config", "state_dict", "thermometer", "scaler", "results", "run_name", "model"]
FIELDS += ["config__n", "config__layers", "config__num_classes", "config__thermometer_bits"]
FIELDS += ["state_dict__0.luts", "state_dict__0.mapping.weights", "state_dict__1.mapping"]


@settings(max_examples=200, deadline=None)
@given(field=st.sampled_from(FIELDS), value=VALUES)
def test_only_errors_of_lgnx_come_out(field, value):
    with contextlib.suppress(LgnxError):
        from_checkpoint(checkpoint(**{field: value}))
