"""Decision trees as a model: one LogicNetwork with its thermometer and group sum.

Every test ``x[feature] > threshold`` of a tree is one bit of a thermometer. A leaf is reached where
the tests on its way have the outcomes that lead there: an AND. A leaf gives each class a whole
number of votes; the group of a class holds as many bits that are 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lgnx.converters.new_model import new_model
from lgnx.converters.trees_votes import Votes
from lgnx.metadata import with_metadata
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import DOMAIN, engine
from lgnx.ops.errors import InputError, ModelError
from lgnx.ops.program import MAX_INPUTS, encode

__all__ = ["MAX_BITS", "SCORES", "Forest", "check_choice", "forest_to_model"]

MAX_BITS = 1 << 20
SCORES = ("float64", "float32", "int32")
FALSE, TRUE = np.uint32(0), np.uint32(1)


@dataclass(frozen=True)
class Forest:
    """Decision trees; their nodes are numbered through, tree after tree.

    Attributes
    ----------
    n_features
        Numbers of a sample.
    starts
        int64 [T + 1]: tree t has the nodes starts[t] up to starts[t + 1], its root first.
    feature
        int64 [n]: the feature that a node tests; of no meaning for a leaf.
    threshold
        float32 or float64 [n], which is also the type of the samples; NaN where no number goes
        right.
    strict
        Whether a sample goes right where x > threshold, else where x >= threshold.
    left, right
        int64 [n]: the children, numbered through; -1 for a leaf.
    missing_right
        bool [n]: whether NaN goes right.
    """

    n_features: int
    starts: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    strict: bool
    left: np.ndarray
    right: np.ndarray
    missing_right: np.ndarray

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.starts) - 1

    @property
    def leaves(self) -> np.ndarray:
        """Whether a node is a leaf, bool [n]."""
        return self.left < 0

    def place(self, node: int) -> str:
        """Tree and node, as they are numbered in their tool."""
        tree = int(np.searchsorted(self.starts, node, side="right")) - 1
        return f"tree {tree}, node {node - int(self.starts[tree])}"

    def trees(self) -> np.ndarray:
        """Tree of each node, int64 [n]."""
        return np.repeat(np.arange(self.n_trees), np.diff(self.starts))

    def validate(self, where: str) -> None:
        """Check that the nodes are trees over the features.

        Raises
        ------
        ModelError
            Naming the file, the tree and the first node at fault.
        """
        if not self.n_trees or (np.diff(self.starts) < 1).any():
            raise ModelError(f"{where}: has no trees, or a tree without nodes")
        if not 1 <= self.n_features <= MAX_INPUTS:
            raise ModelError(
                f"{where}: has {self.n_features} features, must have 1 to {MAX_INPUTS}"
            )
        trees, inner = self.trees(), np.flatnonzero(~self.leaves)
        for side, children in (("left", self.left[inner]), ("right", self.right[inner])):
            tree = trees[inner]
            wrong = (children <= self.starts[tree]) | (children >= self.starts[tree + 1])
            if wrong.any():
                node = int(inner[np.argmax(wrong)])
                raise ModelError(
                    f"{where}: {self.place(node)}: its {side} child is not in its tree"
                )
        children = np.concatenate([self.left[inner], self.right[inner]])
        twice = np.flatnonzero(np.bincount(children, minlength=len(trees)) > 1)
        if len(twice):
            raise ModelError(f"{where}: {self.place(int(twice[0]))}: is the child of two nodes")
        feature = self.feature[inner]
        wrong = (feature < 0) | (feature >= self.n_features)
        if wrong.any():
            node = int(inner[np.argmax(wrong)])
            raise ModelError(
                f"{where}: {self.place(node)}: tests feature {self.feature[node]}, the samples "
                f"have {self.n_features}"
            )


def check_choice(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Check an argument.

    Raises
    ------
    InputError
        If it is none of the values allowed.
    """
    if value not in allowed:
        raise InputError(f"{name}: {value!r}, must be one of {', '.join(map(repr, allowed))}")


def _by_depth(forest: Forest) -> list[np.ndarray]:
    """Nodes by their depth, the roots first; nodes that no root leads to are left out."""
    rows = [forest.starts[:-1]]
    while True:
        inner = rows[-1][forest.left[rows[-1]] >= 0]
        if not len(inner):
            return rows
        rows.append(np.concatenate([forest.left[inner], forest.right[inner]]))


def forest_to_model(
    forest: Forest,
    votes: Votes,
    *,
    dtype: str,
    metadata: dict[str, Any],
    where: str,
    max_bits: int,
) -> onnx.ModelProto:
    """Turn a forest into a model.

    The model reads ``x`` [batch, n_features] of the type of the thresholds and gives ``scores``
    [batch, classes] of ``dtype``: the votes themselves for int32, else the votes by
    ``votes.divisor``.

    Parameters
    ----------
    max_bits
        Largest number of bits that may be counted.

    Raises
    ------
    ModelError
        If the forest takes more bits than that, or than a LogicNetwork may have.
    """
    forest, votes = _merged(forest, votes)
    thresholds, bit_of, valid_of = _thermometer(forest, where)
    builder = NetlistBuilder(thresholds.size)
    inputs = builder.inputs()
    rights = _right(builder, inputs, bit_of, valid_of)
    groups, bias = _groups(builder, forest, votes, rights, where, max_bits)
    netlist = builder.finish(groups.ravel())
    parts = engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs)
    program = encode(Netlist(netlist.n_inputs, *parts).to_program())
    kind = helper.np_dtype_to_tensor_dtype(thresholds.dtype)
    score = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    node = helper.make_node(
        "LogicNetwork",
        ["x", "program", "thresholds"],
        ["scores"],
        name="trees",
        doc_string=f"{forest.n_trees} decision trees. Each test of a feature is a bit of a "
        "thermometer, each group of output bits counts the votes for a class.",
        domain=DOMAIN,
        n_outputs=groups.size,
        groups=len(groups),
        bias=float(bias),
        tau=1.0 if dtype == "int32" else float(votes.divisor),
        dtype=int(score),
        strict=int(forest.strict),
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("x", kind, ["batch", forest.n_features])],
        [helper.make_tensor_value_info("scores", score, ["batch", len(groups)])],
        [
            numpy_helper.from_array(thresholds, "thresholds"),
            numpy_helper.from_array(program, "program"),
        ],
    )
    model = new_model(graph)
    return with_metadata(model, metadata)


def _merged(forest: Forest, votes: Votes) -> tuple[Forest, Votes]:
    """Make a leaf of every node whose leaves all vote alike."""
    left, right, counts = forest.left.copy(), forest.right.copy(), votes.leaves.copy()
    for row in reversed(_by_depth(forest)):
        inner = row[left[row] >= 0]
        a, b = left[inner], right[inner]
        same = (left[a] < 0) & (left[b] < 0) & (counts[a] == counts[b]).all(axis=1)
        counts[inner[same]] = counts[a[same]]
        left[inner[same]] = right[inner[same]] = -1
    return replace(forest, left=left, right=right), replace(votes, leaves=counts)


def _thermometer(forest: Forest, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds [features, B], and the bits that each node reads.

    The bits are int64 [n], -1 for none: that of the node's test, and where NaN goes right that of
    x >= -inf, or x > -inf. NaN makes both of them 0.
    """
    n, kind = forest.n_features, forest.threshold.dtype
    reached = np.concatenate(_by_depth(forest))
    inner = reached[forest.left[reached] >= 0]
    away = inner[forest.missing_right[inner]]
    inner = inner[~np.isnan(forest.threshold[inner])]
    features = np.concatenate([forest.feature[inner], np.unique(forest.feature[away])])
    values = np.concatenate([forest.threshold[inner], np.full(len(features) - len(inner), -np.inf)])
    values = values.astype(kind) + kind.type(0)  # -0.0 is 0.0
    order = np.lexsort([values, features])
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(features[order]) != 0) | (values[order][1:] != values[order][:-1])
    distinct = order[first]
    counts = np.bincount(features[distinct], minlength=n)
    width = max(1, int(counts.max(initial=0)))
    if n * width > MAX_INPUTS:
        raise ModelError(
            f"{where}: {n} features with up to {width} thresholds each take {n * width} bits; a "
            f"logic network has at most {MAX_INPUTS}"
        )
    place = np.arange(len(distinct)) - (np.cumsum(counts) - counts)[features[distinct]]
    thresholds = np.zeros((n, width), kind)
    used = np.flatnonzero(counts)
    last = distinct[np.cumsum(counts)[used] - 1]
    thresholds[used] = values[last][:, None]
    thresholds[features[distinct], place] = values[distinct]
    bits = np.zeros(len(order), np.int64)
    bits[order] = (features[distinct] * width + place)[np.cumsum(first) - 1]
    test, valid = np.full((2, len(forest.left)), -1, np.int64)
    test[inner] = bits[: len(inner)]
    valid[away] = forest.feature[away] * width  # -inf sorts first
    return thresholds, test, valid


def _right(
    builder: NetlistBuilder, inputs: np.ndarray, test: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Literals that say whether a sample goes right, one gate for equal tests."""
    bits = np.append(inputs, FALSE)  # of -1, no bit
    result = bits[test]
    away = np.flatnonzero(valid >= 0)
    pairs, which = np.unique(
        np.stack([test[away], valid[away]], axis=1), axis=0, return_inverse=True
    )
    made = builder.or_(bits[pairs[:, 0]], builder.not_(bits[pairs[:, 1]]))
    result[away] = made[which.ravel()]
    return result


def _groups(
    builder: NetlistBuilder,
    forest: Forest,
    votes: Votes,
    rights: np.ndarray,
    where: str,
    max_bits: int,
) -> tuple[np.ndarray, int]:
    """Literals of the votes, uint32 [classes, size], and a number to add to all counts."""
    rows = _by_depth(forest)
    nodes = np.concatenate(rows)
    leaves = nodes[forest.left[nodes] < 0]
    trees = forest.trees()[leaves]
    counts = votes.leaves[leaves]
    n_classes = counts.shape[1]
    least = np.full((forest.n_trees, n_classes), np.iinfo(np.int64).max)
    np.minimum.at(least, trees, counts)
    counts = counts - least[trees]
    always = votes.base + least.sum(axis=0)
    bias = min(0, int(always.min()))
    most = np.zeros((forest.n_trees, n_classes), np.int64)
    np.maximum.at(most, trees, counts)
    size = int((always - bias + most.sum(axis=0)).max())
    # Of two classes that share the votes, one has those that the other has not.
    shared = n_classes == 2 and bias == 0 and not votes.base.any()
    total = counts.sum(axis=1) + least.sum(axis=1)[trees]
    shares = np.zeros(forest.n_trees, np.int64)
    shares[trees] = total
    shared = shared and bool((total == shares[trees]).all()) and int(shares.sum()) >= max(1, size)
    size = int(shares.sum()) if shared else size
    if max(1, size) * n_classes > max_bits:
        raise ModelError(
            f"{where}: the votes of {forest.n_trees} trees take {n_classes} groups of {size} bits; "
            f"at most {max_bits} bits are counted, see max_bits"
        )
    computed = [1] if shared else list(range(n_classes))
    needed = (counts[:, computed] > 0).any(axis=1)
    reach = _reach(builder, forest, rows, rights, leaves[needed])
    groups = np.full((n_classes, max(1, size)), FALSE)
    for group in computed:
        voting = np.flatnonzero(counts[:, group])
        bits = _unary(builder, trees[voting], counts[voting, group], reach[leaves[voting]])
        constant = int(always[group]) - bias
        groups[group, :constant] = TRUE
        groups[group, constant : constant + len(bits)] = bits
    if shared:
        groups[0] = builder.not_(groups[1])
    return groups, bias


def _reach(
    builder: NetlistBuilder,
    forest: Forest,
    rows: list[np.ndarray],
    rights: np.ndarray,
    leaves: np.ndarray,
) -> np.ndarray:
    """Literals that say whether a sample comes to a node, for the way to some leaves."""
    needed = np.zeros(len(forest.left), bool)
    needed[leaves] = True
    for row in reversed(rows):
        inner = row[forest.left[row] >= 0]
        needed[inner] = needed[forest.left[inner]] | needed[forest.right[inner]]
    reach = np.zeros(len(forest.left), np.uint32)
    reach[rows[0]] = TRUE
    for depth, row in enumerate(rows[:-1]):
        inner = row[forest.left[row] >= 0]
        children = np.concatenate([forest.left[inner], forest.right[inner]])
        outcome = np.concatenate([builder.not_(rights[inner]), rights[inner]])
        came = np.concatenate([reach[inner], reach[inner]])
        wanted = needed[children]
        children, outcome, came = children[wanted], outcome[wanted], came[wanted]
        reach[children] = builder.and_(came, outcome) if depth else outcome
    return reach


def _unary(
    builder: NetlistBuilder, trees: np.ndarray, counts: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """Bits of which as many are 1 as there are votes: those of a tree say count > 0, > 1, ...

    Bits that are always alike are made once. ``trees``, ``counts`` > 0 and ``reach`` are those of
    leaves, [n].
    """
    order = np.lexsort([counts, trees])
    trees, counts, reach = trees[order], counts[order], reach[order]
    step = np.ones(len(order), bool)
    step[1:] = (np.diff(trees) != 0) | (np.diff(counts) != 0)
    reach = _any_of_each(builder, np.cumsum(step) - 1, reach)
    trees, counts = trees[step], counts[step]
    # A bit is 1 for leaves with more votes, too.
    ends = np.flatnonzero(np.append(np.diff(trees) != 0, True)) if len(trees) else trees
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    at = ends - 1
    while (alive := at >= starts).any():
        at, starts = at[alive], starts[alive]
        reach[at] = builder.or_(reach[at], reach[at + 1])
        at = at - 1
    before = np.where(np.append(True, np.diff(trees) != 0), 0, np.append(0, counts[:-1]))
    return np.repeat(reach, (counts - before[: len(counts)]))


def _any_of_each(builder: NetlistBuilder, groups: np.ndarray, literals: np.ndarray) -> np.ndarray:
    """OR of the literals of each group, uint32 [G]; groups are 0, 1, ... in order, none empty."""
    while True:
        sizes = np.bincount(groups)
        if (sizes <= 1).all():
            return literals
        position = np.arange(len(groups)) - (np.cumsum(sizes) - sizes)[groups]
        even = np.flatnonzero(position % 2 == 0)
        paired = even[position[even] + 1 < sizes[groups[even]]]
        literals[paired] = builder.or_(literals[paired], literals[paired + 1])
        groups, literals = groups[even], literals[even]
