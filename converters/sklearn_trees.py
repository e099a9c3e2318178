"""Decision trees and forests of scikit-learn, as logic networks.

scikit-learn rounds samples to float32 and goes left where ``x <= threshold``, a float64. The bit of
a test is ``x > t``, where t is the largest float32 that is no larger than the threshold: the
decisions are the same for every float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.formats import Format, Option
from lgnx.converters.trees_forest import MAX_BITS, SCORES, Forest, check_choice, forest_to_model
from lgnx.converters.trees_votes import VOTES, averaged_votes
from lgnx.metadata import ACCURACY, CLASS_NAMES, FEATURE_NAMES, TRAINING_TOOL
from lgnx.ops.errors import InputError, require

__all__ = ["FORMAT", "from_sklearn", "is_tree_estimator"]


def from_sklearn(
    estimator: Any,
    *,
    vote: str | None = None,
    dtype: str = "float64",
    feature_names: Sequence[str] | None = None,
    accuracy: float | str | None = None,
    max_bits: int = MAX_BITS,
) -> onnx.ModelProto:
    """Turn a fitted classifier of decision trees into a model.

    Parameters
    ----------
    estimator
        A fitted DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier or
        ExtraTreesClassifier with one output.
    vote
        ``"hard"``: each tree has one vote, for the class of its leaf. ``"soft"``: each tree votes
        in proportion to the probabilities of its leaf, as scikit-learn's forests do. None: hard for
        a single tree; for a forest whose leaves are all pure, where both are the same; forests with
        other leaves are refused.
    dtype
        Of the scores: ``"float64"`` or ``"float32"`` for votes by the largest sum of votes, which
        are probabilities; ``"int32"`` for the votes.
    feature_names
        Names of the features, for the metadata; else those that the estimator was fitted with.
    accuracy
        Accuracy on test data, for the metadata.
    max_bits
        Largest number of bits that may be counted; bounds soft votes.

    Returns
    -------
    onnx.ModelProto
        ``x`` float32 [batch, features] to ``scores`` [batch, classes]; class i is
        ``estimator.classes_[i]``.

    Raises
    ------
    InputError
        If the estimator is of another kind or not fitted, or an argument is none of its values.
    ModelError
        If leaves are not pure and no vote is given, or their probabilities are no whole numbers of
        votes; the message names the tree and the leaf.
    """
    check_choice("vote", vote, (None, *VOTES))
    check_choice("dtype", dtype, SCORES)
    where = type(estimator).__name__
    trees = _fitted_trees(estimator)
    forest, values = _forest([tree.tree_ for tree in trees], estimator.n_features_in_)
    forest.validate(where)
    leaves = np.flatnonzero(forest.leaves)
    votes = averaged_votes(values, leaves, forest.n_trees, vote, max_bits, forest.place, where)
    return forest_to_model(
        forest,
        votes,
        dtype=dtype,
        metadata=_metadata(estimator, feature_names, accuracy),
        where=where,
        max_bits=max_bits,
    )


def is_tree_estimator(found: Any) -> bool:
    """Tell whether an object is an estimator of scikit-learn, without importing it."""
    return any(base.__module__.startswith("sklearn.") for base in type(found).__mro__)


def _fitted_trees(estimator: Any) -> list[Any]:
    """The trees of an estimator that can be converted."""
    ensemble = require("sklearn.ensemble", extra="trees")
    single = require("sklearn.tree", extra="trees").DecisionTreeClassifier
    forests = (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
    name = type(estimator).__name__
    if not isinstance(estimator, (single, *forests)):
        raise InputError(
            f"{name}: must be a DecisionTreeClassifier, ExtraTreeClassifier, "
            "RandomForestClassifier or ExtraTreesClassifier; sums of numbers, as of regressors "
            "and boosted trees, are no votes"
        )
    fitted = hasattr(estimator, "tree_" if isinstance(estimator, single) else "estimators_")
    if not fitted:
        raise InputError(f"{name}: is not fitted; call its fit first")
    if estimator.n_outputs_ != 1:
        raise InputError(f"{name}: has {estimator.n_outputs_} outputs, must have 1")
    return [estimator] if isinstance(estimator, single) else list(estimator.estimators_)


def _forest(trees: list[Any], n_features: int) -> tuple[Forest, np.ndarray]:
    """Number all nodes through; gives also the probabilities of each, float64 [n, classes]."""
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    parts = list(zip(starts.tolist(), trees, strict=False))

    def children(side: str) -> np.ndarray:
        ends = [(start, getattr(tree, side)) for start, tree in parts]
        return np.concatenate([np.where(end < 0, -1, end + start) for start, end in ends])

    threshold = np.concatenate([tree.threshold for tree in trees])
    left = children("children_left")
    forest = Forest(
        n_features=n_features,
        starts=starts,
        feature=np.concatenate([tree.feature for tree in trees]).astype(np.int64),
        threshold=_float32_below(threshold),
        strict=True,
        left=left,
        right=children("children_right"),
        missing_right=~np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool),
    )
    return forest, np.concatenate([tree.value[:, 0, :] for tree in trees])


def _float32_below(thresholds: np.ndarray) -> np.ndarray:
    """Give the largest float32 that is no larger, so x <= both for the same float32 x."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    above = near.astype(np.float64) > thresholds
    near[above] = np.nextafter(near[above], np.float32(-np.inf))
    return near


def _metadata(
    estimator: Any, feature_names: Sequence[str] | None, accuracy: float | str | None
) -> dict[str, Any]:
    names = feature_names
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    if names is not None and len(names) != estimator.n_features_in_:
        raise InputError(
            f"feature_names: {len(names)} names, the estimator has {estimator.n_features_in_} "
            "features"
        )
    version = require("sklearn", extra="trees").__version__
    return {
        FEATURE_NAMES: None if names is None else [str(name) for name in names],
        CLASS_NAMES: [str(name) for name in estimator.classes_.tolist()],
        TRAINING_TOOL: f"scikit-learn {version}",
        ACCURACY: None if accuracy is None else str(accuracy),
    }


def _convert(
    estimator: Any, vote: str = "", dtype: str = "float64", max_bits: int = MAX_BITS
) -> onnx.ModelProto:
    return from_sklearn(estimator, vote=vote or None, dtype=dtype, max_bits=max_bits)


def _refuse(path: Path, **options: Any) -> onnx.ModelProto:
    raise InputError(
        f"{path}: a pickled estimator runs whatever code is in the file when it is loaded, so lgnx "
        "does not load it. Where you trust it, load it in a Python file and run: lgnx export "
        "file.py:estimator -o model.onnx"
    )


FORMAT = Format(
    name="scikit-learn",
    title="decision trees and forests of scikit-learn",
    suffixes=(".joblib", ".pkl", ".pickle", ".skops"),
    read=_refuse,
    read_options=(
        Option("vote", str, "", "how leaves vote that are not pure", VOTES),
        Option("dtype", str, "float64", "type of the scores; int32 gives votes", SCORES),
        Option("max_bits", int, MAX_BITS, "largest number of bits that may be counted"),
    ),
    reads="fitted classifiers, given as Python objects: one LogicNetwork; pickles are refused",
    extra="trees",
    python="lgnx.converters.sklearn_trees.from_sklearn(estimator)",
    takes=is_tree_estimator,
    convert=_convert,
)
