"""Cases of LogicNetwork."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from onnx import TensorProto

from lgnx.ops.program import Program, Run, encode
from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.cases._network_errors import network_errors
from lgnx.verify.conformance.cases._programs import program, program_errors
from lgnx.verify.conformance.make import (
    BATCHES,
    FLOATS,
    INTEGERS,
    Random,
    error_case,
    output_case,
)

_case, _error = partial(output_case, "LogicNetwork"), partial(error_case, "LogicNetwork")
_FIXED = ("program",)
_WITH_THRESHOLDS = ("program", "thresholds")


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from _programs()
    yield from _inputs()
    yield from _words()
    yield from _scores()
    yield from program_errors(_error)
    yield from network_errors(_error)


def _programs() -> Iterator[Case]:
    random = Random("network programs")
    for k in range(1, 7):
        data = {"x": random.bits(65, 8), "program": program(random, 8, 9, (k, k))}
        yield _case(f"k_{k}", f"gates of {k} inputs", data, constants=_FIXED, n_outputs=9)
    outputs = np.array([0, 1, 2, 3, 6, 7, 2], np.uint32)
    data = {"x": random.bits(65, 3), "program": encode(Program(3, [], outputs))}
    yield _case(
        "no_gates",
        "constants, inputs and complements as outputs",
        data,
        constants=_FIXED,
        n_outputs=7,
    )
    runs = [Run(2, f, np.array([[1, 2]], np.uint32)) for f in range(16)]
    words = encode(Program(2, runs, np.arange(6, 38, dtype=np.uint32)))
    x = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    yield _case(
        "all_functions_of_2",
        "every function of two inputs, and complemented",
        {"x": x, "program": words},
        constants=_FIXED,
        n_outputs=32,
    )
    chain = [Run(2, 6, np.array([[n + 4, n % 5]], np.uint32)) for n in range(40)]
    words = encode(Program(4, chain, np.array([88, 60], np.uint32)))
    yield _case(
        "deep",
        "40 levels",
        {"x": random.bits(70, 4), "program": words},
        constants=_FIXED,
        n_outputs=2,
    )
    for n in (1, 63, 64, 65):
        data = {"x": random.bits(3, n), "program": program(random, n, n)}
        yield _case(f"width_{n}", f"{n} bits in and out", data, constants=_FIXED, n_outputs=n)


def _inputs() -> Iterator[Case]:
    random = Random("network inputs")
    words = program(random, 6, 4)
    yield _case(
        "batches",
        "every corner batch",
        *({"x": random.bits(n, 6), "program": words} for n in BATCHES),
        constants=_FIXED,
        n_outputs=4,
    )
    for n in BATCHES:
        data = {"x": random.bits(n, 6), "program": words}
        yield _case(
            f"static_batch_{n}", f"a static batch of {n}", data, constants=_FIXED, n_outputs=4
        )
    for dtype in INTEGERS:
        x = np.where(random.bits(9, 6), random.integers(-128, 128, (9, 6)), 0).astype(dtype)
        yield _case(
            f"bits_as_{dtype}",
            f"{dtype} bits, not 0 is 1",
            {"x": x, "program": words},
            constants=_FIXED,
            n_outputs=4,
        )
    for shape in ((2, 3), (1, 2, 3), (6, 1)):
        data = {"x": random.bits(5, *shape), "program": words}
        yield _case(
            "x_of_" + "x".join(map(str, shape)),
            f"samples of shape {list(shape)}",
            data,
            constants=_FIXED,
            n_outputs=4,
        )
    yield _case(
        "unknown_extents",
        "no extent of x is declared",
        {"x": random.bits(5, 6), "program": words},
        constants=_FIXED,
        unknown=["x"],
        n_outputs=4,
    )
    for dtype in (*FLOATS, *INTEGERS):
        x = random.integers(0, 5, (65, 3), dtype)
        data = {"x": x, "program": words, "thresholds": np.array([1, 3], dtype)}
        for strict in (0, 1):
            yield _case(
                f"{dtype}_strict_{strict}",
                f"{dtype} numbers, strict = {strict}",
                data,
                constants=_WITH_THRESHOLDS,
                n_outputs=4,
                strict=strict,
            )
    for dtype in FLOATS:
        x = np.array([[np.nan, np.inf, -np.inf], [-0.0, 0.0, 1.0]], dtype)
        data = {"x": x, "program": words, "thresholds": np.array([[0, 1]], dtype)}
        yield _case(
            f"{dtype}_special",
            f"{dtype}: NaN, infinities, negative zero",
            data,
            constants=_WITH_THRESHOLDS,
            n_outputs=4,
        )
    for own in ((2,), (3, 2), (1, 2), (1, 3, 2)):
        t = random.integers(-4, 5, own, np.float32)
        sets = [
            {"x": random.integers(-4, 5, (n, 3), np.float32), "program": words, "thresholds": t}
            for n in BATCHES
        ]
        yield _case(
            "thresholds_" + "x".join(map(str, own)),
            f"thresholds of shape {list(own)}",
            *sets,
            constants=_WITH_THRESHOLDS,
            n_outputs=4,
        )
    yield _case(
        "fed_thresholds",
        "thresholds that are no initializer",
        *(
            {
                "x": random.integers(-4, 5, (n, 3), np.float32),
                "program": words,
                "thresholds": random.integers(-4, 5, (3, 2), np.float32),
            }
            for n in (1, 65)
        ),
        constants=_FIXED,
        n_outputs=4,
    )


def _words() -> Iterator[Case]:
    random = Random("network words")
    code = program(random, 6, 4)

    def data(batch: int) -> dict[str, np.ndarray]:
        x = random.words(6, -(-batch // 64))
        return {"x": x, "program": code, "batch": np.array([batch])}

    yield _case(
        "words",
        "packed words, every corner batch; bits beyond the batch are random",
        *(data(n) for n in BATCHES),
        constants=_FIXED,
        n_outputs=4,
    )
    for n in (*BATCHES, 129):
        yield _case(
            f"words_of_batch_{n}",
            f"packed words, a constant batch of {n}",
            data(n),
            constants=[*_FIXED, "batch"],
            n_outputs=4,
        )
    yield _case(
        "words_to_scores",
        "packed words to scores",
        data(65),
        constants=_FIXED,
        n_outputs=4,
        groups=2,
        dtype=int(TensorProto.INT32),
    )


def _scores() -> Iterator[Case]:
    random = Random("network scores")
    code = program(random, 6, 60)
    kinds = {
        "float": TensorProto.FLOAT,
        "double": TensorProto.DOUBLE,
        "int32": TensorProto.INT32,
        "int64": TensorProto.INT64,
    }
    scales: list[dict[str, Any]] = [
        {},
        {"bias": -3.0},
        {"tau": 0.3},
        {"beta": 5.0},
        {"bias": 1.0, "tau": 3.0, "beta": -2.0},
    ]
    data = {"x": random.bits(65, 6), "program": code}
    for name, dtype in kinds.items():
        for scale in scales:
            if "tau" in scale and name.startswith("int"):
                continue
            text = " ".join(f"{key} {value:g}" for key, value in scale.items())
            label = "_".join([name, *text.replace("-", "m").replace(".", "p").split()])
            yield _case(
                f"scores_{label}",
                f"{name} scores {text}".strip(),
                data,
                constants=_FIXED,
                n_outputs=60,
                groups=5,
                dtype=int(dtype),
                **scale,
            )
    for groups in (1, 60):
        yield _case(
            f"groups_{groups}",
            f"{groups} groups",
            data,
            constants=_FIXED,
            n_outputs=60,
            groups=groups,
            dtype=1,
        )
    yield _case(
        "scores_of_every_batch",
        "scores of every corner batch",
        *({"x": random.bits(n, 6), "program": code} for n in BATCHES),
        constants=_FIXED,
        n_outputs=60,
        groups=3,
        dtype=1,
    )
    yield _case(
        "numbers_to_scores",
        "thermometer, gates and group sum in one",
        {
            "x": random.integers(0, 5, (65, 3), np.float32),
            "program": code,
            "thresholds": np.array([1, 3], np.float32),
        },
        constants=_WITH_THRESHOLDS,
        n_outputs=60,
        groups=3,
        dtype=1,
        tau=7.0,
        strict=0,
    )
