"""What the operators on packed words, UnpackBits and BitCount, must refuse alike."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from lgnx.verify.conformance.case import Case


def packed_errors(error: partial[Case], output: type, **attributes: int) -> Iterator[Case]:
    """Give what an operator on packed words must refuse."""
    x = np.zeros((4, 2), np.uint64)

    def make(name: str, field: str, covers: str, batch: np.ndarray, words: np.ndarray = x) -> Case:
        data = {"x": words, "batch": batch}
        return error(
            name, covers, field, "node", data, constants=["batch"], output=output, **attributes
        )

    sizes = {"too_large": 129, "too_small": 64, "none": 0, "negative": -1}
    for name, batch in sizes.items():
        yield make(f"batch_{name}", "batch", f"batch is {batch} beside 2 words", np.array([batch]))
    yield make("two_batches", "batch", "batch has two entries", np.array([65, 65]))
    yield make("flat_words", "x", "x of rank 1", np.array([65]), x[0])
    yield make("signed_words", "x", "int64 words", np.array([65]), x.astype(np.int64))
    yield make("int32_batch", "batch", "an int32 batch", np.array([65], np.int32))
    for name, batch in sizes.items():
        data = {"x": x, "batch": np.array([batch])}
        yield error(
            f"fed_batch_{name}",
            f"a fed batch of {batch} beside 2 words",
            "batch",
            "data",
            data,
            output=output,
            **attributes,
        )
