"""Tree ensembles that treelite reads, as logic networks: XGBoost, LightGBM, scikit-learn, cuML.

treelite reads the files; what it has read is checked again before use. Every test becomes
``x >= t``, so that ``x >= -inf`` tells NaN from all other numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.formats import Format, Option
from lgnx.converters.trees_forest import MAX_BITS, SCORES, Forest, check_choice, forest_to_model
from lgnx.converters.trees_votes import VOTES, averaged_votes, summed_votes
from lgnx.metadata import SOURCE_FORMAT
from lgnx.ops.errors import InputError, ModelError, require

__all__ = ["FORMAT", "from_treelite", "is_treelite_model"]

# The numbers of treelite's own enumerations.
_BINARY, _MULTI = 0, 2
_TASKS = {0: "kBinaryClf", 1: "kRegressor", 2: "kMultiClf", 3: "kLearningToRank"}
_LEAF, _NUMERICAL = 0, 1
_LESS, _LESS_EQUAL, _GREATER, _GREATER_EQUAL = _COMPARISONS = 2, 3, 4, 5
_FIELDS = (
    "node_type",
    "cleft",
    "cright",
    "split_index",
    "threshold",
    "cmp",
    "default_left",
    "leaf_value",
    "leaf_vector",
    "leaf_vector_begin",
    "leaf_vector_end",
)


def from_treelite(
    model: Any,
    *,
    vote: str | None = None,
    dtype: str | None = None,
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
    check_choice("vote", vote, (None, *VOTES))
    check_choice("dtype", dtype, (None, *SCORES))
    header = _header(model, where)
    trees = [_Tree.of(model, number, where) for number in range(model.num_tree)]
    forest = _forest(trees, header.n_features, where)
    forest.validate(where)
    values = _values(trees, header, where)
    leaves = np.flatnonzero(forest.leaves)
    if header.averaged:
        votes = averaged_votes(values, leaves, forest.n_trees, vote, max_bits, forest.place, where)
    elif vote is not None:
        raise InputError(f"vote: {vote!r} is for models that average their trees, not that add up")
    else:
        trees_of = forest.trees()[leaves]
        votes = summed_votes(values, leaves, trees_of, header.base, forest.place, where)
    return forest_to_model(
        forest,
        votes,
        dtype=dtype or values.dtype.name,
        metadata={SOURCE_FORMAT: "treelite"},
        where=where,
        max_bits=max_bits,
    )


def is_treelite_model(found: Any) -> bool:
    """Tell whether an object is a model of treelite, without importing it."""
    return type(found).__module__.startswith("treelite.") and hasattr(found, "get_tree_accessor")


@dataclass(frozen=True)
class _Header:
    """What holds for all trees; scores of classes [classes] unless ``single``."""

    n_features: int
    n_classes: int
    averaged: bool
    single: bool
    classes: np.ndarray
    base: np.ndarray


@dataclass(frozen=True)
class _Tree:
    """The fields of one tree, [nodes]."""

    kinds: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    comparison: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    vector: np.ndarray
    vector_begin: np.ndarray
    vector_end: np.ndarray

    @staticmethod
    def of(model: Any, number: int, where: str) -> _Tree:
        """Read a tree, and check that its fields are of one length."""
        accessor = model.get_tree_accessor(number)
        tree = _Tree(*(np.array(accessor.get_field(name)) for name in _FIELDS))
        count = len(tree.kinds)
        for name, field in zip(_FIELDS, vars(tree).values(), strict=True):
            if len(field) != count and name != "leaf_vector":
                raise ModelError(
                    f"{where}: tree {number}, field {name}: {len(field)} entries, must be {count}"
                )
        return tree


def _header(model: Any, where: str) -> _Header:
    """Read what holds for all trees, and check that it is a classifier."""
    accessor = model.get_header_accessor()

    def field(name: str) -> np.ndarray:
        return np.array(accessor.get_field(name))

    task = int(field("task_type")[0])
    if task not in (_BINARY, _MULTI):
        name = _TASKS.get(task, str(task))
        raise ModelError(f"{where}: its task is {name}; only kBinaryClf and kMultiClf are classes")
    targets, counts = int(field("num_target")[0]), field("num_class")
    if targets != 1 or len(counts) != 1:
        raise ModelError(f"{where}: has {targets} targets, must have 1")
    n_classes, n_features = int(counts[0]), int(field("num_feature")[0])
    if n_features < 1 or n_classes < 1:
        raise ModelError(f"{where}: has {n_features} features and {n_classes} classes")
    averaged, classes = bool(field("average_tree_output")[0]), field("class_id").astype(np.int64)
    if len(classes) != model.num_tree or (classes < -1).any() or (classes >= n_classes).any():
        raise ModelError(f"{where}: field class_id: must have -1 to {n_classes - 1} for each tree")
    base = field("base_scores").astype(np.float64)
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


def _forest(trees: list[_Tree], n_features: int, where: str) -> Forest:
    """Number all nodes through and turn every comparison into x >= t."""
    starts = np.cumsum([0, *(len(tree.kinds) for tree in trees)])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(tree, name) for tree in trees])

    kinds, compare = joined("kinds"), joined("comparison")
    inner = kinds != _LEAF
    first = np.repeat(starts[:-1], np.diff(starts))
    left, right = (
        np.where(inner, joined(side).astype(np.int64) + first, -1) for side in ("left", "right")
    )
    threshold = joined("threshold")
    threshold = threshold + threshold.dtype.type(0)  # -0.0 is 0.0
    # A node goes left where the comparison holds. With > and >= its sides change places.
    after = inner & np.isin(compare, (_LESS_EQUAL, _GREATER))
    threshold[after] = np.nextafter(threshold[after], threshold.dtype.type(np.inf))
    swap = np.isin(compare, (_GREATER, _GREATER_EQUAL))
    forest = Forest(
        n_features=n_features,
        starts=starts,
        feature=joined("feature").astype(np.int64),
        threshold=threshold,
        strict=False,
        left=np.where(swap, right, left),
        right=np.where(swap, left, right),
        missing_right=(joined("missing_left") != 0) == swap,
    )
    for wrong, what in (
        (inner & (kinds != _NUMERICAL), "tests categories; only comparisons of numbers are bits"),
        (inner & ~np.isin(compare, _COMPARISONS), "its comparison is none of <, <=, > and >="),
        (inner & np.isnan(threshold), "its threshold is NaN"),
    ):
        if wrong.any():
            raise ModelError(f"{where}: {forest.place(int(np.argmax(wrong)))}: {what}")
    return forest


def _values(trees: list[_Tree], header: _Header, where: str) -> np.ndarray:
    """What each node adds to the scores, floats [n, classes]."""
    rows = []
    for number, (tree, group) in enumerate(zip(trees, header.classes.tolist(), strict=True)):
        row = np.zeros((len(tree.kinds), header.n_classes), tree.value.dtype)
        leaves = np.flatnonzero(tree.kinds == _LEAF)
        begin, end = (
            edge[leaves].astype(np.int64) for edge in (tree.vector_begin, tree.vector_end)
        )
        if group >= 0 or header.single:
            row[leaves, 1 if header.single else group] = tree.value[leaves]
        elif ((end - begin == header.n_classes) & (begin >= 0) & (end <= len(tree.vector))).all():
            row[leaves] = tree.vector[begin[:, None] + np.arange(header.n_classes)]
        else:
            raise ModelError(
                f"{where}: tree {number}: its leaves must have {header.n_classes} values each"
            )
        rows.append(row)
    return np.concatenate(rows)


def _read(path: Path, vote: str = "", dtype: str = "", max_bits: int = MAX_BITS) -> onnx.ModelProto:
    treelite = require("treelite", extra="trees")
    start = _start(path)
    try:
        if start.startswith(b"tree"):
            model = treelite.frontend.load_lightgbm_model(path)
        elif b"learner" in start:
            kind = "json" if path.suffix.lower() == ".json" else "ubjson"
            model = treelite.frontend.load_xgboost_model(path, format_choice=kind)
        else:
            model = treelite.Model.deserialize(path)
    except (treelite.TreeliteError, ValueError) as error:
        reason = str(error).splitlines()[0].partition(": ")[2] or str(error)
        raise ModelError(f"{path}: treelite cannot read it: {reason}") from None
    return from_treelite(
        model, vote=vote or None, dtype=dtype or None, max_bits=max_bits, where=str(path)
    )


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
        Option("vote", str, "", "how leaves vote whose probabilities are averaged", ("", *VOTES)),
        Option("dtype", str, "", "type of the scores; int32 gives votes", ("", *SCORES)),
        Option("max_bits", int, MAX_BITS, "largest number of bits that may be counted"),
    ),
    reads="classifiers whose leaves are whole numbers of votes: one LogicNetwork",
    extra="trees",
    python="lgnx.converters.treelite_trees.from_treelite(model)",
    sniff=_sniff,
)
