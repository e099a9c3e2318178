"""Models of qonnx.custom_op.lnn that are not valid, or cannot be said there."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

from lgnx import lower
from lgnx.converters.formats import read_model, write_model
from lgnx.converters.qonnx_lnn import from_lnn, to_lnn
from lgnx.ops.errors import LgnxError, ModelError
from tests.converters.lnn_reference import GENERAL, Maker, clgn


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def table(k: int, rows: int = 2, dtype: Any = bool) -> np.ndarray:
    return np.zeros((rows, 2**k), dtype)


IDS = np.zeros((2, 3), np.int64)
TREE = np.zeros((2, 2, 2), np.int64)


@pytest.mark.parametrize(
    ("inputs", "attributes", "message"),
    [
        (
            (IDS, table(2)),
            {},
            "node 'n_LookupTable_0' (LookupTable), input table: has shape [2, 4], must be [2, 8]",
        ),
        ((IDS, table(3)), {"input_bits": 2}, "must be [2, 64]"),
        ((IDS, table(6)), {"input_bits": 2}, "attribute input_bits: is 2, must be 1 for bool"),
        ((IDS, table(3)), {"input_bits": 0}, "attribute input_bits: is 0, must be 1 to 32"),
        ((IDS, table(3)), {"out_bits": -1}, "attribute out_bits: is -1, must be 0 to 32"),
        (
            (IDS, table(3, dtype=np.uint8) + np.uint8(4)),
            {"out_bits": 2},
            "input table: holds 4, which does not fit out_bits 2",
        ),
        ((IDS, table(3)), {"depth": 1}, "attribute depth: is unknown; there are: input_bits, out"),
        ((IDS, table(3)), {"input_bits": 1.5}, "attribute input_bits: is FLOAT, must be INT"),
        ((IDS + 4, table(3)), {}, "input indices: holds 4, must be 0 to 3: the channels of X"),
        ((IDS - 1, table(3)), {}, "input indices: holds -1, must be 0 to 3"),
        ((IDS[0], table(3)), {}, "input indices: has shape [3], must be [M, K]"),
        ((IDS.astype(np.uint16), table(3)), {}, "is uint16, must be int64, int32"),
        ((IDS, table(3, dtype=np.float32)), {}, "input table: is float32, must be bool, uint8"),
        ((np.zeros((2, 17), np.int64), table(3)), {}, "has 17 inputs a table, at most 16 bits"),
        (
            (np.zeros((2, 9), np.int64), table(3)),
            {"input_bits": 2},
            "has 9 inputs of 2 bits each a table, at most 16 bits",
        ),
        ((IDS,), {}, "input table: is missing"),
        (("x", table(3)), {}, "input indices: 'x' is no constant"),
    ],
)
def test_a_wrong_lookup_table_is_named(inputs: Any, attributes: Any, message: str) -> None:
    m = Maker(4)
    model = m.model(m.lnn("LookupTable", "x", *inputs, **attributes))
    with pytest.raises(ModelError) as error:
        from_lnn(model)
    assert message in str(error.value)
    assert str(error.value).startswith("model: node 'n_LookupTable_0' (LookupTable), ")


@pytest.mark.parametrize(
    ("inputs", "attributes", "message"),
    [
        ((TREE, np.zeros((2, 2, 4), bool)), {"tree_depth": 2}, "must be [2, 3, 4]"),
        ((TREE, np.zeros((2, 3, 4), bool)), {}, "has shape [2, 2, 2], must be [2, 1, 2]"),
        ((TREE, np.full((2, 3, 4), 2, np.uint8)), {"tree_depth": 2}, "holds 2, must be 0 or 1"),
        ((TREE[:, :1], np.zeros((2, 1, 4), bool)), {"tree_depth": 0}, "must be left out"),
        ((TREE,), {"tree_depth": 0}, "P is 2, must be 1 for tree_depth 0"),
        ((TREE,), {"tree_depth": -1}, "is -1, must not be negative"),
        ((TREE,), {"tree_depth": 10**12}, "more than 65536 leaves a tree"),
        ((TREE + 12,), {}, "holds 12, must be 0 to 11: the elements of a window"),
        ((TREE,), {"kernel_shape": [3]}, "attribute kernel_shape: has 1 entries, must have 2 or 3"),
        ((TREE,), {"kernel_shape": [1, 1, 1]}, "input X: has 4 axes, must have 5"),
        ((TREE,), {"kernel_shape": [9, 9]}, "a window of [9, 9] does not fit into [4, 5]"),
        ((TREE,), {"strides": [0, 1]}, "attribute strides: holds 0, must be at least 1"),
        ((TREE,), {"pads": [1, 1]}, "attribute pads: has 2 entries, must have 4"),
        ((TREE,), {"pads": [0, 0, -1, 0]}, "attribute pads: holds -1, must be at least 0"),
    ],
)
def test_a_wrong_lookup_table_conv_is_named(inputs: Any, attributes: Any, message: str) -> None:
    m = Maker(4, 5, 3)
    given = {"kernel_shape": [2, 2], **attributes}
    model = m.model(m.lnn("LookupTableConv", "x", *inputs, **given))
    with pytest.raises(ModelError) as error:
        from_lnn(model)
    assert message in str(error.value)
    assert "node 'n_LookupTableConv_0' (LookupTableConv)" in str(error.value)


def test_other_faults_are_named(rng: np.random.Generator, tmp_path: Path) -> None:
    m = Maker(4, dtype=np.float32)
    good = [IDS, table(3)]
    with pytest.raises(ModelError, match="input X: is float, must be bool, uint8, uint16, uint32"):
        from_lnn(m.model(m.lnn("LookupTable", "x", *good)))
    m = Maker(4, dtype=np.uint8)
    with pytest.raises(ModelError, match=r"imports qonnx.custom_op.lnn 4; known are 1 to 3"):
        from_lnn(m.model(m.lnn("LookupTable", "x", *good), version=4))
    with pytest.raises(ModelError, match=r"is known as of version 3 of qonnx.custom_op.lnn, not 1"):
        from_lnn(m.model("LookupTable_0", version=1))
    m = Maker(4)
    with pytest.raises(ModelError, match=r"\(Lookup\): operators of .* are LookupTable and"):
        from_lnn(m.model(m.lnn("Lookup", "x")))
    m = Maker("channels")
    with pytest.raises(ModelError, match="must have a last axis of known extent, the channels"):
        from_lnn(m.model(m.lnn("LookupTable", "x", *good)))
    m = Maker(4, dtype=np.uint8)
    wide = np.full((4, 8), 7, np.uint8)
    y = m.lnn("LookupTable", "x", np.zeros((4, 3), np.int64), wide)
    y = m.lnn("LookupTable", y, IDS, table(6), input_bits=2)
    with pytest.raises(ModelError, match="input_bits: is 2, but X has values of 3 bits"):
        from_lnn(m.model(y))
    m = Maker(4, dtype=np.float32)
    y = m.op("MultiThreshold", "x", np.zeros((1, 1), np.float32), domain=GENERAL, out_dtype="UINT2")
    with pytest.raises(ModelError, match=r"\(MultiThreshold\), domain: is qonnx.custom_op.general"):
        from_lnn(m.model(y))
    with pytest.raises(ModelError, match="does not import the domain"):
        from_lnn(helper.make_model(helper.make_graph([], "g", [], [])))
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"qonnx.custom_op.lnn")
    with pytest.raises(ModelError, match=r"broken.onnx: not an ONNX file"):
        read_model(path)


def test_what_has_no_form_is_not_written(make, rng, classifier, tmp_path: Path) -> None:
    path = tmp_path / "y.onnx"
    m = make(2, 5, 5)
    y = m.op("LogicConvTranspose", "x", *m.trees(8, 2, 2, 1, rng), kernel_shape=[2, 2])
    with pytest.raises(ModelError, match=r"node 'n_LogicConvTranspose_0' .* transposed conv"):
        write_model(m.model(y), path, "qonnx-lnn")
    with pytest.raises(ModelError, match="whole networks have no form there"):
        write_model(lower(classifier), path, "qonnx-lnn")
    with pytest.raises(ModelError, match="packed words have no form there"):
        write_model(lower(classifier, to="bitwise"), path, "qonnx-lnn")
    broken = onnx.ModelProto()
    broken.CopyFrom(classifier)
    broken.graph.node[2].input[1] = broken.graph.node[2].input[2]
    with pytest.raises(ModelError, match="input indices"):
        write_model(broken, path, "qonnx-lnn")
    assert not path.exists()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_broken_files_end_in_an_error_of_lgnx(make, data: st.DataObject) -> None:
    broken = bytearray(to_lnn(clgn(make, np.random.default_rng(0))).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(LgnxError):
        from_lnn(bytes(broken))
