"""The vocabulary of metadata: reading, setting, and what is refused."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from lgnx.metadata import CLASS_NAMES, KEYS, get, get_names, with_metadata
from lgnx.ops.errors import InputError, ModelError


def empty_model() -> onnx.ModelProto:
    return helper.make_model(helper.make_graph([], "g", [], []))


def test_entries_are_set_replaced_and_removed_on_a_copy() -> None:
    model = empty_model()
    named = with_metadata(model, {CLASS_NAMES: ["a", "ü"], "mine": "1"})
    assert get(model, CLASS_NAMES) is None
    assert get(named, CLASS_NAMES) == '["a", "ü"]'
    assert get_names(named, CLASS_NAMES, 2) == ("a", "ü")
    changed = with_metadata(named, {"mine": "2", CLASS_NAMES: None})
    assert {entry.key: entry.value for entry in changed.metadata_props} == {"mine": "2"}


@pytest.mark.parametrize(("key", "value"), [("", "x"), (1, "x"), ("a", 1), ("a", ["x", 1])])
def test_other_things_than_text_are_refused(key, value) -> None:
    with pytest.raises(InputError, match="metadata"):
        with_metadata(empty_model(), {key: value})


def test_names_must_fit() -> None:
    model = with_metadata(empty_model(), {CLASS_NAMES: ["a", "b"]})
    assert get_names(model, "lgnx.feature_names", 7) is None
    with pytest.raises(ModelError, match=r"metadata 'lgnx\.class_names': has 2 names, must have 3"):
        get_names(model, CLASS_NAMES, 3)


def test_the_page_lists_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metadata.md").read_text()
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `lgnx.")]
    assert set(KEYS) <= set(listed)
