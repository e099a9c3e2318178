"""Checkpoints of treelite, version 4: the bytes that ``treelite.Model.serialize`` writes.

https://treelite.readthedocs.io/en/latest/serialization/v4.html specifies them: fields in a fixed
order, little-endian; an array is a uint64 length and its elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lgnx.ops.errors import ModelError

__all__ = ["Checkpoint", "parse"]

MAJOR_VERSION = 4
_TYPES: dict[int, np.dtype[Any]] = {2: np.dtype("<f4"), 3: np.dtype("<f8")}
_U8, _I8, _I32, _U32, _U64, _F32, _F64 = map(np.dtype, "u1 i1 <i4 <u4 <u8 <f4 <f8".split())
_PLAIN = (_U8, _I8, _I32, _U32, _U64, _F32, _F64)
_BOOL = _U8  # one byte; anything but 0 is true

# Name and type of each field; "threshold" and "leaf" are types that the checkpoint chooses.
_HEADER: tuple[tuple[str, Any], ...] = (
    ("num_feature", _I32),
    ("task_type", _U8),
    ("average_tree_output", _BOOL),
    ("num_target", _I32),
    ("num_class", [_I32]),
    ("leaf_vector_shape", [_I32]),
    ("target_id", [_I32]),
    ("class_id", [_I32]),
    ("postprocessor", [_U8]),
    ("sigmoid_alpha", _F32),
    ("ratio_c", _F32),
    ("base_scores", [_F64]),
    ("attributes", [_U8]),
    ("optional fields", _I32),
)
_TREE: tuple[tuple[str, Any], ...] = (
    ("num_nodes", _I32),
    ("has_categorical_split", _BOOL),
    ("node_type", [_I8]),
    ("cleft", [_I32]),
    ("cright", [_I32]),
    ("split_index", [_I32]),
    ("default_left", [_BOOL]),
    ("leaf_value", ["leaf"]),
    ("threshold", ["threshold"]),
    ("cmp", [_I8]),
    ("category_list_right_child", [_BOOL]),
    ("leaf_vector", ["leaf"]),
    ("leaf_vector_begin", [_U64]),
    ("leaf_vector_end", [_U64]),
    ("category_list", [_U32]),
    ("category_list_begin", [_U64]),
    ("category_list_end", [_U64]),
    ("data_count", [_U64]),
    ("data_count_present", [_BOOL]),
    ("sum_hess", [_F64]),
    ("sum_hess_present", [_BOOL]),
    ("gain", [_F64]),
    ("gain_present", [_BOOL]),
    ("optional fields", _I32),
    ("optional fields of nodes", _I32),
)
_OF_NODES = {
    "node_type",
    "cleft",
    "cright",
    "split_index",
    "default_left",
    "leaf_value",
    "threshold",
    "cmp",
    "leaf_vector_begin",
    "leaf_vector_end",
}


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes
    ----------
    header
        Fields of the model, by name: numbers or arrays.
    trees
        Fields of each tree, by name; those of nodes are all of one length.
    """

    header: dict[str, Any]
    trees: list[dict[str, Any]]


def parse(data: bytes, where: str) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    ModelError
        If it is truncated, of another version, or its arrays do not fit together; the message
        names the file and the field.
    """
    reader = _Reader(data, where)
    version = [int(reader.number(_I32, name)) for name in ("major_ver", "minor_ver", "patch_ver")]
    if version[0] != MAJOR_VERSION:
        raise ModelError(
            f"{where}: is no checkpoint of treelite 4: its version is {'.'.join(map(str, version))}"
        )
    for name in ("threshold", "leaf"):
        kind = int(reader.number(_U8, f"{name} type"))
        if kind not in _TYPES:
            raise ModelError(
                f"{where}: field {name} type: is {kind}, must be 2 (float32) or 3 (float64)"
            )
        reader.types[name] = _TYPES[kind]
    n_trees = int(reader.number(_U64, "num_tree"))
    header = reader.fields(_HEADER, "")
    trees = []
    for number in range(n_trees):
        fields = reader.fields(_TREE, f"tree {number}, ")
        for name in _OF_NODES:
            if len(fields[name]) != fields["num_nodes"]:
                raise ModelError(
                    f"{where}: tree {number}, field {name}: {len(fields[name])} entries, must be "
                    f"{fields['num_nodes']}"
                )
        trees.append(fields)
    if reader.at != len(data):
        raise ModelError(f"{where}: {len(data) - reader.at} bytes follow the last tree")
    return Checkpoint(header, trees)


class _Reader:
    """Takes fields from bytes, never beyond their end."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where, self.at = data, where, 0
        self.types: dict[Any, np.dtype[Any]] = {kind: kind for kind in _PLAIN}

    def array(self, kind: np.dtype, count: int, name: str) -> np.ndarray:
        if count * kind.itemsize > len(self.data) - self.at:
            raise ModelError(
                f"{self.where}: {name}: {count} entries, but {len(self.data) - self.at} bytes are "
                "left; the checkpoint is truncated or damaged"
            )
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += count * kind.itemsize
        return found

    def number(self, kind: np.dtype, name: str) -> Any:
        return self.array(kind, 1, name)[0]

    def fields(self, layout: tuple[tuple[str, Any], ...], prefix: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, kind in layout:
            of = f"{prefix}field {name}"
            if isinstance(kind, list):
                count = int(self.number(_U64, of))
                (element,) = kind
                found[name] = self.array(self.types[element], count, of)
            else:
                found[name] = int(self.number(kind, of)) if kind != _F32 else self.number(kind, of)
            if name.startswith("optional") and found[name]:
                raise ModelError(f"{self.where}: {of}: {found[name]} of them, must be 0")
        return found
