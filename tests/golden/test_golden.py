"""Files of earlier versions give what they gave: each folder beside this file is one version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

import lgnx
from lgnx import ops
from lgnx.graphs import all_nodes
from lgnx.ops import DOMAIN
from lgnx.verify.reference import reference_evaluator
from lgnx.versions import version_of

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("v*/*/*.onnx"))
VERSIONS = sorted(HERE.glob("v*"))

Feeds = dict[str, np.ndarray]


def stock(model: onnx.ModelProto, feeds: Feeds, *, kernels: bool = False) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if kernels:
        ops.register(options)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, feeds))


WAYS: dict[str, Callable[[onnx.ModelProto, Feeds], list[np.ndarray]]] = {
    "reference": lambda m, feeds: reference_evaluator(m).run(None, feeds),
    "kernels": lambda m, feeds: stock(m, feeds, kernels=True),
    "session": lambda m, feeds: lgnx.InferenceSession(m).run(None, feeds),
    "bodies in onnxruntime": lambda m, feeds: stock(lgnx.attach_functions(m), feeds),
    "bodies in onnx": lambda m, f: ReferenceEvaluator(lgnx.attach_functions(m)).run(None, f),
    "bitwise level": lambda m, f: stock(lgnx.attach_functions(lgnx.lower(m, to="bitwise")), f),
    "network level": lambda m, feeds: stock(lgnx.lower(m, to="network"), feeds, kernels=True),
    "newest version": lambda m, feeds: stock(lgnx.convert_version(m), feeds, kernels=True),
}


def name(path: Path) -> str:
    return str(path.relative_to(HERE).with_suffix(""))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_golden_file_gives_what_it_gave(path: Path, way: str) -> None:
    model = lgnx.load(path)
    data = np.load(path.with_name("data.npz"))
    feeds = {value.name: data[value.name] for value in model.graph.input}
    (y,) = WAYS[way](model, feeds)
    assert y.dtype == data["output"].dtype
    np.testing.assert_array_equal(y, data["output"])


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_golden_file_has_no_problems(path: Path) -> None:
    assert [p for p in lgnx.check(path) if p.severity == "error"] == []
    assert f"v{version_of(lgnx.load(path))}" == path.relative_to(HERE).parts[0]


@pytest.mark.parametrize("path", [f for f in FILES if lgnx.load(f).functions], ids=name)
def test_definitions_in_a_golden_file_still_run_as_they_are(path: Path) -> None:
    data = np.load(path.with_name("data.npz"))
    model = lgnx.load(path)
    (y,) = stock(model, {value.name: data[value.name] for value in model.graph.input})
    np.testing.assert_array_equal(y, data["output"])


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_golden_files_are_not_changed(folder: Path) -> None:
    listed = dict(
        reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    present = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*/*")
    }
    assert present == listed


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_golden_files_use_every_operator_of_their_version(folder: Path) -> None:
    used = {
        node.op_type
        for path in folder.glob("*/*.onnx")
        for node in all_nodes(lgnx.load(path).graph)
        if node.domain == DOMAIN
    }
    assert used == set(ops.operators(int(folder.name[1:])))
