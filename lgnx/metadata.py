"""The vocabulary of a model's metadata: what lgnx's own keys mean, reading and setting them.

docs/metadata.md lists the keys for users.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from lgnx.ops.errors import InputError, ModelError

__all__ = [
    "ACCURACY",
    "CLASS_NAMES",
    "COMMENT",
    "FEATURE_NAMES",
    "FOLDED_SCALING",
    "INPUT_FORMAT",
    "INPUT_NAMES",
    "INPUT_SCALING",
    "KEYS",
    "OUTPUT_NAMES",
    "SOURCE_FORMAT",
    "TRAINING_TOOL",
    "get",
    "get_names",
    "names_of",
    "with_metadata",
]

INPUT_NAMES = "lgnx.input_names"
OUTPUT_NAMES = "lgnx.output_names"
FEATURE_NAMES = "lgnx.feature_names"
CLASS_NAMES = "lgnx.class_names"
INPUT_FORMAT = "lgnx.input_format"
INPUT_SCALING = "lgnx.input_scaling"
FOLDED_SCALING = "lgnx.folded_scaling"
TRAINING_TOOL = "lgnx.training_tool"
SOURCE_FORMAT = "lgnx.source_format"
ACCURACY = "lgnx.accuracy"
COMMENT = "lgnx.comment"

KEYS: dict[str, str] = {
    INPUT_NAMES: "JSON list: the name of each input bit, in the order of the flattened input",
    OUTPUT_NAMES: "JSON list: the name of each output bit, in the order of the flattened output",
    FEATURE_NAMES: "JSON list: the name of each number of a sample, before any thermometer",
    CLASS_NAMES: "JSON list: the name of each score or class",
    INPUT_FORMAT: "what the numbers of a sample are, such as ufixed<8,0> or 'pixels 0 to 16'",
    INPUT_SCALING: 'JSON {"mean": [...], "scale": [...]}: done to samples before the model',
    FOLDED_SCALING: 'JSON {"mean": [...], "scale": [...]}: scaling that the thresholds take in',
    TRAINING_TOOL: "what trained the network, with its version, such as 'torchlogix 0.2.2'",
    SOURCE_FORMAT: "the format of the file that the model was read from, such as 'blif'",
    ACCURACY: "accuracy on test data, as its author states it",
    COMMENT: "free text that the file held, such as the comment section of an AIGER file",
}
"""Every key and its meaning."""


def get(model: onnx.ModelProto, key: str) -> str | None:
    """Value of a key of the metadata, or None."""
    return next((entry.value for entry in model.metadata_props if entry.key == key), None)


def get_names(model: onnx.ModelProto, key: str, count: int) -> tuple[str, ...] | None:
    """Names that a key holds as a JSON list.

    Parameters
    ----------
    count
        How many there must be.

    Returns
    -------
    tuple of str or None
        None if the model has no such key.

    Raises
    ------
    ModelError
        If the value is no JSON list of ``count`` different strings.
    """
    value = get(model, key)
    return None if value is None else names_of(key, value, count)


def names_of(key: str, value: str, count: int) -> tuple[str, ...]:
    """Names that the value of a key holds; see `get_names`."""
    try:
        names = json.loads(value)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(f"metadata {key!r}: must be a JSON list of strings")
    if len(names) != count:
        raise ModelError(f"metadata {key!r}: has {len(names)} names, must have {count}")
    if len(set(names)) != count:
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ModelError(f"metadata {key!r}: the name {twice!r} stands there twice")
    return tuple(names)


def with_metadata(
    model: onnx.ModelProto, entries: Mapping[str, str | Sequence[str] | None]
) -> onnx.ModelProto:
    """Give a copy of a model with entries of its metadata set.

    Parameters
    ----------
    entries
        Strings as they are; sequences of strings become JSON lists; None removes a key.

    Raises
    ------
    InputError
        If a key or value is neither.
    """
    text: dict[str, str] = {}
    for key, value in entries.items():
        if not isinstance(key, str) or not key:
            raise InputError(f"metadata: the key {key!r} must be a string")
        if value is not None:
            text[key] = _as_text(key, value)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    kept = [entry for entry in model.metadata_props if entry.key not in entries]
    del result.metadata_props[:]
    result.metadata_props.extend(kept)
    for key, value in text.items():
        result.metadata_props.add(key=key, value=value)
    return result


def _as_text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return json.dumps(list(value), ensure_ascii=False)
    raise InputError(f"metadata {key!r}: must be a string or a list of strings, not {value!r}")
