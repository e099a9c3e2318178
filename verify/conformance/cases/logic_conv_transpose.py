"""Cases of LogicConvTranspose."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._windows import (
    FIXED,
    input_cases,
    tree,
    tree_cases,
    tree_errors,
    window_cases,
    window_errors,
)
from lgnx.verify.conformance.make import Random, error_case, output_case

_case = partial(output_case, "LogicConvTranspose")
_error = partial(error_case, "LogicConvTranspose")

_Use = tuple[str, list[int], dict[str, Any]]
USES: list[_Use] = [
    ("axes_1", [4], {"kernel_shape": [3]}),
    ("axes_2", [3, 4], {"kernel_shape": [3, 2]}),
    ("axes_3", [2, 3, 2], {"kernel_shape": [2, 3, 2]}),
    ("window_of_one", [4, 3], {"kernel_shape": [1, 1]}),
    ("window_is_x", [3, 2], {"kernel_shape": [3, 2]}),
    ("window_beyond_x", [2, 1], {"kernel_shape": [4, 3]}),
    ("x_of_one", [1, 1], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("strides_1", [4], {"kernel_shape": [2], "strides": [3]}),
    ("strides_2", [3, 4], {"kernel_shape": [2, 3], "strides": [3, 2]}),
    ("strides_3", [2, 3, 2], {"kernel_shape": [2, 2, 2], "strides": [2, 1, 3]}),
    ("strides_beyond_window", [3, 3], {"kernel_shape": [1, 2], "strides": [3, 5]}),
    ("strides_of_one", [3, 3], {"kernel_shape": [2, 2], "strides": [1, 1]}),
    ("pads_1", [4], {"kernel_shape": [3], "pads": [2, 1]}),
    ("pads_2", [4, 3], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("pads_uneven_2", [4, 3], {"kernel_shape": [3, 2], "pads": [2, 0, 1, 1]}),
    ("pads_uneven_3", [3, 2, 3], {"kernel_shape": [2, 2, 3], "pads": [1, 0, 2, 0, 1, 1]}),
    ("pads_of_zero", [4, 4], {"kernel_shape": [2, 2], "pads": [0, 0, 0, 0]}),
    ("pads_of_the_window", [4, 4], {"kernel_shape": [3, 2], "pads": [2, 1, 2, 1]}),
    ("dilations_1", [4], {"kernel_shape": [3], "dilations": [3]}),
    ("dilations_2", [3, 3], {"kernel_shape": [3, 2], "dilations": [2, 4]}),
    ("dilations_3", [2, 2, 3], {"kernel_shape": [2, 2, 2], "dilations": [2, 3, 1]}),
    ("dilations_of_one", [3, 3], {"kernel_shape": [2, 2], "dilations": [1, 1]}),
    ("output_padding_1", [4], {"kernel_shape": [2], "strides": [3], "output_padding": [2]}),
    (
        "output_padding_2",
        [3, 3],
        {"kernel_shape": [2, 3], "strides": [2, 3], "output_padding": [0, 2]},
    ),
    (
        "output_padding_of_zero",
        [3, 3],
        {"kernel_shape": [2, 2], "strides": [2, 2], "output_padding": [0, 0]},
    ),
    ("one_output", [1], {"kernel_shape": [2], "pads": [1, 0]}),
    (
        "everything_1",
        [5],
        {
            "kernel_shape": [3],
            "strides": [3],
            "pads": [3, 1],
            "dilations": [2],
            "output_padding": [2],
            "depth": 3,
        },
    ),
    (
        "everything_2",
        [3, 4],
        {
            "kernel_shape": [3, 2],
            "strides": [2, 3],
            "pads": [1, 1, 2, 0],
            "dilations": [2, 1],
            "output_padding": [1, 2],
            "depth": 2,
        },
    ),
    (
        "everything_3",
        [2, 3, 2],
        {
            "kernel_shape": [2, 3, 2],
            "strides": [1, 2, 3],
            "pads": [1, 0, 2, 0, 1, 1],
            "dilations": [2, 1, 3],
            "output_padding": [0, 1, 2],
            "depth": 2,
        },
    ),
]
"""Name, spatial extents of x, attributes."""


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from window_cases(_case, "LogicConvTranspose", USES)
    yield from tree_cases(_case, "LogicConvTranspose")
    yield from input_cases(_case, "LogicConvTranspose")
    yield from window_errors(_error, ("strides", "pads", "dilations", "output_padding"))
    yield from _errors()
    yield from tree_errors(_error)


def _errors() -> Iterator[Case]:
    random = Random("transposed errors")
    data = {"x": random.bits(2, 2, 3), **tree(random, 2, (2,))}

    def error(name: str, field: str, covers: str, **changes: Any) -> Case:
        return _error(
            name, covers, field, "node", data, constants=FIXED, kernel_shape=[2], **changes
        )

    yield error("large_pads", "pads", "pads as large as the window", pads=[2, 0])
    yield error(
        "large_output_padding",
        "output_padding",
        "output_padding as large as the stride",
        strides=[2],
        output_padding=[2],
    )
    yield error(
        "output_padding_without_strides",
        "output_padding",
        "output_padding where the stride is 1",
        output_padding=[1],
    )
    small = {"x": random.bits(2, 2, 1), **tree(random, 2, (2,))}
    yield _error(
        "no_output",
        "pads leave no output",
        "pads",
        "node",
        small,
        constants=FIXED,
        kernel_shape=[2],
        pads=[1, 1],
    )
    yield _error(
        "fed_no_output",
        "fed x of which the pads leave nothing",
        "pads",
        "data",
        small,
        constants=FIXED,
        kernel_shape=[2],
        pads=[1, 1],
        unknown=["x"],
    )
