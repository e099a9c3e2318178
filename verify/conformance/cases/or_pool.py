"""Cases of OrPool."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._windows import (
    input_cases,
    room_errors,
    window_cases,
    window_errors,
)
from lgnx.verify.conformance.make import Random, error_case, output_case

_case, _error = partial(output_case, "OrPool"), partial(error_case, "OrPool")

_Use = tuple[str, list[int], dict[str, Any]]
USES: list[_Use] = [
    ("axes_1", [6], {"kernel_shape": [3]}),
    ("axes_2", [5, 4], {"kernel_shape": [3, 2]}),
    ("axes_3", [3, 4, 3], {"kernel_shape": [2, 3, 2]}),
    ("window_of_one", [4, 3], {"kernel_shape": [1, 1]}),
    ("window_is_x_1", [5], {"kernel_shape": [5]}),
    ("window_is_x_2", [4, 3], {"kernel_shape": [4, 3]}),
    ("window_is_x_3", [2, 3, 2], {"kernel_shape": [2, 3, 2]}),
    ("x_of_one", [1, 1], {"kernel_shape": [1, 1]}),
    ("window_is_padded_x", [2, 2], {"kernel_shape": [4, 3], "pads": [1, 0, 1, 1]}),
    ("strides_1", [7], {"kernel_shape": [2], "strides": [3]}),
    ("strides_2", [6, 7], {"kernel_shape": [2, 3], "strides": [3, 2]}),
    ("strides_3", [5, 4, 6], {"kernel_shape": [2, 2, 2], "strides": [2, 1, 3]}),
    ("strides_beyond_window", [7, 7], {"kernel_shape": [1, 2], "strides": [3, 5]}),
    ("strides_beyond_x", [3, 3], {"kernel_shape": [2, 2], "strides": [9, 9]}),
    ("strides_of_one", [4, 4], {"kernel_shape": [2, 2], "strides": [1, 1]}),
    ("strides_of_the_window", [6, 4], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("pads_1", [4], {"kernel_shape": [3], "pads": [2, 1]}),
    ("pads_2", [4, 3], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("pads_uneven_2", [4, 3], {"kernel_shape": [3, 2], "pads": [2, 0, 1, 1]}),
    ("pads_uneven_3", [3, 2, 3], {"kernel_shape": [2, 2, 3], "pads": [1, 0, 2, 0, 1, 1]}),
    ("pads_of_zero", [4, 4], {"kernel_shape": [2, 2], "pads": [0, 0, 0, 0]}),
    ("everything_1", [9], {"kernel_shape": [3], "strides": [2], "pads": [2, 1]}),
    ("everything_2", [6, 7], {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 2, 1]}),
    (
        "everything_3",
        [4, 5, 3],
        {"kernel_shape": [2, 3, 2], "strides": [1, 2, 3], "pads": [1, 0, 1, 0, 2, 1]},
    ),
]
"""Name, spatial extents of x, attributes."""


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from window_cases(_case, "OrPool", USES, trees=False)
    yield from input_cases(_case, "OrPool", trees=False)
    yield from window_errors(_error, ("strides", "pads"), trees=False)
    yield from room_errors(_error, trees=False)
    data = {"x": Random("pool errors").bits(2, 2, 4)}
    yield _error(
        "large_pads",
        "pads as large as the window",
        "pads",
        "node",
        data,
        kernel_shape=[2],
        pads=[2, 0],
    )
