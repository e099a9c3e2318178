"""Samples and forests that the tests of decision trees share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import onnx
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

import lgnx

DATA = {"digits": load_digits, "breast_cancer": load_breast_cancer}
ESTIMATORS = {
    "tree": DecisionTreeClassifier(random_state=0),
    "shallow tree": DecisionTreeClassifier(max_depth=4, random_state=0),
    "random forest": RandomForestClassifier(20, random_state=0),
    "even forest": RandomForestClassifier(2, random_state=1),
    "extra trees": ExtraTreesClassifier(10, random_state=0),
}
CASES = [(data, name) for data in DATA for name in ESTIMATORS]


@cache
def fitted(data: str, name: str) -> tuple[Any, np.ndarray]:
    """Give an estimator fitted to a set of data, and the samples."""
    from sklearn.base import clone

    x, y = DATA[data](return_X_y=True)
    return clone(ESTIMATORS[name]).fit(x, y), x.astype(np.float32)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """Give the scores of onnxruntime with lgnx's kernels."""
    lgnx.check_or_raise(model)
    return lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


def corners(estimator: Any, x: np.ndarray) -> np.ndarray:
    """Samples in which features meet a threshold, are the numbers beside it, extreme or missing."""
    rng = np.random.default_rng(0)
    trees = getattr(estimator, "estimators_", [estimator])
    pairs = {
        (feature, threshold)
        for tree in trees
        for feature, threshold in zip(tree.tree_.feature, tree.tree_.threshold, strict=True)
        if feature >= 0
    }
    rows = []
    for feature, threshold in sorted(pairs)[:: max(1, len(pairs) // 300)]:
        with np.errstate(over="ignore"):
            near = np.float32(threshold)
        values = [near, np.nextafter(near, np.float32(np.inf))]
        values += [np.nextafter(near, np.float32(-np.inf)), np.float32(-0.0)]
        for value in values:
            row = x[rng.integers(len(x))].copy()
            row[feature] = value
            rows.append(row)
    large = np.finfo(x.dtype).max
    rows += [np.full(x.shape[1], v, x.dtype) for v in (large, -large, 0.0, -0.0, 1e-45)]
    gaps = x[rng.integers(len(x), size=200)].copy()
    gaps[rng.random(gaps.shape) < 0.3] = np.nan
    rows += [*gaps, np.full(x.shape[1], np.nan, x.dtype)]
    found = np.array(rows, x.dtype)
    return found[~np.isinf(found).any(axis=1)]  # which sklearn refuses
