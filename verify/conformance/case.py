"""A conformance case: a model, its inputs, and what it must give; and its files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lgnx.files import load_model
from lgnx.ops.errors import InputError

FORMAT = 1

SeenIn = Literal["file", "node", "data"]
"""What shows a defect. ``node``: the attributes, types and constants that a node is run with.
``data``: only what is fed. ``file``: what is not looked at to run a file, only to check it, such as
an attribute that the operator does not have or the bits of a table that nothing addresses."""


@dataclass(frozen=True)
class Refusal:
    """What a backend must report about a model or inputs that it must refuse.

    Attributes
    ----------
    field
        The input or attribute that the message must name.
    seen_in
        What shows the defect. Backends say what they look at (`Backend.detects`).
    """

    field: str
    seen_in: SeenIn


@dataclass(frozen=True)
class DataSet:
    """Inputs by name, and the outputs in the order of the model; none for a case of an error."""

    inputs: Mapping[str, np.ndarray]
    outputs: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Case:
    """One model with its data.

    Attributes
    ----------
    name
        Unique; begins with the operator's name in small letters.
    operator
        The operator that is tested.
    since_version
        The first version of the opset in which the case holds.
    covers
        What the case is about, for people.
    model
        One node of the operator, without function bodies.
    data
        One or more sets of inputs and outputs for the same model.
    refusal
        None for a case that must run.
    """

    name: str
    operator: str
    since_version: int
    covers: str
    model: onnx.ModelProto
    data: tuple[DataSet, ...]
    refusal: Refusal | None = None

    @property
    def kind(self) -> str:
        """``"error"`` for a case that must be refused, else ``"valid"``."""
        return "error" if self.refusal else "valid"

    @property
    def node(self) -> onnx.NodeProto:
        """The node that is tested."""
        return self.model.graph.node[0]

    @property
    def constants(self) -> set[str]:
        """Names of the initializers."""
        return {tensor.name for tensor in self.model.graph.initializer}

    def metadata(self) -> dict[str, Any]:
        """What ``data.json`` holds. onnx takes the two tolerances from there."""
        types = {
            value.name: onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
            for value in self.model.graph.input
        }
        types |= {
            tensor.name: onnx.TensorProto.DataType.Name(tensor.data_type).lower()
            for tensor in self.model.graph.initializer
        }
        facts: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "operator": self.operator,
            "since_version": self.since_version,
            "kind": self.kind,
            "covers": self.covers,
            "attributes": {
                a.name: _plain(helper.get_attribute_value(a)) for a in self.node.attribute
            },
            "types": types,
            "rtol": 0,
            "atol": 0,
        }
        if self.refusal:
            facts["error"] = {"field": self.refusal.field, "seen_in": self.refusal.seen_in}
        return facts


def _plain(value: Any) -> Any:
    """A value that JSON has; it has no NaN and no infinity."""
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    return value.decode() if isinstance(value, bytes) else value


def save_cases(
    cases: Iterable[Case], folder: str | os.PathLike[str], *, self_contained: bool = False
) -> Iterator[Case]:
    """Write cases as folders in the layout of onnx's backend tests; give each when it is written.

    ``FOLDER/valid/NAME`` is a case that must run, ``FOLDER/error/NAME`` one that must be refused:
    ``model.onnx``, ``data.json``, and ``test_data_set_0/input_0.pb``, ``output_0.pb`` and so on.

    Parameters
    ----------
    self_contained
        Write the function bodies into the models that must run, for runtimes without the operators.

    Raises
    ------
    InputError
        If the folder is there and not empty, or cannot be written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot write there: {error.strerror}") from None
    if occupied:
        raise InputError(f"{folder}: is not empty; give a new folder")
    for case in cases:
        place = folder / case.kind / case.name
        place.mkdir(parents=True)
        model = case.model
        if self_contained and not case.refusal:
            from lgnx.functions import attach_functions

            model = attach_functions(model)
        (place / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
        text = json.dumps(case.metadata(), indent=2, sort_keys=True)
        (place / "data.json").write_text(text + "\n", encoding="utf-8")
        fed = [value.name for value in case.model.graph.input]
        given = [value.name for value in case.model.graph.output]
        for number, data in enumerate(case.data):
            inner = place / f"test_data_set_{number}"
            inner.mkdir()
            for i, name in enumerate(fed):
                _write(inner / f"input_{i}.pb", data.inputs[name], name)
            for i, (name, array) in enumerate(zip(given, data.outputs, strict=False)):
                _write(inner / f"output_{i}.pb", array, name)
        yield case


def _write(path: Path, array: np.ndarray, name: str) -> None:
    path.write_bytes(numpy_helper.from_array(array, name).SerializeToString(deterministic=True))


def load_cases(folder: str | os.PathLike[str]) -> list[Case]:
    """Read the cases that `save_cases` wrote, in the order of their names.

    Raises
    ------
    InputError
        If the folder holds no cases, or a file of a case is missing or damaged.
    """
    folder = Path(folder)
    places = sorted(path.parent for path in folder.glob("*/*/data.json"))
    if not places:
        raise InputError(
            f"{folder}: holds no conformance cases; lgnx conformance generate makes them"
        )
    return [_load(place) for place in places]


def _load(place: Path) -> Case:
    path = place / "data.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise InputError(
                f"{path}: format is {facts['format']}, this release reads format {FORMAT}"
            )
        error = facts.get("error")
        refusal = None if error is None else Refusal(error["field"], error["seen_in"])
        if refusal and refusal.seen_in not in get_args(SeenIn):
            raise InputError(
                f"{path}: seen_in is {refusal.seen_in!r}, must be one of {get_args(SeenIn)}"
            )
        model = load_model(place / "model.onnx")
        fed = [value.name for value in model.graph.input]
        sets = sorted(place.glob("test_data_set_*"), key=lambda p: int(p.name.rpartition("_")[2]))
        data = []
        for inner in sets:
            inputs = {name: _read(inner / f"input_{i}.pb") for i, name in enumerate(fed)}
            count = 0 if refusal else len(model.graph.output)
            outputs = tuple(_read(inner / f"output_{i}.pb") for i in range(count))
            data.append(DataSet(inputs, outputs))
        return Case(
            facts["name"],
            facts["operator"],
            facts["since_version"],
            facts["covers"],
            model,
            tuple(data),
            refusal,
        )
    except (OSError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place}: not a conformance case: {error!r}") from None


def _read(path: Path) -> np.ndarray:
    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(path.read_bytes())
        return numpy_helper.to_array(tensor)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:
        raise InputError(f"{path}: not a tensor of ONNX: {error}") from None
