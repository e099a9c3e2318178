"""C that lgnx writes, beside its engine: seconds to compile, bytes, nanoseconds a sample.

    python benchmarks/c_source.py HEP S M

The engine runs its portable variant, which has the instructions that a compiler takes without being
told of a processor. Both run on one thread and in turn; times are minima. Seconds of a compiler are
those of the processor. `benchmarks/peers.py` has the times of the peers' C.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("LGNX_SIMD", "portable")

import numpy as np
from engines.compiled import compiler
from networks import network
from rich.console import Console
from rich.table import Table

from lgnx.converters.c99 import write_c
from lgnx.network import Network
from lgnx.ops import engine
from lgnx.ops.program import encode

BATCHES = {"HEP": (4096, 131_072), "S": (4096, 131_072), "M": (4096, 32_768)}
ROUNDS = 15


def compiled(source: Path, level: str) -> tuple[Path, float]:
    """Library of a source file, and the seconds of processor time it took."""
    library = source.with_name(f"{source.stem}{level}.so")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["gcc", "-std=c99", level, "-shared", "-fPIC", str(source), "-o", str(library)], check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return library, used


def code_size(library: Path) -> int:
    """Bytes of code and constants."""
    run = subprocess.run(["size", str(library)], capture_output=True, text=True, check=True)
    return int(run.stdout.splitlines()[1].split()[0])


def function(library: Path, header: Path, outputs: int) -> Any:
    """Give a function that runs a batch, and its scratch memory's size."""
    text = header.read_text()
    lines, words = (
        int(re.findall(pattern, text)[0]) for pattern in (r"_SCRATCH \((\d+)", r"_LINE (\d+)")
    )
    scratch = np.empty(lines * words + 8, np.uint64)
    call = ctypes.CDLL(str(library)).net_run
    call.restype = None

    def run(x: np.ndarray) -> np.ndarray:
        y = np.empty((len(x), outputs), np.int32)
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, y, scratch))
        samples, scores, memory = pointers
        call(samples, ctypes.c_size_t(len(x)), scores, memory)
        return y

    return run


def measure(name: str, folder: Path) -> list[list[str]]:
    """Rows of the table of one network."""
    net = network(name)
    lowered = Network.from_model(net.model())
    program = engine.NativeProgram(encode(lowered.netlist.to_program()))
    calls, facts = {}, {}
    for style in ("code", "table"):
        source = folder / f"{name}_{style}.c"
        start = time.perf_counter()
        write_c(net.model(), source, prefix="net", style=style)
        writing = time.perf_counter() - start
        fast, seconds = compiled(source, "-O1")
        if name != "M" or style == "table":  # statements of M take long
            fast, optimised = compiled(source, "-O3")
        else:
            optimised = float("nan")
        calls[style] = function(fast, source.with_suffix(".h"), lowered.groups)
        facts[style] = [writing, seconds, optimised, source.stat().st_size, code_size(fast)]
    rows = []
    sample = net.samples(2000)
    for style, call in calls.items():
        assert (call(sample) == lowered.scores(sample)).all(), f"{name}, {style}: other scores"
    for batch in BATCHES[name]:
        x = net.samples(batch)
        own, times = [], {style: [] for style in calls}
        for _ in range(ROUNDS):
            own.append(sum(program.profile(x, groups=lowered.groups)))
            for style, call in calls.items():
                start = time.perf_counter()
                call(x)
                times[style].append(time.perf_counter() - start)
        for style in calls:
            writing, seconds, optimised, source_size, size = facts[style]
            rows.append(
                [
                    f"{name}, {lowered.netlist.n_nodes:,}",
                    style,
                    f"{writing:.1f} s",
                    f"{seconds:.1f} s",
                    "-" if np.isnan(optimised) else f"{optimised:.1f} s",
                    f"{source_size / 1e6:.1f} MB",
                    f"{size / 1e3:,.0f} kB",
                    f"{batch:,}",
                    f"{1e9 * min(times[style]) / batch:.1f}",
                    f"{1e9 * min(own) / batch:.1f}",
                    f"{min(times[style]) / min(own):.2f}",
                ]
            )
    return rows


def main() -> None:
    names = sys.argv[1:] or list(BATCHES)
    table = Table(title=f"{compiler()}, engine {engine.simd()}")
    for heading in (
        "network, gates",
        "style",
        "writing",
        "-O1",
        "-O3",
        "source",
        "code",
        "batch",
        "ns a sample",
        "engine",
        "ratio",
    ):
        table.add_column(heading)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for row in measure(name, Path(folder)):
                table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
