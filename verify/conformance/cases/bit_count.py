"""Cases of BitCount."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._packed import packed_errors
from lgnx.verify.conformance.make import BATCHES, Random, error_case, output_case

_case, _error = partial(output_case, "BitCount"), partial(error_case, "BitCount")


def cases() -> Iterator[Case]:
    """Give the cases."""
    random = Random("bit count")

    def data(batch: int, n: int) -> dict[str, np.ndarray]:
        return {"x": random.words(n, -(-batch // 64)), "batch": np.array([batch])}

    yield _case(
        "batches",
        "every corner batch, fed; bits beyond the batch are random",
        *(data(n, 6) for n in BATCHES),
        groups=2,
    )
    for n in (*BATCHES, 129):
        yield _case(
            f"constant_batch_{n}",
            f"a constant batch of {n}",
            data(n, 4),
            groups=2,
            constants=["batch"],
        )
    for size in (1, 2, 7, 8, 63, 64, 65, 127, 128, 255, 256, 257):
        yield _case(f"groups_of_{size}", f"groups of {size} rows", data(3, 2 * size), groups=2)
    yield _case("one_group", "one group", data(65, 9), groups=1)
    yield _case("groups_of_one", "as many groups as rows", data(65, 9), groups=9)
    x = np.full((300, 1), 2**64 - 1, np.uint64)
    yield _case("ones", "every bit is 1", {"x": x, "batch": np.array([64])}, groups=1)
    yield _case("zeros", "every bit is 0", {"x": 0 * x, "batch": np.array([64])}, groups=3)
    yield _case(
        "dynamic_axes", "rows and words are dynamic", data(1, 2), data(65, 4), data(0, 2), groups=2
    )
    yield _case(
        "unknown_extents", "no extent of x is declared", data(65, 4), groups=2, unknown=["x"]
    )
    yield from packed_errors(_error, np.int32, groups=2)
    good = {"x": np.zeros((4, 2), np.uint64), "batch": np.array([65])}
    for name, groups in (("no", 0), ("negative", -2)):
        yield _error(
            f"{name}_groups",
            f"groups is {groups}",
            "groups",
            "node",
            good,
            output=np.int32,
            groups=groups,
        )
    yield _error(
        "groups_that_do_not_divide",
        "groups do not divide the rows",
        "groups",
        "node",
        good,
        output=np.int32,
        groups=3,
    )
    yield _error(
        "without_groups", "the attribute groups is missing", "groups", "node", good, output=np.int32
    )
    yield _error(
        "fed_rows",
        "fed rows that the groups do not divide",
        "groups",
        "data",
        {**good, "x": good["x"][:3]},
        output=np.int32,
        groups=2,
        unknown=["x"],
    )
