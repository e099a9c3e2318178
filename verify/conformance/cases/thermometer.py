"""Cases of Thermometer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from lgnx.verify.conformance.case import Case, SeenIn
from lgnx.verify.conformance.make import BATCHES, FLOATS, INTEGERS, Random, error_case, output_case

_case, _error = partial(output_case, "Thermometer"), partial(error_case, "Thermometer")
_FIXED = ("thresholds",)


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from _types()
    yield from _shapes()
    yield from _errors()


def _types() -> Iterator[Case]:
    for dtype in (*FLOATS, *INTEGERS):
        kind = np.dtype(dtype)
        limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
        x = np.array([[limits.min, 0, 1], [2, 3, limits.max]], kind)
        t = np.array([limits.min, 0, 1, 2, limits.max], kind)
        data = {"x": x, "thresholds": t}
        yield _case(dtype, f"{dtype}, strict by default", data, constants=_FIXED)
        for strict, sign in ((1, ">"), (0, ">=")):
            yield _case(
                f"{dtype}_strict_{strict}",
                f"{dtype}, x {sign} t",
                data,
                constants=_FIXED,
                strict=strict,
            )
    for dtype in FLOATS:
        x = np.array([[0.5, 0.25, -0.0], [np.nan, np.inf, -np.inf]], dtype)
        data = {"x": x, "thresholds": np.array([-np.inf, 0, 0.25, np.inf], dtype)}
        for strict in (0, 1):
            yield _case(
                f"{dtype}_special_strict_{strict}",
                "NaN, infinities and negative zero",
                data,
                constants=_FIXED,
                strict=strict,
            )
    for dtype, first in (("int64", 2**53), ("uint64", 2**63)):
        x = first + np.arange(3, dtype=dtype)
        data = {"x": x[:, None], "thresholds": x[1:2]}
        yield _case(
            f"{dtype}_neighbours", "large integers that are one float", data, constants=_FIXED
        )


def _shapes() -> Iterator[Case]:
    random = Random("thermometer shapes")

    def numbers(*shape: int) -> np.ndarray:
        return np.asarray(random.integers(-8, 9, shape, np.float32) / np.float32(8))

    each = np.sort(numbers(5, 4), axis=-1)
    batches = [{"x": numbers(n, 5), "thresholds": each} for n in BATCHES]
    yield _case(
        "batches", "every corner batch, thresholds of each feature", *batches, constants=_FIXED
    )
    for rank, shape in enumerate([(), (3,), (2, 3), (2, 3, 4), (2, 3, 4, 2)]):
        data = {"x": numbers(*shape), "thresholds": np.sort(numbers(3))}
        yield _case(f"rank_{rank}", f"x of rank {rank}, shared thresholds", data, constants=_FIXED)
    x = numbers(4, 3, 2)
    for own in ((3, 2, 5), (3, 1, 5), (1, 2, 5), (1, 3, 2, 5), (1, 1, 1, 5), (4, 3, 2, 5)):
        data = {"x": x, "thresholds": np.sort(numbers(*own), axis=-1)}
        yield _case(
            "thresholds_" + "x".join(map(str, own)),
            f"thresholds of shape {list(own)}",
            data,
            constants=_FIXED,
        )
    data = {"x": numbers(65, 1), "thresholds": np.zeros(1, np.float32)}
    yield _case("one_threshold", "one feature and one threshold", data, constants=_FIXED)
    data = {"x": numbers(3, 2), "thresholds": np.sort(numbers(70))}
    yield _case("many_thresholds", "70 thresholds", data, constants=_FIXED)
    sizes = [{"x": numbers(n, 2, n + 1), "thresholds": np.sort(numbers(2, 1, 3))} for n in (1, 4)]
    shared = [{**data, "thresholds": sizes[0]["thresholds"]} for data in sizes]
    yield _case("dynamic_axes", "more than one dynamic axis", *shared, constants=_FIXED)
    yield _case(
        "fed_thresholds",
        "thresholds that are no initializer",
        *({"x": numbers(3, 2), "thresholds": numbers(2, n)} for n in (1, 4)),
    )
    yield _case(
        "unknown_extents", "no extent of x is declared", shared[0], constants=_FIXED, unknown=["x"]
    )


def _errors() -> Iterator[Case]:
    x = np.zeros((3, 2), np.float32)
    good = np.array([[0.25, 0.5]], np.float32)

    def error(
        name: str,
        field: str,
        thresholds: np.ndarray,
        covers: str,
        seen_in: SeenIn = "node",
        **attributes: Any,
    ) -> Case:
        data = {"x": x, "thresholds": thresholds}
        return _error(name, covers, field, seen_in, data, constants=_FIXED, **attributes)

    yield error("strict_2", "strict", good, "strict is neither 0 nor 1", strict=2)
    yield error("nan", "thresholds", good * np.float32("nan"), "thresholds that are NaN", "file")
    yield error("scalar", "thresholds", np.array(0.5, np.float32), "thresholds of rank 0")
    yield error("none", "thresholds", np.zeros((2, 0), np.float32), "no thresholds", "file")
    yield error("shape", "thresholds", np.zeros((5, 2), np.float32), "they do not broadcast")
    yield error("rank", "thresholds", np.zeros((1, 1, 1, 2), np.float32), "too many axes")
    yield error("type", "thresholds", good.astype(np.float64), "thresholds of another type than x")
    data = {"x": np.zeros((3, 2), bool), "thresholds": good > 0}
    yield _error("bool", "bits in place of numbers", "x", "node", data, constants=_FIXED)
    data = {"x": x, "thresholds": good}
    yield _error(
        "unknown_attribute",
        "an attribute that the operator does not have",
        "inclusive",
        "file",
        data,
        constants=_FIXED,
        inclusive=1,
    )
    data = {"x": x, "thresholds": np.zeros((5, 2), np.float32)}
    yield _error(
        "fed_shape",
        "fed thresholds that do not broadcast",
        "thresholds",
        "data",
        data,
        unknown=["x", "thresholds"],
    )
