"""Compiling generated C, once: a second run loads what the first one built."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import math
import os
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from networks import Network

from engines.interface import OUT, UnavailableError

# The gates of a peer work on 64 samples a call; Python cannot call that often. Inputs come from a
# few blocks that stay in the cache, as they do where the peer packs them itself.
_LOOP = r"""
#include <stddef.h>
#include <stdint.h>
void loop(void (*gates)(const uint64_t *, uint64_t *), const uint64_t *in, size_t blocks,
          size_t n_inputs, uint64_t *out, size_t n) {
    for (size_t i = 0; i < n; ++i) gates(in + i % blocks * n_inputs, out);
}
"""


@dataclass
class Record:
    """What is known of a compiled network.

    Attributes
    ----------
    seconds
        By step.
    gave_up
        Seconds of processor time after which the compiler was stopped; 0 where it ended.
    facts
        What the engine wants to know when it loads the file.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    gave_up: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


@functools.cache
def compiler() -> str:
    """Name and version of gcc."""
    try:
        run = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnavailableError("needs gcc") from error
    return run.stdout.splitlines()[0]


def build(
    net: Network,
    what: str,
    flags: Sequence[str],
    generate: Callable[[], tuple[str, dict[str, float], dict[str, Any]]],
    limit: float,
) -> tuple[Path, Record]:
    """Give the shared library of a network.

    Parameters
    ----------
    net
        Its content is the key of the cache, together with the other arguments.
    what
        Name and version of the peer, and its setting.
    flags
        For gcc, as the peer gives them.
    generate
        Gives the C code, the seconds of each step before the compiler, and facts to keep.
    limit
        Seconds of processor time after which gcc is stopped; 0 takes only what is kept.

    Raises
    ------
    UnavailableError
        If gcc was stopped or failed.
    """
    key = hashlib.sha256("\n".join([net.digest, what, *flags, compiler()]).encode()).hexdigest()
    base = OUT / "compiled" / f"{net.name}-{what.split()[0]}-{key[:16]}"
    library, note = base.with_suffix(".so"), base.with_suffix(".json")
    if note.is_file():
        record = Record(**json.loads(note.read_text()))
        if record.gave_up and record.gave_up >= limit:
            raise _too_slow(record.gave_up)
        if not record.gave_up and library.is_file():
            return library, record
    if not limit:
        raise UnavailableError("not compiled yet")
    base.parent.mkdir(parents=True, exist_ok=True)
    code, seconds, facts = generate()
    # Another process may compile the same.
    source, built = (base.with_suffix(f".{os.getpid()}{end}") for end in (".c", ".so"))
    source.write_text(code)
    command = ["gcc", *flags, "-shared", "-fPIC", "-o", str(built), str(source)]
    try:
        used = _run(command, limit)
        built.replace(library)
    except _TooSlowError as error:
        note.write_text(json.dumps(asdict(Record(seconds, limit))))
        raise _too_slow(limit) from error
    finally:
        source.unlink()
    record = Record({**seconds, "compile": used}, 0.0, facts)
    note.write_text(json.dumps(asdict(record)))
    return library, record


class _TooSlowError(Exception):
    """A compiler took more processor time than it was given."""


def _run(command: list[str], limit: float) -> float:
    """Run a compiler and give its processor time, which other processes hardly change."""
    whole = math.ceil(limit)

    def restrain() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))

    before = _children_seconds()
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True, preexec_fn=restrain)
    used = _children_seconds() - before
    if run.returncode:
        if used > 0.95 * limit:
            raise _TooSlowError
        raise UnavailableError(f"gcc failed: {(run.stderr.strip().splitlines() or [''])[-1]}")
    return used


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _too_slow(seconds: float) -> UnavailableError:
    return UnavailableError(f"not compiled after {seconds:,.0f} s")


@functools.cache
def _loop() -> Any:
    path = OUT / "compiled" / f"loop-{hashlib.sha256(_LOOP.encode()).hexdigest()[:16]}.so"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["gcc", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)]
        subprocess.run(command, input=_LOOP, text=True, check=True)
    return ctypes.CDLL(str(path)).loop


def time_gates(function: Any, n_inputs: int, n_outputs: int, blocks: int = 16) -> Callable:
    """Make a timer of a C function that takes words of 64 samples: inputs, outputs."""
    rng = np.random.default_rng(2)
    words = rng.integers(0, 1 << 64, (blocks, n_inputs), np.uint64, endpoint=False)
    out = np.empty(n_outputs, np.uint64)
    loop, size = _loop(), ctypes.c_size_t

    def seconds(x: np.ndarray) -> float:
        start = time.perf_counter()
        loop(
            function,
            ctypes.c_void_p(words.ctypes.data),
            size(blocks),
            size(n_inputs),
            ctypes.c_void_p(out.ctypes.data),
            size(len(x) // 64),
        )
        return time.perf_counter() - start

    return seconds
