"""Tree ensembles of treelite as logic networks, against treelite's own predictor."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("treelite")
pytest.importorskip("sklearn")

import treelite
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    ExtraTreesClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

import lgnx
from lgnx.converters import formats
from lgnx.converters.treelite_trees import FORMAT, from_treelite
from lgnx.metadata import SOURCE_FORMAT, get
from lgnx.ops.errors import InputError, ModelError
from tests.converters.tree_cases import corners, fitted, run

FILES = Path(__file__).parent / "trees"
BOOSTED = sorted(path.name for path in FILES.glob("*") if path.suffix != ".py")


def _load(path: Path) -> Any:
    if path.suffix == ".txt":
        return treelite.frontend.load_lightgbm_model(path)
    return treelite.frontend.load_xgboost_model(path, format_choice="inspect")


def _samples(name: str, model: Any) -> np.ndarray:
    """Real samples, some of them with missing and infinite values."""
    x = (load_breast_cancer if "breast_cancer" in name else load_iris)(return_X_y=True)[0]
    rng = np.random.default_rng(0)
    odd = x[rng.integers(len(x), size=400)]
    places = rng.random(odd.shape) < 0.3
    odd[places] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], places.sum())
    met = x[rng.integers(len(x), size=400)]
    tree = model.get_tree_accessor(0)
    inner = tree.get_field("node_type") == 1
    for feature, t in zip(
        tree.get_field("split_index")[inner], tree.get_field("threshold")[inner], strict=True
    ):
        near = [t, np.nextafter(t, t.dtype.type(np.inf)), np.nextafter(t, t.dtype.type(-np.inf))]
        met[:, feature] = rng.choice(near, len(met))
    return np.concatenate([x, odd, met]).astype(model.input_type)


def _margins(model: Any, x: np.ndarray) -> np.ndarray:
    """Scores of treelite; of one score, those of the classes 0 and 1."""
    scores = treelite.gtil.predict(model, x, pred_margin=True)[:, 0]
    return np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores


@pytest.mark.parametrize("data", ["digits", "breast_cancer"])
@pytest.mark.parametrize("name", ["random forest", "even forest", "extra trees"])
def test_forests_give_the_bits_of_treelite_and_sklearn(data: str, name: str) -> None:
    estimator, x = fitted(data, name)
    forest = treelite.sklearn.import_model(estimator)
    model = from_treelite(forest)
    assert get(model, SOURCE_FORMAT) == "treelite"
    x = np.concatenate([x, corners(estimator, x)])
    scores = run(model, x.astype(np.float64))
    assert np.array_equal(scores, _margins(forest, x.astype(np.float64)))
    assert np.array_equal(scores, estimator.predict_proba(x))
    rng = np.random.default_rng(1)
    x[rng.random(x.shape) < 0.1] = -np.inf
    x[rng.random(x.shape) < 0.1] = np.inf
    x = x.astype(np.float64)
    assert np.array_equal(run(model, x), _margins(forest, x))


def test_a_checkpoint_is_read_without_treelite(tmp_path: Path) -> None:
    estimator, x = fitted("breast_cancer", "random forest")
    treelite.sklearn.import_model(estimator).serialize(tmp_path / "forest.tl")
    model = formats.read_model(tmp_path / "forest.tl", dtype="float32")
    assert np.array_equal(
        run(model, x.astype(np.float64)), estimator.predict_proba(x).astype(np.float32)
    )


@pytest.mark.parametrize("name", BOOSTED)
def test_boosted_trees_with_rounded_leaves_give_the_bits_of_treelite(name: str) -> None:
    model = _load(FILES / name)
    for number in range(model.num_tree):
        tree = model.get_tree_accessor(number)
        value = tree.get_field("leaf_value")
        tree.set_field("leaf_value", (np.rint(value * 16) / 16).astype(value.dtype))
    x = _samples(name, model)
    expected = _margins(model, x)
    scores = run(from_treelite(model), x)
    assert scores.dtype == expected.dtype
    assert np.array_equal(scores, expected)
    assert np.array_equal(run(formats.read_model(FILES / name, steps=16), x), expected)


@pytest.mark.parametrize("name", BOOSTED)
def test_boosted_trees_as_they_are_name_the_leaf_that_is_no_vote(name: str) -> None:
    with pytest.raises(ModelError, match=rf"{name}: tree \d+, node \d+: adds .* no multiple of"):
        formats.read_model(FILES / name)
    with pytest.raises(InputError, match="vote: 'hard' is for models that average their trees"):
        formats.read_model(FILES / name, vote="hard")


def test_sums_that_float32_would_round_are_refused() -> None:
    model = _build([("<", 0.5, True)], leaves=(2.0**-20, 64.0))
    with pytest.raises(ModelError, match="reach 64 in steps of 1/1048576, which is more than"):
        from_treelite(model)
    with pytest.raises(InputError, match="steps: 3, must be 0 or a power of two"):
        from_treelite(model, steps=3)


def _build(
    tests: list[tuple[str, float, bool]],
    leaves: tuple[float, float] = (0.0, 1.0),
    dtype: str = "float32",
    task: str = "kBinaryClf",
) -> Any:
    """One tree for each test of feature 0."""
    builder = ModelBuilder(
        threshold_type=dtype,
        leaf_output_type=dtype,
        metadata=Metadata(
            num_feature=1,
            task_type=task,
            average_tree_output=False,
            num_target=1,
            num_class=[1],
            leaf_vector_shape=(1, 1),
        ),
        tree_annotation=TreeAnnotation(
            num_tree=len(tests), target_id=[0] * len(tests), class_id=[0] * len(tests)
        ),
        postprocessor=PostProcessorFunc(name="identity"),
        base_scores=[0.0],
    )
    for opname, threshold, default_left in tests:
        builder.start_tree()
        builder.start_node(0)
        builder.numerical_test(
            feature_id=0,
            threshold=threshold,
            default_left=default_left,
            opname=opname,
            left_child_key=1,
            right_child_key=2,
        )
        builder.end_node()
        for key, leaf in enumerate(leaves, 1):
            builder.start_node(key)
            builder.leaf(leaf)
            builder.end_node()
        builder.end_tree()
    return builder.commit()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["<", "<=", ">", ">="]),
            st.sampled_from([-1.5, -0.0, 0.0, 0.1, 2.0, 3e38])
            | st.floats(width=32, allow_nan=False),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["float32", "float64"]),
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
)
def test_every_comparison_decides_as_treelite(tests: list, dtype: str, leaves: tuple) -> None:
    model = _build(tests, leaves, dtype)
    kind = np.dtype(dtype).type
    values = [0.0, -0.0, np.nan, np.inf, -np.inf, np.finfo(kind).max, -np.finfo(kind).max]
    for _, threshold, _ in tests:
        t = kind(threshold)
        values += [t, np.nextafter(t, kind(np.inf)), np.nextafter(t, kind(-np.inf))]
    x = np.array(values, kind)[:, None]
    assert np.array_equal(run(from_treelite(model), x), _margins(model, x))


def test_comparisons_for_equality_and_categories_are_named() -> None:
    model = _build([("<", 1.0, True), ("==", 2.0, True)])
    with pytest.raises(ModelError, match="tree 1, node 0: its comparison is none of <, <=, > and"):
        from_treelite(model)
    model = _build([("<", 1.0, True)])
    model.get_tree_accessor(0).set_field("node_type", np.array([2, 0, 0], np.int8))
    with pytest.raises(ModelError, match="tree 0, node 0: tests categories; only comparisons"):
        from_treelite(model)


def test_regressors_are_refused() -> None:
    forest = RandomForestRegressor(2, max_depth=2).fit(*load_diabetes(return_X_y=True))
    with pytest.raises(ModelError, match="model: its task is kRegressor; only kBinaryClf and"):
        from_treelite(treelite.sklearn.import_model(forest))


def test_impure_leaves_are_named_and_vote_as_they_are_told() -> None:
    x, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(5, max_depth=2, random_state=0).fit(x, y)
    model = treelite.sklearn.import_model(forest)
    with pytest.raises(ModelError, match=r"model: tree \d, node \d: this leaf has the probab"):
        from_treelite(model)
    with pytest.raises(InputError, match="steps: 2 is for models that add up their trees"):
        from_treelite(model, steps=2)
    votes = run(from_treelite(model, vote="hard", dtype="int32"), x)
    trees = treelite.gtil.predict_per_tree(model, x)
    assert np.array_equal(votes, np.eye(3)[trees.argmax(axis=2)].sum(axis=1))


def test_soft_votes_are_the_averages_of_treelite_up_to_rounding() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 8, (12, 3)).astype(float), rng.integers(0, 3, 12)
    forest = ExtraTreesClassifier(5, max_depth=2, random_state=0).fit(x, y)
    model = treelite.sklearn.import_model(forest)
    scores = run(from_treelite(model, vote="soft"), x)
    assert np.abs(scores - _margins(model, x)).max() <= 5 * np.finfo(np.float64).eps


def _checkpoint() -> bytes:
    forest, _ = fitted("breast_cancer", "even forest")
    return treelite.sklearn.import_model(forest).serialize_bytes()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "forest.tl"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_checkpoints_are_refused_or_read(damaged: Path, data: st.DataObject) -> None:
    found = bytearray(_checkpoint())
    cut = data.draw(st.integers(0, len(found)) | st.just(len(found)))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(found) - 1) | st.integers(0, 200))
        found[at] = data.draw(st.integers(0, 255))
    damaged.write_bytes(found[:cut])
    with suppress(ModelError):
        lgnx.check_or_raise(formats.read_model(damaged, vote="hard"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:100], "field .*: .* entries, but .* bytes are left; the checkpoint is trunc"),
        (lambda b: b + b"\0", "1 bytes follow the last tree"),
        (lambda b: b"\3" + b[1:], "is no checkpoint of treelite 4: its version is 3."),
        (lambda b: b[:12] + b"\7" + b[13:], r"field threshold type: is 7, must be 2 \(float32\)"),
        (lambda b: b[:14] + b"\xff" * 8 + b[22:], "field class_id: 2 entries, but|field"),
        (lambda b: b"", "major_ver: 1 entries, but 0 bytes are left"),
    ],
)
def test_damaged_checkpoints_name_what_is_wrong(tmp_path: Path, change, message: str) -> None:
    path = tmp_path / "forest.tl"
    path.write_bytes(change(_checkpoint()))
    with pytest.raises(ModelError, match=f"forest.tl: {message}"):
        formats.read_model(path)


def test_other_files_with_these_suffixes_are_not_taken(tmp_path: Path) -> None:
    for name, text in (("a.json", json.dumps({"modules": {}})), ("a.txt", "hello"), ("a.ubj", "")):
        (tmp_path / name).write_text(text)
        assert not FORMAT.sniff(tmp_path / name)
    for name in BOOSTED:
        assert formats.source_format(FILES / name) is FORMAT


def test_damaged_files_of_other_tools_are_refused(tmp_path: Path) -> None:
    for name in BOOSTED:
        text = (FILES / name).read_bytes()
        end = text.find(b"end of trees") if name.endswith(".txt") else len(text) - 20
        for cut in range(30, end, end // 12):
            (tmp_path / name).write_bytes(text[:cut])
            with pytest.raises(ModelError, match=name):
                formats.read_model(tmp_path / name, "treelite", steps=16)
