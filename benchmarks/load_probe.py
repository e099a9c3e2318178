"""One measurement of `load_networks.py`, in a process of its own; prints JSON.

    python benchmarks/load_probe.py create FILE SESSIONS
    python benchmarks/load_probe.py compare FILE BATCH
    python benchmarks/load_probe.py memory FILE FEATURES GROUPS

- ``create``: milliseconds of creating each session from bytes. Modules are imported before, as far
  as a program has them that has asked for `lgnx.InferenceSession`.
- ``compare``: milliseconds of a run, whose scores must be those of XL.npz beside the file.
- ``memory``: a session of one thread runs MEMORY_BATCH samples to preallocated output. With 0
  groups it is one of stock onnxruntime, and the output is as large as the input.

``peak`` is the largest resident size in MB, for ``memory`` without input and output.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

MEMORY_BATCH = 131_072


def create(path: Path, sessions: int) -> dict[str, Any]:
    import lgnx

    kind, data, times = lgnx.InferenceSession, path.read_bytes(), []
    for _ in range(sessions):
        options = _one_thread()
        started = time.perf_counter()
        session = kind(data, options)
        times.append(1e3 * (time.perf_counter() - started))
        del session
    return {"ms": times, "peak": _peak()}


def compare(path: Path, batch: int) -> dict[str, Any]:
    import lgnx

    session = lgnx.InferenceSession(path, _one_thread())
    known = np.load(path.with_name("XL.npz"))
    x, expected = (np.resize(known[name], (batch, known[name].shape[1])) for name in "xy")
    started = time.perf_counter()
    y = session.run(None, {"x": x})[0]
    seconds = time.perf_counter() - started
    if not np.array_equal(y, expected):
        sys.exit(f"{path}: wrong scores")
    return {"ms": 1e3 * seconds, "peak": _peak()}


def memory(path: Path, features: int, groups: int) -> dict[str, Any]:
    # Input and output come first, so that they are part of whatever the peak is.
    x = np.random.default_rng(1).integers(0, 2, (MEMORY_BATCH, features), np.uint8).view(bool)
    kind = np.int32 if groups else np.bool_
    y = np.ones((MEMORY_BATCH, groups or features), kind)
    if groups:
        import lgnx

        session = lgnx.InferenceSession(path, _one_thread())
    else:
        session = onnxruntime.InferenceSession(path.read_bytes(), _one_thread())
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, kind, list(y.shape), y.ctypes.data)
    for _ in range(2):
        session.run_with_iobinding(binding)
    return {"peak": _peak() - (x.nbytes + y.nbytes) / 1e6}


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return options


def _peak() -> float:
    # getrusage begins with the size of the process that started this one, Linux's own figure not.
    with contextlib.suppress(FileNotFoundError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    job = {"create": create, "compare": compare, "memory": memory}[sys.argv[1]]
    print(json.dumps(job(Path(sys.argv[2]), *map(int, sys.argv[3:]))))
