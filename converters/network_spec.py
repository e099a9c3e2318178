"""The description of a network that stands beside its checkpoint: a YAML file, called the spec.

A state dict holds tensors by name, and not what is computed with them. The spec says that: the
layers in their order, and the numbers that are in no tensor. One vocabulary serves all tools; each
says which layers it knows. `docs/formats/spec.md` is the reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lgnx import metadata
from lgnx.converters.network_spec_values import (
    Field,
    WrongError,
    array,
    choice,
    flag,
    names,
    number,
    shown,
    text,
    whole,
    wholes,
)
from lgnx.converters.network_spec_yaml import parse_yaml
from lgnx.ops.errors import ModelError

__all__ = ["INPUT", "KINDS", "NETWORK", "Layer", "Spec", "missing_spec", "read_spec"]

TOOLS = ("torchlogix", "difflogic", "torch_dwn")
_PRODUCER = re.compile(rf"({'|'.join(TOOLS)}) (\d+(?:\.\d+)*)\S*")
_MOST_NESTED = 8

_STATE = Field(text, "what the names of its tensors begin with; its number, if left out")
_INDICES = "where the checkpoint lacks them"

NETWORK: dict[str, Field] = {
    "producer": Field(text, "tool and version that trained it, as `torchlogix 0.2.2`", True),
    "input": Field(lambda value, folder: value, "shape, dtype and scaling of a sample"),
    "layers": Field(lambda value, folder: value, "the layers, in order", True),
    "classes": Field(names, "the name of each class"),
    "features": Field(names, "the name of each number of a sample"),
    "accuracy": Field(number, "accuracy on test data, kept as metadata"),
}
"""Fields of a spec."""

INPUT: dict[str, Field] = {
    "shape": Field(wholes(1, single=False), "shape of a sample, without the batch"),
    "dtype": Field(
        choice("float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"),
        "type of its numbers, `float32` if left out",
    ),
    "mean": Field(array("f", 1), "subtracted from samples before the network, kept as metadata"),
    "scale": Field(array("f", 1), "by which samples are divided then, kept as metadata"),
}
"""Fields of `input`."""

_WINDOW = {
    "kernel_shape": Field(wholes(1), "extents of the window, one number for all axes", True),
    "stride": Field(wholes(1), "1 if left out, for `or_pool` the window"),
    "padding": Field(wholes(0), "zeros around the image, 0 if left out"),
}
_TABLES = {
    "state": _STATE,
    "k": Field(whole(1, 16), "inputs of each table; checked against the tensors"),
    "parametrization": Field(
        choice("raw", "warp", "light"), "`raw`, `warp` or `light`: how weights mean tables"
    ),
    "materialize_basis": Field(flag, "of torchlogix, how it adds up; false if left out"),
}
KINDS: dict[str, dict[str, Field]] = {
    "thermometer": {
        "state": _STATE,
        "thresholds": Field(
            array("f", 1, 2, 3, 4, word="state"), "`state`, [z], [F, z] or [C, z]", True
        ),
        "strict": Field(flag, "a bit is x > t, as all tools have it, and not x >= t"),
        "feature_dim": Field(whole(-8, 8), "axis whose entries become bits, -2 if left out"),
        "temperature_softplus": Field(number, "of learned thresholds, 0.1 if left out"),
    },
    "logic_dense": {
        **_TABLES,
        "inputs": Field(whole(1), "bits that it reads; what the layer before gives, if left out"),
        "indices": Field(array("i", 2, 3), f"[N, k] input of each slot, {_INDICES}"),
        "ste": Field(flag, "of torch_dwn: whether the layer gives bits, true if left out"),
    },
    "logic_conv": {
        **_TABLES,
        **_WINDOW,
        "indices": Field(array("i", 2), f"[K, k^depth] bit of the window, {_INDICES}"),
    },
    "logic_conv_transpose": {
        **_TABLES,
        **_WINDOW,
        "output_padding": Field(wholes(0), "zeros added behind, 0 if left out"),
        "indices": Field(array("i", 2), f"[K, k^depth] bit of the window, {_INDICES}"),
    },
    "or_pool": dict(_WINDOW),
    "flatten": {},
    "residual": {
        "state": _STATE,
        "layers": Field(lambda value, folder: value, "layers whose output is ORed with x", True),
    },
    "group_sum": {
        "groups": Field(whole(1), "number of scores", True),
        "tau": Field(number, "by which counts are divided, 1 if left out"),
        "beta": Field(number, "added to counts before, 0 if left out"),
        "permutation": Field(array("i", 1), "bit that stands at each place before the sum"),
    },
}
"""Fields of each kind of layer."""


@dataclass(frozen=True)
class Layer:
    """One layer of a spec.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    number
        Its place in the list, from 0.
    state
        What the names of its tensors begin with, without the dot.
    fields
        What the file gives, checked: tuples for lists of whole numbers, numpy arrays for nested
        lists and .npy files.
    layers
        Of a residual, the layers in it.
    place
        How messages call it, file included.
    """

    kind: str
    number: int
    state: str
    fields: Mapping[str, Any]
    place: str
    layers: tuple[Layer, ...] = ()

    def get(self, name: str, default: Any = None) -> Any:
        """Value of a field, or a default."""
        return self.fields.get(name, default)

    def error(self, message: str, name: str = "") -> ModelError:
        """Make an error that names the file, the layer, and a field."""
        return ModelError(f"{self.place}{f', field {name}' if name else ''}: {message}")


@dataclass(frozen=True)
class Spec:
    """A network as its spec describes it.

    Attributes
    ----------
    path
        The file.
    tool, version
        What trained the network: ``"torchlogix"``, ``(0, 2, 2)``.
    producer
        The same, as it stands there.
    shape
        Shape of a sample, without the batch; None if it is not given.
    dtype
        Name of the type of its numbers.
    """

    path: Path
    producer: str
    tool: str
    version: tuple[int, ...]
    layers: tuple[Layer, ...]
    shape: tuple[int, ...] | None = None
    dtype: str = "float32"
    scaling: Mapping[str, list[float]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    accuracy: float | None = None

    def metadata(self) -> dict[str, str | Sequence[str]]:
        """Entries for the metadata of the model, see `lgnx.metadata`."""
        entries: dict[str, str | Sequence[str]] = {metadata.TRAINING_TOOL: self.producer}
        if self.classes:
            entries[metadata.CLASS_NAMES] = self.classes
        if self.features:
            entries[metadata.FEATURE_NAMES] = self.features
        if self.accuracy is not None:
            entries[metadata.ACCURACY] = repr(self.accuracy)
        if self.scaling:
            entries[metadata.INPUT_SCALING] = json.dumps(dict(self.scaling))
        return entries


def read_spec(path: str | Path, tool: str, kinds: Collection[str]) -> Spec:
    """Read a spec, and check every field.

    Parameters
    ----------
    path
        A YAML or JSON file.
    tool
        The tool whose converter reads it, one of `TOOLS`.
    kinds
        The kinds of layers that this tool has.

    Raises
    ------
    ModelError
        If the file is missing, no YAML, or a field is unknown, missing or wrong; the file, the
        number and kind of the layer, the field and what is allowed are named.
    MissingExtraError
        If pyyaml is not installed.
    """
    path = Path(path)
    try:
        document = parse_yaml(path.read_bytes())
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ModelError(f"{path}: cannot be read: {reason}") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    given = _fields(document, NETWORK, str(path), path.parent)
    found = _PRODUCER.fullmatch(given["producer"])
    if found is None or found[1] != tool:
        raise ModelError(
            f"{path}: field producer: is {shown(given['producer'])}, must be {tool} and its "
            f"version, as '{tool} 1.2.3'"
        )
    sample = _fields(given.get("input", {}), INPUT, f"{path}: input", path.parent)
    scaling = {name: sample[name].tolist() for name in ("mean", "scale") if name in sample}
    return Spec(
        path=path,
        producer=given["producer"],
        tool=found[1],
        version=tuple(int(part) for part in found[2].split(".")),
        layers=_layers(given["layers"], kinds, f"{path}: ", path.parent),
        shape=sample.get("shape"),
        dtype=sample.get("dtype", "float32"),
        scaling={name: [float(value) for value in values] for name, values in scaling.items()},
        classes=given.get("classes", ()),
        features=given.get("features", ()),
        accuracy=given.get("accuracy"),
    )


def _fields(value: Any, known: Mapping[str, Field], place: str, folder: Path) -> dict[str, Any]:
    """Check a mapping against the fields that it may have."""
    allowed = ", ".join(known) or "none"
    if not isinstance(value, dict):
        raise ModelError(f"{place}: is {shown(value)}, must be a mapping with fields: {allowed}")
    for name in value:
        if name not in known:
            raise ModelError(f"{place}: the field {shown(name)} is not known; there are: {allowed}")
    for name, entry in known.items():
        if entry.required and name not in value:
            raise ModelError(f"{place}: the field {name} is missing: {entry.help}")
    checked = {}
    for name, given in value.items():
        try:
            checked[name] = known[name].check(given, folder)
        except WrongError as error:
            raise ModelError(f"{place}, field {name}: is {shown(given)}, must be {error}") from None
    return checked


def _layers(
    value: Any,
    kinds: Collection[str],
    place: str,
    folder: Path,
    within: str = "",
    depth: int = 0,
) -> tuple[Layer, ...]:
    """Check a list of layers; ``within`` is the state of the residual that they are of."""
    if not isinstance(value, list) or not value:
        raise ModelError(f"{place}layers is {shown(value)}, must be a list of layers")
    if depth > _MOST_NESTED:
        raise ModelError(f"{place}is nested too deeply")
    layers = []
    for position, entry in enumerate(value):
        if isinstance(entry, str):
            entry = {entry: {}}
        here = f"{place}layer {position}"
        if not isinstance(entry, dict) or len(entry) != 1:
            raise ModelError(f"{here}: is {shown(entry)}, must be one of: {', '.join(kinds)}")
        [(kind, given)] = entry.items()
        if kind not in kinds:
            raise ModelError(f"{here}: is {shown(kind)}, must be one of: {', '.join(kinds)}")
        here = f"{here} ({kind})"
        fields = _fields({} if given is None else given, KINDS[kind], here, folder)
        state = fields.pop("state", f"{within}{position}").rstrip(".")
        inner = fields.pop("layers", None)
        parts: tuple[Layer, ...] = ()
        if inner is not None:
            parts = _layers(inner, kinds, f"{here}: ", folder, f"{state}.", depth + 1)
        layers.append(Layer(kind, position, state, fields, here, parts))
    return tuple(layers)


def missing_spec(reason: str, producer: str, layers: Sequence[tuple[str, str, str]]) -> ModelError:
    """Say what a checkpoint lacks, with a spec for the user to complete.

    Parameters
    ----------
    reason
        What is missing in it, and why that matters.
    producer
        Tool and version, as in a spec; the version may be ``TODO``.
    layers
        Kind, fields and remark of each layer; fields are YAML in one line, with ``TODO``
        for what the user must say.
    """
    lines = [f"producer: {producer}", "input: {shape: [TODO], dtype: float32}", "layers:"]
    for kind, fields, remark in layers:
        entry = f"  - {kind}: {{{fields}}}"
        lines.append(f"{entry:<60}  # {remark}" if remark else entry)
    lines += ["# classes: [...]", "# features: [...]", "# accuracy: 0.9"]
    return ModelError(
        f"{reason}. Describe the network in a file such as this, with what is right in place of "
        "every TODO, and give it as the spec:\n\n" + "\n".join(lines) + "\n"
    )
