"""Cases of PackBits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.make import BATCHES, Random, error_case, output_case

_case, _error = partial(output_case, "PackBits"), partial(error_case, "PackBits")


def cases() -> Iterator[Case]:
    """Give the cases."""
    random = Random("pack bits")
    yield _case("batches", "every corner batch", *({"x": random.bits(n, 5)} for n in BATCHES))
    for n in (*BATCHES, 128, 129, 1000):
        yield _case(f"static_batch_{n}", f"a static batch of {n}", {"x": random.bits(n, 3)})
    for width in (1, 8, 63, 64, 65):
        yield _case(f"width_{width}", f"{width} bits", {"x": random.bits(70, width)})
    for name, x in (
        ("zeros", np.zeros((65, 4), bool)),
        ("ones", np.ones((65, 4), bool)),
        ("one_hot", np.eye(130, dtype=bool)),
    ):
        yield _case(name, name.replace("_", " "), {"x": x})
    yield _case(
        "dynamic_axes",
        "batch and width are dynamic",
        *({"x": random.bits(*s)} for s in ((1, 1), (64, 3), (0, 2))),
    )
    yield _case(
        "unknown_extents", "no extent of x is declared", {"x": random.bits(5, 8)}, unknown=["x"]
    )
    words = np.uint64
    for rank, shape in ((1, (4,)), (3, (2, 2, 4))):
        flat = {"x": np.zeros(shape, bool)}
        yield _error(f"rank_{rank}", f"x of rank {rank}", "x", "node", flat, output=words)
    yield _error(
        "numbers",
        "numbers in place of bits",
        "x",
        "node",
        {"x": np.zeros((2, 3), np.uint8)},
        output=words,
    )
    yield _error(
        "unknown_attribute",
        "an attribute that the operator does not have",
        "axis",
        "file",
        {"x": np.zeros((2, 3), bool)},
        output=words,
        axis=0,
    )
