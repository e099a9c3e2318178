"""What the leaves of decision trees say, as whole numbers of votes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lgnx.ops.errors import ModelError

__all__ = ["VOTES", "Votes", "averaged_votes", "summed_votes"]

VOTES = ("hard", "soft")
_EXACT = 1 << 24  # whole numbers up to this are exact in float32


@dataclass(frozen=True)
class Votes:
    """Votes of leaves for classes; score = (base + votes of all trees) / divisor.

    Attributes
    ----------
    leaves
        int64 [n, classes], of each node; rows of other nodes than leaves have no meaning.
    base
        int64 [classes].
    divisor
        What a sum of votes is divided by.
    """

    leaves: np.ndarray
    base: np.ndarray
    divisor: int


def averaged_votes(
    values: np.ndarray,
    leaves: np.ndarray,
    n_trees: int,
    vote: str | None,
    max_bits: int,
    place: Callable[[int], str],
    where: str,
) -> Votes:
    """Votes of trees whose probabilities are averaged: forests, or a single tree.

    Parameters
    ----------
    values
        float32 or float64 [n, classes]: the probabilities of each node.
    leaves
        Nodes that are leaves, int64.
    vote
        ``"hard"``, ``"soft"`` or None: hard, if there is one tree or all leaves are pure.
    max_bits
        How many bits may be counted, which limits the denominators of soft votes.
    place
        Names a node.

    Raises
    ------
    ModelError
        If leaves are not pure and no vote is given, or their probabilities are no whole numbers of
        votes; the message names tree, leaf and value.
    """
    if vote == "soft":
        return _soft_votes(values, leaves, n_trees, max_bits, place, where)
    pure = (values[leaves].max(axis=1) == 1) & ((values[leaves] != 0).sum(axis=1) == 1)
    if vote is None and n_trees > 1 and not pure.all():
        node = int(leaves[np.argmin(pure)])
        raise ModelError(
            f"{where}: {place(node)}: this leaf has the probabilities "
            f"{[round(value, 6) for value in values[node].tolist()]}, and a forest averages those. "
            "vote='soft' does so, where they are simple fractions. vote='hard' gives each tree one "
            "vote, which is another prediction. Leaves of fully grown trees are pure and need "
            "neither"
        )
    return _hard_votes(values, n_trees)


def _hard_votes(values: np.ndarray, n_trees: int) -> Votes:
    """One vote of each tree, for the class with the largest value, the lowest of equal ones.

    Parameters
    ----------
    values
        Floats [n, classes].
    """
    leaves = np.zeros(values.shape, np.int64)
    leaves[np.arange(len(values)), values.argmax(axis=1)] = 1
    return Votes(leaves, np.zeros(values.shape[1], np.int64), n_trees)


def _soft_votes(
    values: np.ndarray,
    leaves: np.ndarray,
    n_trees: int,
    max_bits: int,
    place: Callable[[int], str],
    where: str,
) -> Votes:
    """Votes in proportion to the values of the leaves, which are rounded fractions.

    A value stands for the fraction with a denominator of at most D that is rounded to it; there is
    at most one, as D is small beside the precision. All fractions are brought to one denominator.

    Parameters
    ----------
    values
        float32 or float64 [n, classes], 0 to 1.
    leaves
        Nodes that are leaves, int64.
    max_bits
        How many bits may be counted, which limits the denominator D.
    place
        Names a node.

    Raises
    ------
    ModelError
        If a value is no such fraction, or the common denominator is too large; the message names
        tree, leaf and value.
    """
    precision = np.finfo(values.dtype).nmant // 2  # so that only one such fraction is near
    limit = min(max(1, max_bits // (n_trees * values.shape[1])), 1 << precision)
    distinct, first, which = np.unique(
        values[leaves].ravel(), return_index=True, return_inverse=True
    )
    common, fractions = 1, []
    for value, at in zip(distinct, first.tolist(), strict=True):
        node = place(int(leaves[at // values.shape[1]]))
        fraction = Fraction(float(value)).limit_denominator(limit) if value <= 1 else Fraction(-1)
        if fraction < 0 or values.dtype.type(float(fraction)) != value:
            raise ModelError(
                f"{where}: {node}: gives class {at % values.shape[1]} the probability {value!r}, "
                f"which is no fraction with a denominator of at most {limit}, so it is no whole "
                f"number of votes; vote='hard' takes the class of each leaf, and max_bits allows "
                "larger denominators"
            )
        common = math.lcm(common, fraction.denominator)
        if common > limit:
            raise ModelError(
                f"{where}: {node}: gives class {at % values.shape[1]} the probability "
                f"{fraction}, and the votes of all leaves then have the denominator {common}, at "
                f"most {limit} fits {n_trees} trees; vote='hard' takes the class of each leaf, and "
                "max_bits allows larger denominators"
            )
        fractions.append(fraction)
    numerators = np.array([int(fraction * common) for fraction in fractions], np.int64)
    votes = np.zeros(values.shape, np.int64)
    votes[leaves] = numerators[which].reshape(len(leaves), -1)
    return Votes(votes, np.zeros(values.shape[1], np.int64), n_trees * common)


def summed_votes(
    values: np.ndarray,
    leaves: np.ndarray,
    trees: np.ndarray,
    base: np.ndarray,
    place: Callable[[int], str],
    where: str,
) -> Votes:
    """Votes of trees whose values are added up: boosted trees.

    The values must be multiples of a power of two that is coarse enough for every sum to be exact
    in float32.

    Parameters
    ----------
    values
        Floats [n, classes].
    leaves, trees
        Nodes that are leaves, and the tree of each of these.
    base
        Floats [classes], added to the sums.

    Raises
    ------
    ModelError
        If they are not; the message names tree, leaf and value.
    """
    distinct, first = np.unique(values[leaves].ravel(), return_index=True)
    places = [
        f"{place(int(leaves[at // values.shape[1]]))}: adds {value!r} to a score"
        for value, at in zip(distinct.tolist(), first.tolist(), strict=True)
    ]
    fine = 0
    for value, what in (
        *((value, f"base score {value!r}") for value in base.tolist()),
        *zip(distinct.tolist(), places, strict=True),
    ):
        if not math.isfinite(value) or Fraction(value).denominator > _EXACT:
            raise ModelError(
                f"{where}: {what}, which is no multiple of 2^-24; only coarse values are whole "
                "numbers of votes. A number of steps rounds them"
            )
        fine = max(fine, Fraction(value).denominator.bit_length() - 1)
    unit = 1 << fine
    largest = np.zeros((int(trees.max()) + 1, values.shape[1]))
    np.maximum.at(largest, trees, np.abs(values[leaves]))
    reach = np.abs(base) + largest.sum(axis=0)
    if (reach * unit > _EXACT).any():
        raise ModelError(
            f"{where}: sums of leaves reach {reach.max():g} in steps of 1/{unit}, which is more "
            "than float32 adds up exactly; a smaller number of steps rounds them further"
        )
    votes = np.zeros(values.shape, np.int64)
    votes[leaves] = (values[leaves] * unit).astype(np.int64)
    return Votes(votes, (base * unit).astype(np.int64), unit)
