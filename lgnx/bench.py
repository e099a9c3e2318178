"""How fast a model runs on this machine."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime

from lgnx.files import as_proto, model_name
from lgnx.network import Network
from lgnx.ops import DOMAIN, OPERATORS, engine
from lgnx.ops.errors import InputError, ModelError
from lgnx.ops.program import encode
from lgnx.session import InferenceSession

BATCHES = (1, 64, 4096, 131_072)
_MAX_BYTES = 2 << 30  # of one batch of input
_TYPES = {
    "tensor(bool)": np.dtype(bool),
    "tensor(float)": np.dtype(np.float32),
    "tensor(double)": np.dtype(np.float64),
    "tensor(float16)": np.dtype(np.float16),
} | {
    f"tensor({kind}{bits})": np.dtype(f"{kind}{bits}")
    for kind in ("int", "uint")
    for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True)
class Speed:
    """One batch size on so many threads: the fastest and the median call, in seconds."""

    batch: int
    threads: int
    fastest: float
    median: float

    @property
    def samples_per_second(self) -> float:
        """At the fastest call."""
        return self.batch / self.fastest


@dataclass(frozen=True)
class Benchmark:
    """What `benchmark` measured.

    Attributes
    ----------
    simd
        Instruction set of the engine.
    load_seconds
        Creating the session, fusing included.
    speeds
        For each batch size and number of threads.
    stages
        Seconds of a sample on one thread, by stage; empty where the model is not one network.
    stage_batch
        Batch that the stages were measured on.
    skipped
        Batch sizes whose input would be too large, or that the model does not take.
    peak_bytes
        Largest memory of the process so far.
    model_bytes
        What creating the session and running the smallest batch added to it.
    """

    simd: str
    load_seconds: float
    speeds: tuple[Speed, ...]
    stages: dict[str, float]
    stage_batch: int
    skipped: tuple[int, ...]
    peak_bytes: int
    model_bytes: int


def benchmark(
    model: Any,
    *,
    batches: Sequence[int] = BATCHES,
    threads: int = 0,
    seconds: float = 1.0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Benchmark:
    """Measure loading and running a model on random input.

    Parameters
    ----------
    model
        Path, bytes or ModelProto with one input; layers are fused as `lgnx.InferenceSession` does.
    batches
        Batch sizes.
    threads
        Also measure with so many threads, beside one; 0 takes one per core.
    seconds
        For each batch size and number of threads, after one call that is not measured.
    seed
        Of the input.
    progress
        Called with what is measured next.

    Raises
    ------
    InputError
        If there is not one input of samples, or a batch is not positive.
    ModelError
        If the model cannot be read or run.
    """
    if any(batch < 1 for batch in batches):
        raise InputError("batch sizes must be at least 1")
    tell = progress or (lambda step: None)
    proto, where = as_proto(model), model_name(model)
    counts = sorted({1, threads or os.cpu_count() or 1})
    memory = _peak_bytes()
    tell("loading")
    start = time.perf_counter()
    session = _session(proto, 1)
    load_seconds = time.perf_counter() - start
    dtype, shape, fixed = _input(session, where)
    _refuse_words(proto, session.get_inputs()[0].name, where)
    chosen = [b for b in batches if _fits(b, dtype, shape, fixed)]
    if not chosen:
        raise InputError(f"{where}: none of the batch sizes can be run; the model takes {fixed}")
    rng = np.random.default_rng(seed)
    x = _random(rng, dtype, (max(chosen), *shape))
    memory += x.nbytes
    speeds = []
    model_bytes = 0
    for n in counts:
        session = session if n == 1 else _session(proto, n)
        for batch in chosen:
            tell(f"batch {batch:,} on {n} thread{'s' if n > 1 else ''}")
            times = _time(session, x[:batch], seconds)
            speeds.append(Speed(batch, n, min(times), float(np.median(times))))
            if len(speeds) == 1:
                model_bytes = max(0, _peak_bytes() - memory)
    tell("stages")
    stages = _stages(proto, x[: max(chosen)])
    return Benchmark(
        simd=engine.simd(),
        load_seconds=load_seconds,
        speeds=tuple(speeds),
        stages=stages,
        stage_batch=max(chosen),
        skipped=tuple(b for b in batches if b not in chosen),
        peak_bytes=_peak_bytes(),
        model_bytes=model_bytes,
    )


def _session(proto: onnx.ModelProto, threads: int) -> InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return InferenceSession(proto, options)


def _input(session: InferenceSession, where: str) -> tuple[np.dtype, tuple[int, ...], int | None]:
    """Dtype, shape of a sample and, where it is fixed, the batch of the only input."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(i.name for i in inputs)
        raise InputError(f"{where}: has the inputs {names}; only models with one can be measured")
    only = inputs[0]
    if only.type not in _TYPES or not only.shape:
        raise InputError(f"{where}: input {only.name!r} is {only.type} {only.shape}")
    batch, *shape = only.shape
    if not all(isinstance(n, int) for n in shape):
        raise InputError(f"{where}: input {only.name!r} has no fixed shape: {only.shape}")
    return _TYPES[only.type], tuple(shape), batch if isinstance(batch, int) else None


def _refuse_words(proto: onnx.ModelProto, name: str, where: str) -> None:
    """Refuse an input that goes straight to an operator as words, which hold the batch last."""
    for node in proto.graph.node:
        operator = OPERATORS.get(node.op_type) if node.domain == DOMAIN else None
        formal = [value.name for value in operator.schema.inputs] if operator else []
        given = dict(zip(formal, node.input, strict=False))
        if given.get("batch") and given["x"] == name:
            raise InputError(
                f"{where}: input {name!r} is packed words, whose first axis is not the batch; "
                "only models of samples can be measured"
            )


def _fits(batch: int, dtype: np.dtype, shape: tuple[int, ...], fixed: int | None) -> bool:
    if fixed is not None:
        return batch == fixed
    return batch * int(np.prod(shape, dtype=np.int64)) * dtype.itemsize <= _MAX_BYTES


def _random(rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in [0, 1) or among all integers, bits evenly."""
    if dtype.kind == "f":
        kind = np.float64 if dtype == np.float64 else np.float32
        return rng.random(shape, kind).astype(dtype, copy=False)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape, np.uint8).view(bool)
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def _time(session: InferenceSession, x: np.ndarray, seconds: float) -> list[float]:
    feeds = {session.get_inputs()[0].name: x}
    try:
        session.run(None, feeds)
    except Exception as error:
        raise ModelError(f"the model does not run: {error}") from error
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or (time.perf_counter() < end and len(times) < 100_000):
        start = time.perf_counter()
        session.run(None, feeds)
        times.append(time.perf_counter() - start)
    return times


def _stages(proto: onnx.ModelProto, x: np.ndarray) -> dict[str, float]:
    """Seconds of a sample by stage, the best of three runs; {} unless all is one network."""
    from lgnx.passes import lower

    try:
        network = Network.from_model(lower(proto, to="network"))
        program = engine.NativeProgram(encode(network.netlist.to_program()))
    except ModelError:
        return {}
    if x.dtype == np.float16:  # the engine converts each row, which is not measured apart
        return {}
    rows = x.reshape(len(x), network.features)
    thresholds = network.thresholds
    runs = [
        program.profile(rows, thresholds, strict=network.strict, groups=network.groups)
        for _ in range(3)
    ]
    best = min(runs, key=sum)
    names = ("pack", "gates", "count" if network.groups else "unpack")
    return {name: value / len(x) for name, value in zip(names, best, strict=True)}


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
