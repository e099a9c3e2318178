"""Arrays of numpy in checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lgnx.converters.checkpoint import load_checkpoint
from lgnx.converters.checkpoint_arrays import STAND_INS
from lgnx.ops.errors import ModelError

NUMBERS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.unsigned_integer_dtypes(endianness="="),
    hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
    hnp.integer_dtypes(endianness=">"),
    hnp.floating_dtypes(endianness=">", sizes=(16, 32, 64)),
)


@pytest.fixture(scope="module")
def through(tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays") / "saved.pt"

    def save_and_load(value: Any) -> Any:
        torch.save(value, path)
        return load_checkpoint(path)

    return save_and_load


@settings(max_examples=100, deadline=None)
@given(array=hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0)))
def test_arrays_are_what_they_were(through, array):
    loaded = through({"array": array, "column": array.T, "number": array.ravel()[:1].sum()})
    for name, expected in (("array", array), ("column", array.T)):
        got = np.asarray(loaded[name])
        assert got.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(got, expected)
        assert got.flags.writeable
    np.testing.assert_array_equal(loaded["number"], array.ravel()[:1].sum())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array(["text"]), "has an array of 'U4', must be of whole numbers, floats or bool"),
        (np.array([None]), "has an array of 'O8'"),
        (np.array(["2026-01-01"], "datetime64[D]"), "has an array of 'M8'"),
        (np.zeros(2, "i4,f4"), "has an array of 'V8'"),
        (np.array([1j]), "has an array of 'c16'"),
        (np.zeros(2).view(type("Own", (np.ndarray,), {"__module__": "own"})), "own"),
    ],
)
def test_other_arrays_are_refused(through, monkeypatch, value, message):
    kind = type(value)
    if kind is not np.ndarray:
        module = type(torch)("own")
        monkeypatch.setitem(__import__("sys").modules, "own", module)
        module.Own = kind
        message = "has an array of a class of its own"
    with pytest.raises(ModelError, match=message):
        through([value])


INT32 = STAND_INS["numpy.dtype"]("i4", False, True)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "has an array without shape and values"),
        ((1, (2,), INT32, False), "has an array without shape and values"),
        ((1, (10**12,), INT32, False, b"1234"), r"of shape \[1000000000000\] and 4 bytes"),
        ((1, (-1,), INT32, False, b""), r"has an array of shape \(-1,\)"),
        ((1, (1,) * 40, INT32, False, b"1234"), "and 4 bytes"),
        ((1, (True,), INT32, False, b"1234"), r"has an array of shape \(True,\)"),
        ((1, (1,), np.dtype("i4"), False, b"1234"), "has an array of objects"),
        ((1, (1,), INT32, False, [1]), "has an array of objects"),
    ],
)
def test_broken_arrays_are_refused(state, message):
    make = STAND_INS["numpy._core.multiarray._reconstruct"]
    array = make(STAND_INS["numpy.ndarray"], (0,), b"b")
    with pytest.raises(ModelError, match=message):
        array.__setstate__(state)
    with pytest.raises(ModelError, match="without shape and values"):
        np.asarray(array)


def test_only_plain_arrays_are_made():
    with pytest.raises(ModelError, match="a class of its own"):
        STAND_INS["numpy.core.multiarray._reconstruct"](dict, (0,), b"b")
    with pytest.raises(ModelError, match="in a way that numpy's pickles do not"):
        STAND_INS["numpy.ndarray"]((3,))
    with pytest.raises(ModelError, match="makes bytes of something"):
        STAND_INS["builtins.bytes"](10**12)
    with pytest.raises(ModelError, match="without its value"):
        STAND_INS["numpy._core.multiarray.scalar"](INT32)
    with pytest.raises(ModelError, match="byte order 'x'"):
        INT32.__setstate__((3, "x"))
