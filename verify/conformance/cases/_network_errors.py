"""What LogicNetwork must refuse, programs aside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._programs import program
from lgnx.verify.conformance.cases._scale import scale_errors
from lgnx.verify.conformance.make import Random


def network_errors(error_of: partial[Case]) -> Iterator[Case]:
    """Give a case for every rule but those of programs."""
    random = Random("network errors")
    code = program(random, 4, 6)
    bits, numbers = np.zeros((3, 4), bool), np.zeros((3, 2), np.float32)
    words, batch = np.zeros((4, 2), np.uint64), np.array([65])
    thresholds = np.array([0.25, 0.5], np.float32)

    def error(
        name: str,
        field: str,
        covers: str,
        output: Any = bool,
        seen_in: Any = "node",
        unknown: tuple[str, ...] = (),
        data: Any = None,
        **attributes: Any,
    ) -> Case:
        data = {"x": bits, "program": code, **(data or {})}
        fixed = [
            n
            for n in data
            if n != "x" and n not in unknown and not (n == "batch" and seen_in == "data")
        ]
        return error_of(
            name,
            covers,
            field,
            seen_in,
            data,
            constants=fixed,
            unknown=unknown,
            output=output,
            **{"n_outputs": 6, **attributes},
        )

    yield error("n_outputs", "n_outputs", "n_outputs is not that of the program", n_outputs=5)
    yield error(
        "groups_that_do_not_divide",
        "groups",
        "groups do not divide the outputs",
        output=np.float32,
        groups=4,
        dtype=1,
    )
    yield error(
        "negative_groups", "groups", "groups is negative", output=np.float32, groups=-1, dtype=1
    )
    yield error("float_bits", "dtype", "float output without groups", output=np.float32, dtype=1)
    yield error("bool_scores", "dtype", "bool output with groups", groups=2)
    for name, field, covers, output, attributes in scale_errors():
        wrong = {"groups": 2, "dtype": 1, **attributes}
        yield error(f"scores_{name}", field, covers, output or bool, **wrong)
    yield error(
        "float_without_thresholds", "x", "float numbers without thresholds", data={"x": numbers}
    )
    yield error("narrow_x", "x", "fewer bits than the program takes", data={"x": bits[:, :3]})
    yield error(
        "fed_narrow_x",
        "x",
        "fed bits fewer than the program takes",
        seen_in="data",
        unknown=("x",),
        data={"x": bits[:, :3]},
    )
    yield error(
        "threshold_type",
        "thresholds",
        "thresholds of another type than x",
        data={"x": numbers, "thresholds": thresholds.astype(np.float64)},
    )
    yield error(
        "nan_threshold",
        "thresholds",
        "thresholds that are NaN",
        seen_in="file",
        data={"x": numbers, "thresholds": thresholds * np.float32("nan")},
    )
    yield error(
        "strict_2",
        "strict",
        "strict is neither 0 nor 1",
        strict=2,
        data={"x": numbers, "thresholds": thresholds},
    )
    yield error(
        "thresholds_beside_batch",
        "thresholds",
        "thresholds together with batch",
        data={"x": words, "thresholds": np.array([1], np.uint64), "batch": batch},
    )
    yield error(
        "words_of_uint32",
        "x",
        "words that are not uint64",
        data={"x": words.astype(np.uint32), "batch": batch},
    )
    yield error(
        "few_words",
        "x",
        "fewer rows of words than the program has inputs",
        data={"x": words[:3], "batch": batch},
    )
    yield error(
        "bits_with_thresholds",
        "x",
        "bits and thresholds",
        data={"thresholds": np.array([True])},
    )
    yield error(
        "computed_program", "program", "a program that is no initializer", unknown=("program",)
    )
    for name, values in (
        ("scalar_thresholds", np.float32(0.5).reshape(())),
        ("no_thresholds", np.zeros((2, 0), np.float32)),
        ("thresholds_rank", np.zeros((1, 1, 1, 2), np.float32)),
        ("thresholds_shape", np.zeros((5, 2), np.float32)),
    ):
        given = {"x": numbers, "thresholds": values}
        yield error(name, "thresholds", f"thresholds of shape {list(values.shape)}", data=given)
    yield error(
        "two_batches",
        "batch",
        "batch has two entries",
        data={"x": words, "batch": np.tile(batch, 2)},
    )
    yield error("flat_words", "x", "words of rank 1", data={"x": words[:, 0], "batch": batch})
    for name, value in {"large": 129, "small": 64, "negative": -1}.items():
        wrong = {"x": words, "batch": np.array([value])}
        yield error(f"{name}_batch", "batch", f"batch is {value} beside 2 words", data=wrong)
        yield error(
            f"fed_{name}_batch",
            "batch",
            f"a fed batch of {value} beside 2 words",
            seen_in="data",
            data=wrong,
        )
    yield error_of(
        "without_n_outputs",
        "n_outputs is missing",
        "n_outputs",
        "node",
        {"x": bits, "program": code},
        constants=["program"],
    )
    yield error(
        "unknown_attribute",
        "depth",
        "an attribute that the operator does not have",
        seen_in="file",
        depth=2,
    )
