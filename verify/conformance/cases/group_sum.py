"""Cases of GroupSum."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from onnx import TensorProto

from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._scale import scale_errors
from lgnx.verify.conformance.make import BATCHES, Random, error_case, output_case

_case, _error = partial(output_case, "GroupSum"), partial(error_case, "GroupSum")

FLOATS = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE}
INTEGERS = {"int32": TensorProto.INT32, "int64": TensorProto.INT64}


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from _scales()
    yield from _sizes()
    yield from _errors()


def _scales() -> Iterator[Case]:
    random = Random("group sum scales")
    data = {"x": random.bits(65, 30)}
    yield _case("defaults", "only the groups are given", data, groups=3)
    scales: list[dict[str, Any]] = [
        {},
        {"bias": -3.0},
        {"tau": 2.0},
        {"beta": 5.0},
        {"bias": 1.0, "beta": -2.0},
    ]
    inexact: list[dict[str, Any]] = [
        {"bias": 0.1},
        {"tau": 0.3},
        {"beta": 0.7},
        {"bias": 0.1, "tau": 3.0, "beta": -0.7},
        {"bias": 1e-3, "tau": 1e-30},
    ]
    for name, dtype in {**FLOATS, **INTEGERS}.items():
        whole = name in INTEGERS
        for scale in scales if whole else [*scales, *inexact]:
            if whole and "tau" in scale:
                continue
            text = " ".join(f"{key} {value:g}" for key, value in scale.items())
            label = "_".join([name, *text.replace("-", "m").replace(".", "p").split()])
            yield _case(label, f"{name} {text}".strip(), data, groups=5, dtype=int(dtype), **scale)


def _sizes() -> Iterator[Case]:
    random = Random("group sum sizes")
    yield _case(
        "batches", "every corner batch", *({"x": random.bits(n, 12)} for n in BATCHES), groups=4
    )
    for n in BATCHES:
        yield _case(
            f"static_batch_{n}", f"a static batch of {n}", {"x": random.bits(n, 6)}, groups=2
        )
    for size in (1, 2, 7, 8, 63, 64, 65, 127, 128, 129, 255, 256, 257):
        data = {"x": random.bits(3, 2 * size)}
        yield _case(f"groups_of_{size}", f"groups of {size} bits", data, groups=2)
    yield _case("one_group", "one group", {"x": random.bits(65, 9)}, groups=1)
    yield _case("one_bit", "width 1", {"x": random.bits(65, 1)}, groups=1)
    yield _case("groups_of_one", "as many groups as bits", {"x": random.bits(65, 9)}, groups=9)
    yield _case(
        "large_count",
        "counts beyond 16 bits",
        {"x": np.ones((2, 70000), bool)},
        groups=1,
        dtype=int(TensorProto.INT32),
    )
    for name, x in (("zeros", np.zeros((65, 8), bool)), ("ones", np.ones((65, 8), bool))):
        yield _case(name, name, {"x": x}, groups=2)
    for rank, shape in ((1, (6,)), (3, (4, 3, 6)), (4, (2, 3, 2, 6))):
        yield _case(f"rank_{rank}", f"x of rank {rank}", {"x": random.bits(*shape)}, groups=3)
    yield _case(
        "dynamic_axes",
        "more than one dynamic axis",
        *({"x": random.bits(*s, 6)} for s in ((1, 1), (65, 2), (0, 3))),
        groups=3,
    )
    yield _case(
        "unknown_extents",
        "no extent of x is declared",
        {"x": random.bits(5, 6)},
        groups=2,
        unknown=["x"],
    )


def _errors() -> Iterator[Case]:
    data = {"x": np.zeros((3, 6), bool)}

    def error(name: str, field: str, covers: str, output: Any = np.float32, **changes: Any) -> Case:
        attributes = {"groups": 2, **changes}
        return _error(name, covers, field, "node", data, output=output, **attributes)

    yield error("no_groups", "groups", "groups is 0", groups=0)
    yield error("negative_groups", "groups", "groups is negative", groups=-1)
    yield error("groups_that_do_not_divide", "groups", "groups do not divide the bits", groups=4)
    for name, field, covers, output, attributes in scale_errors():
        yield error(name, field, covers, output or np.float32, **attributes)
    yield error("bool", "dtype", "bool scores", output=bool, dtype=9)
    yield _error(
        "scalar", "x of rank 0", "x", "node", {"x": np.array(True)}, output=np.float32, groups=1
    )
    yield _error(
        "numbers",
        "numbers in place of bits",
        "x",
        "node",
        {"x": np.zeros((3, 6), np.int32)},
        output=np.float32,
        groups=2,
    )
    yield _error(
        "without_groups",
        "the attribute groups is missing",
        "groups",
        "node",
        data,
        output=np.float32,
    )
    yield _error(
        "unknown_attribute",
        "an attribute that the operator does not have",
        "gamma",
        "file",
        data,
        output=np.float32,
        groups=2,
        gamma=1.0,
    )
    yield _error(
        "mistyped_attribute",
        "a tau of another type",
        "tau",
        "file",
        data,
        output=np.float32,
        groups=2,
        tau=2,
    )
    yield _error(
        "fed_width",
        "fed bits that the groups do not divide",
        "groups",
        "data",
        {"x": np.zeros((3, 5), bool)},
        output=np.float32,
        groups=2,
        unknown=["x"],
    )
