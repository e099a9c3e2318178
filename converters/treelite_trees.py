"""Tree ensembles that treelite reads, as logic networks: XGBoost, LightGBM, scikit-learn, cuML.

treelite reads the files; what it has read is checked again before use. Every test becomes
``x >= t``, so that ``x >= -inf`` tells NaN from all other numbers.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.formats import Format, Option
from lgnx.converters.treelite_checkpoint import Checkpoint, parse
from lgnx.converters.trees_forest import MAX_BITS, SCORES, Forest, check_choice, forest_to_model
from lgnx.converters.trees_votes import VOTES, averaged_votes, summed_votes
from lgnx.metadata import SOURCE_FORMAT
from lgnx.ops.errors import InputError, ModelError, require

__all__ = ["FORMAT", "from_checkpoint", "from_treelite", "is_treelite_model"]

# The numbers of treelite's own enumerations.
_BINARY, _MULTI = 0, 2
_TASKS = {0: "kBinaryClf", 1: "kRegressor", 2: "kMultiClf", 3: "kLearningToRank"}
_LEAF, _NUMERICAL = 0, 1
_MAX_VALUES = 1 << 28
_LESS, _LESS_EQUAL, _GREATER, _GREATER_EQUAL = _COMPARISONS = 2, 3, 4, 5


def from_treelite(
    model: Any,
    *,
    vote: str | None = None,
    dtype: str | None = None,
    steps: int = 0,
    max_bits: int = MAX_BITS,
    where: str = "model",
) -> onnx.ModelProto:
    """Turn a classifier of treelite into a model.

    Parameters
    ----------
    model
        A ``treelite.Model`` with one target and without categorical tests.
    vote
        Of models that average the outputs of their trees: ``"hard"``: each tree has one vote, for
        the class of its leaf. ``"soft"``: each tree votes in proportion to its leaf's values.
        None: hard, if there is one tree or all leaves are pure.
    dtype
        Of the scores: ``"float64"``, ``"float32"`` or ``"int32"``, the votes themselves; None for
        that of the model's leaves.
    steps
        Of models that add up the outputs of their trees: these are rounded to multiples of
        1 / steps, a power of two. This makes another model of it. 0: nothing is rounded.
    max_bits
        Largest number of bits that may be counted.
    where
        Name of the model in messages.

    Returns
    -------
    onnx.ModelProto
        ``x`` [batch, features] of the type of the thresholds to ``scores`` [batch, classes], which
        are what ``treelite.gtil.predict(..., pred_margin=True)`` gives. A model with one score has
        the two classes 0 and that score.

    Raises
    ------
    InputError
        If an argument is none of its values.
    ModelError
        If the model is no classifier, has other tests than comparisons, or leaves whose values are
        no whole numbers of votes; the message names the tree and the node.
    """
    return from_checkpoint(
        parse(model.serialize_bytes(), where),
        vote=vote,
        dtype=dtype,
        steps=steps,
        max_bits=max_bits,
        where=where,
    )


def is_treelite_model(found: Any) -> bool:
    """Tell whether an object is a model of treelite, without importing it."""
    return type(found).__module__.startswith("treelite.") and hasattr(found, "serialize_bytes")


def _convert_object(
    model: Any, vote: str = "", dtype: str = "", steps: int = 0, max_bits: int = MAX_BITS
) -> onnx.ModelProto:
    return from_treelite(
        model, vote=vote or None, dtype=dtype or None, steps=steps, max_bits=max_bits
    )


def from_checkpoint(
    checkpoint: Checkpoint,
    *,
    vote: str | None = None,
    dtype: str | None = None,
    steps: int = 0,
    max_bits: int = MAX_BITS,
    where: str = "model",
) -> onnx.ModelProto:
    """Turn a checkpoint into a model, as `from_treelite` does a ``treelite.Model``."""
    check_choice("vote", vote, (None, *VOTES))
    check_choice("dtype", dtype, (None, *SCORES))
    if steps < 0 or steps & (steps - 1):
        raise InputError(f"steps: {steps}, must be 0 or a power of two")
    header, trees = _header(checkpoint, where), checkpoint.trees
    forest = _forest(trees, header.n_features, where)
    forest.validate(where)
    values = _values(trees, header, where)
    leaves = np.flatnonzero(forest.leaves)
    if header.averaged and steps:
        raise InputError(f"steps: {steps} is for models that add up their trees, not that average")
    if header.averaged:
        votes = averaged_votes(values, leaves, forest.n_trees, vote, max_bits, forest.place, where)
    elif vote is not None:
        raise InputError(f"vote: {vote!r} is for models that average their trees, not that add up")
    else:
        base = header.base
        if steps:
            values, base = (np.rint(part * steps) / steps for part in (values, base))
        trees_of = forest.trees()[leaves]
        votes = summed_votes(values, leaves, trees_of, base, forest.place, where)
    return forest_to_model(
        forest,
        votes,
        dtype=dtype or values.dtype.name,
        metadata={SOURCE_FORMAT: "treelite"},
        where=where,
        max_bits=max_bits,
    )


@dataclass(frozen=True)
class _Header:
    """What holds for all trees; scores of classes [classes] unless ``single``."""

    n_features: int
    n_classes: int
    averaged: bool
    single: bool
    classes: np.ndarray
    base: np.ndarray


def _header(checkpoint: Checkpoint, where: str) -> _Header:
    """Check that the model is a classifier, and give what holds for all trees."""
    fields, n_trees = checkpoint.header, len(checkpoint.trees)
    task, counts = fields["task_type"], fields["num_class"]
    if task not in (_BINARY, _MULTI):
        name = _TASKS.get(task, str(task))
        raise ModelError(f"{where}: its task is {name}; only kBinaryClf and kMultiClf are classes")
    if fields["num_target"] != 1 or len(counts) != 1:
        raise ModelError(f"{where}: has {fields['num_target']} targets, must have 1")
    n_classes, n_features = int(counts[0]), fields["num_feature"]
    if not n_trees or n_features < 1 or n_classes < 1:
        raise ModelError(
            f"{where}: has {n_trees} trees, {n_features} features and {n_classes} classes; must "
            "have some of each"
        )
    averaged, classes = bool(fields["average_tree_output"]), fields["class_id"]
    if len(classes) != n_trees or (classes < -1).any() or (classes >= n_classes).any():
        raise ModelError(f"{where}: field class_id: must have -1 to {n_classes - 1} for each tree")
    base = fields["base_scores"]
    if len(base) != n_classes:
        raise ModelError(f"{where}: field base_scores: {len(base)} entries, must be {n_classes}")
    single = n_classes == 1
    if averaged and (single or base.any() or (classes >= 0).any()):
        raise ModelError(
            f"{where}: averages single scores, or adds base scores to averages; only averages of "
            "the probabilities of all classes are votes"
        )
    return _Header(
        n_features=n_features,
        n_classes=2 if single else n_classes,
        averaged=averaged,
        single=single,
        classes=classes,
        base=np.append(0.0, base) if single else base,
    )


def _forest(trees: list[dict[str, Any]], n_features: int, where: str) -> Forest:
    """Number all nodes through and turn every comparison into x >= t."""
    starts = np.cumsum([0, *(len(tree["cleft"]) for tree in trees)])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([tree[name] for tree in trees])

    kinds, compare = joined("node_type"), joined("cmp")
    inner = kinds != _LEAF
    first = np.repeat(starts[:-1], np.diff(starts))
    left, right = (
        np.where(inner, joined(side).astype(np.int64) + first, -1) for side in ("cleft", "cright")
    )
    childless = (joined("cleft") < 0) | (joined("cright") < 0)
    threshold = joined("threshold")
    threshold = threshold + threshold.dtype.type(0)  # -0.0 is 0.0
    # A node goes left where the comparison holds. With > and >= its sides change places.
    after = inner & np.isin(compare, (_LESS_EQUAL, _GREATER))
    never = after & (threshold == np.inf)
    threshold[after] = np.nextafter(threshold[after], threshold.dtype.type(np.inf))
    unordered = inner & np.isnan(threshold)
    threshold[never] = np.nan
    swap = np.isin(compare, (_GREATER, _GREATER_EQUAL))
    forest = Forest(
        n_features=n_features,
        starts=starts,
        feature=joined("split_index").astype(np.int64),
        threshold=threshold,
        strict=False,
        left=np.where(swap, right, left),
        right=np.where(swap, left, right),
        missing_right=(joined("default_left") != 0) == swap,
    )
    for wrong, what in (
        (inner & (kinds != _NUMERICAL), "tests categories; only comparisons of numbers are bits"),
        (inner & ~np.isin(compare, _COMPARISONS), "its comparison is none of <, <=, > and >="),
        (unordered, "its threshold is NaN"),
        (inner & childless, "has no children, and is no leaf"),
    ):
        if wrong.any():
            raise ModelError(f"{where}: {forest.place(int(np.argmax(wrong)))}: {what}")
    return forest


def _values(trees: list[dict[str, Any]], header: _Header, where: str) -> np.ndarray:
    """What each node adds to the scores, floats [n, classes]."""
    n_nodes = sum(len(tree["cleft"]) for tree in trees)
    if n_nodes * header.n_classes > _MAX_VALUES:
        raise ModelError(
            f"{where}: {n_nodes} nodes and {header.n_classes} classes are too many: their product "
            f"must be at most {_MAX_VALUES}"
        )
    rows = []
    for number, (tree, group) in enumerate(zip(trees, header.classes.tolist(), strict=True)):
        row = np.zeros((len(tree["cleft"]), header.n_classes), tree["leaf_value"].dtype)
        leaves = np.flatnonzero(tree["node_type"] == _LEAF)
        begin, end = (
            edge[leaves].astype(np.int64)
            for edge in (tree["leaf_vector_begin"], tree["leaf_vector_end"])
        )
        if group >= 0 or header.single:
            row[leaves, 1 if header.single else group] = tree["leaf_value"][leaves]
        elif (
            (end - begin == header.n_classes) & (begin >= 0) & (end <= len(tree["leaf_vector"]))
        ).all():
            row[leaves] = tree["leaf_vector"][begin[:, None] + np.arange(header.n_classes)]
        else:
            raise ModelError(
                f"{where}: tree {number}: its leaves must have {header.n_classes} values each"
            )
        rows.append(row)
    return np.concatenate(rows)


def _read(
    path: Path, vote: str = "", dtype: str = "", steps: int = 0, max_bits: int = MAX_BITS
) -> onnx.ModelProto:
    start = _start(path)
    if start.startswith(b"tree") or b"learner" in start:
        data = _through_treelite(path, start)
    else:
        data = path.read_bytes()
    return from_checkpoint(
        parse(data, str(path)),
        vote=vote or None,
        dtype=dtype or None,
        steps=steps,
        max_bits=max_bits,
        where=str(path),
    )


def _through_treelite(path: Path, start: bytes) -> bytes:
    """Checkpoint of a model of LightGBM or XGBoost."""
    treelite = require("treelite", extra="trees")
    try:
        with redirect_stdout(StringIO()):  # treelite prints there what it does not like
            if start.startswith(b"tree"):
                if b"\nend of trees" not in path.read_bytes():
                    raise ValueError("it has no line 'end of trees', so it is truncated")
                model = treelite.frontend.load_lightgbm_model(path)
            else:
                kind = "json" if start.lstrip().startswith(b'{"') else "ubjson"
                model = treelite.frontend.load_xgboost_model(path, format_choice=kind)
            return model.serialize_bytes()
    except (treelite.TreeliteError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        reason = reason.partition(": ")[2] or reason
        raise ModelError(f"{path}: treelite cannot read it: {reason}") from None


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None


def _sniff(path: Path) -> bool:
    start = _start(path)
    if path.suffix.lower() == ".txt":
        return start.startswith(b"tree\n")
    return path.suffix.lower() == ".tl" or b"learner" in start


FORMAT = Format(
    name="treelite",
    title="tree ensembles that treelite reads: its checkpoints, XGBoost, LightGBM",
    suffixes=(".tl", ".json", ".ubj", ".txt"),
    read=_read,
    read_options=(
        Option("vote", str, "", "how leaves vote whose probabilities are averaged", VOTES),
        Option("dtype", str, "", "type of the scores; int32 gives votes", SCORES),
        Option("steps", int, 0, "round what trees add to multiples of 1/steps: another model"),
        Option("max_bits", int, MAX_BITS, "largest number of bits that may be counted"),
    ),
    reads="classifiers whose leaves are whole numbers of votes: one LogicNetwork",
    extra="trees",
    python="lgnx.converters.treelite_trees.from_treelite(model)",
    sniff=_sniff,
    takes=is_treelite_model,
    convert=_convert_object,
)
