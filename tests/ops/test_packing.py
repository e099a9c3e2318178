"""Every path of the row pass and of the group sum, against the numpy reference."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from onnx import TensorProto

from lgnx.ops.program import Program, Run, encode

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def identity(n: int) -> np.ndarray:
    """A program whose outputs are its inputs, every second one complemented."""
    outputs = 2 * np.arange(1, n + 1, dtype=np.uint32)
    outputs[1::2] += 1
    return encode(Program(n, [], outputs))


@pytest.fixture(scope="session")
def run(kernel_agrees):
    return functools.partial(kernel_agrees, "LogicNetwork")


def numbers(rng, dtype, shape):
    """Values that meet their thresholds often, and the extremes of the dtype."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        x = rng.integers(-4, 5, shape).astype(kind) / 4
        special = [np.nan, np.inf, -np.inf, -0.0, np.finfo(kind).smallest_subnormal]
    else:
        info = np.iinfo(kind)
        x = rng.integers(0, 4, shape).astype(kind)
        special = [info.min, info.max]
    places = rng.random(shape) < 0.2
    x[places] = rng.choice(np.array(special, kind), int(places.sum()))
    return x


@pytest.mark.parametrize("strict", [1, 0])
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
@pytest.mark.parametrize(
    ("features", "per_feature"),
    [(1, 1), (1, 130), (3, 2), (16, 5), (31, 3), (33, 2), (64, 1), (65, 3), (129, 1), (200, 17)],
)
def test_thresholds(run, dtype, features, per_feature, strict):
    rng = np.random.default_rng(features)
    thresholds = numbers(rng, dtype, (features, per_feature))
    program = identity(features * per_feature)
    for batch in (1, 63, 65, 600):
        x = numbers(rng, dtype, (batch, features))
        run(x, program, thresholds, n_outputs=features * per_feature, strict=strict)


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
@pytest.mark.parametrize("features", [1, 7, 64, 100, 1100])
def test_nonzero(run, dtype, features):
    rng = np.random.default_rng(features)
    for batch in (1, 64, 65, 257, 700):
        x = numbers(rng, "uint8" if dtype == "bool" else dtype, (batch, features)).astype(dtype)
        run(x, identity(features), n_outputs=features)


@pytest.mark.parametrize("groups", [1, 3, 9])
@pytest.mark.parametrize("size", [1, 15, 16, 17, 255, 256, 800])
@pytest.mark.parametrize("dtype", [TensorProto.INT32, TensorProto.DOUBLE])
def test_group_sums(run, groups, size, dtype):
    n = groups * size
    rng = np.random.default_rng(n)
    for batch in (1, 65, 513, 1100):
        x = rng.random((batch, n)) < 0.5
        x[:: max(1, batch // 3)] = True
        run(x, identity(n), n_outputs=n, groups=groups, dtype=dtype)


def test_a_group_too_large_for_a_table_of_scores(run):
    n, batch = 70_000, 70
    x = np.random.default_rng(0).random((batch, n)) < 0.5
    x[0], x[1] = True, False
    run(x, identity(n), n_outputs=n, groups=1, dtype=TensorProto.FLOAT, tau=3.0, beta=0.1)


def test_a_program_that_reads_few_of_many_inputs(run):
    n = 5000
    chosen = np.array([1, 64, 65, 2000, 4999], np.uint32)
    gates = Run(2, 0x6, np.stack([chosen, np.roll(chosen, 1)], axis=1))
    program = encode(Program(n, [gates], 2 * (n + 1 + np.arange(5, dtype=np.uint32))))
    for batch in (1, 100, 1025):
        run(np.random.default_rng(batch).random((batch, n)) < 0.5, program, n_outputs=5)
