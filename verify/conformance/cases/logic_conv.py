"""Cases of LogicConv."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._windows import (
    input_cases,
    room_errors,
    tree_cases,
    tree_errors,
    window_cases,
    window_errors,
)
from lgnx.verify.conformance.make import error_case, output_case

_case, _error = partial(output_case, "LogicConv"), partial(error_case, "LogicConv")

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
    ("pads_1", [4], {"kernel_shape": [3], "pads": [2, 1]}),
    ("pads_2", [4, 3], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("pads_uneven_2", [4, 3], {"kernel_shape": [3, 2], "pads": [2, 0, 1, 1]}),
    ("pads_uneven_3", [3, 2, 3], {"kernel_shape": [2, 2, 3], "pads": [1, 0, 2, 0, 1, 1]}),
    ("pads_of_zero", [4, 4], {"kernel_shape": [2, 2], "pads": [0, 0, 0, 0]}),
    ("pads_beyond_window", [3, 3], {"kernel_shape": [2, 2], "pads": [4, 0, 3, 5]}),
    ("dilations_1", [8], {"kernel_shape": [3], "dilations": [3]}),
    ("dilations_2", [7, 6], {"kernel_shape": [3, 2], "dilations": [2, 4]}),
    ("dilations_3", [4, 5, 4], {"kernel_shape": [2, 2, 2], "dilations": [2, 3, 1]}),
    ("dilations_of_one", [4, 4], {"kernel_shape": [2, 2], "dilations": [1, 1]}),
    ("dilated_window_is_x", [5, 4], {"kernel_shape": [3, 2], "dilations": [2, 3]}),
    (
        "everything_1",
        [9],
        {"kernel_shape": [3], "strides": [2], "pads": [2, 1], "dilations": [2], "depth": 3},
    ),
    (
        "everything_2",
        [6, 7],
        {
            "kernel_shape": [3, 2],
            "strides": [2, 3],
            "pads": [1, 2, 2, 0],
            "dilations": [2, 1],
            "depth": 2,
        },
    ),
    (
        "everything_3",
        [4, 5, 3],
        {
            "kernel_shape": [2, 3, 2],
            "strides": [1, 2, 3],
            "pads": [1, 0, 2, 0, 1, 1],
            "dilations": [2, 1, 3],
            "depth": 2,
        },
    ),
]
"""Name, spatial extents of x, attributes."""


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from window_cases(_case, "LogicConv", USES)
    yield from tree_cases(_case, "LogicConv")
    yield from input_cases(_case, "LogicConv")
    yield from window_errors(_error, ("strides", "pads", "dilations"))
    yield from room_errors(_error)
    yield from tree_errors(_error)
