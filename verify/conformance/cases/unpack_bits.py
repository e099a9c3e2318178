"""Cases of UnpackBits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._packed import packed_errors
from lgnx.verify.conformance.make import BATCHES, Random, error_case, output_case

_case, _error = partial(output_case, "UnpackBits"), partial(error_case, "UnpackBits")


def cases() -> Iterator[Case]:
    """Give the cases."""
    random = Random("unpack bits")

    def data(batch: int, n: int) -> dict[str, np.ndarray]:
        return {"x": random.words(n, -(-batch // 64)), "batch": np.array([batch])}

    yield _case(
        "batches",
        "every corner batch, fed; bits beyond the batch are random",
        *(data(n, 5) for n in BATCHES),
    )
    for n in (*BATCHES, 128, 129, 1000):
        yield _case(
            f"constant_batch_{n}", f"a constant batch of {n}", data(n, 3), constants=["batch"]
        )
    for width in (1, 8, 63, 64, 65):
        yield _case(f"width_{width}", f"{width} rows of words", data(70, width))
    for name, word in (("zeros", 0), ("ones", 2**64 - 1), ("last", 2**63)):
        x = np.full((3, 1), word, np.uint64)
        yield _case(
            f"{name}_in_words", f"every word is {word:#x}", {"x": x, "batch": np.array([64])}
        )
    yield _case("dynamic_axes", "rows and words are dynamic", data(1, 1), data(65, 4), data(0, 2))
    yield _case("unknown_extents", "no extent of x is declared", data(65, 3), unknown=["x"])
    yield from packed_errors(_error, bool)
