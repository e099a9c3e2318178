"""lgnx beside its peers: the same networks and samples, job by job in one process, on one core.

    python benchmarks/peers.py --install                      # difflogic and torchlogix, once
    python benchmarks/peers.py --prepare HEP S M DIGITS CONV  # compile, kept in benchmarks/out
    python benchmarks/peers.py HEP S M DIGITS CONV            # measure, print
    python benchmarks/peers.py --report                       # write docs/performance.md, plot

Every engine's scores are compared with those of lgnx first. The results of each network are kept in
benchmarks/out/peers.json, so networks may be measured one by one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import install_peers

sys.path.insert(0, str(install_peers.PEERS))  # before anything imports torchlogix

import numpy as np
from engines import all_engines
from engines.interface import OUT, Engine, Ready, UnavailableError
from engines.lgnx_session import model_file, session
from networks import NAMES, Network, network
from peers_machine import machine
from rich.console import Console

import lgnx

SAMPLES = 131_072
COMPARED = 4096
LATENCY_BATCHES = (1, 64)
FEWEST_ROUNDS = 7
THREADED = ("S", "M")
RESULTS = OUT / "peers.json"
CONSOLE = Console(stderr=True, highlight=False)

Timer = Callable[[], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--install", action="store_true", help="fetch the peers, once")
    parser.add_argument("--prepare", action="store_true", help="compile, and measure nothing")
    parser.add_argument("--report", action="store_true", help="write the documentation")
    parser.add_argument("--seconds", type=float, default=40, help="of rounds on large batches")
    parser.add_argument(
        "--limit", type=float, default=300, help="seconds of a compiler; 0 compiles nothing"
    )
    parser.add_argument("--only", metavar="WORD", help="only lgnx and engines of this name")
    options = parser.parse_args()
    if unknown := set(options.networks) - set(NAMES):
        parser.error(f"no network {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if options.install:
        install_peers.install()
        CONSOLE.print(f"the peers are in {install_peers.PEERS}")
    for name in options.networks:
        try:
            compare(name, options)
        except UnavailableError as error:
            CONSOLE.print(f"{name} is left out: {error}")
    if options.report:
        import peers_plot
        import peers_report

        kept = json.loads(RESULTS.read_text())
        results = {name: kept[name] for name in NAMES if name in kept}
        peers_plot.write(results)
        peers_report.write(results)


def compare(name: str, options: argparse.Namespace) -> None:
    """Measure one network, keep the results and print them."""
    with CONSOLE.status(f"{name}: making the network"):
        net = network(name)
    engines = [e for e in all_engines() if not options.only or not e.rank or options.only in e.name]
    with one_core():
        ready, missing = prepare(net, engines, options.limit)
        if options.prepare:
            return
        if not ready or ready[0][0].rank:  # nothing to compare with
            raise UnavailableError(missing[engines[0].name])
        x = net.samples(SAMPLES)
        check(net, ready, x)
        result: dict[str, Any] = {"title": net.title, "machine": machine(), "missing": missing}
        result["engines"] = [each.name for each in engines]
        result["ready"] = {each.name: made.seconds for each, made in ready}
        result["sessions"] = time_sessions(net)
        result["throughput"] = time_throughput(net, ready, x, options.seconds)
        result["gates"] = time_gates(net, ready, x, options.seconds)
        result["latency"] = time_latency(net, ready, x)
    result["threads"] = time_threads(net, x, options.seconds) if name in THREADED else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    results[name] = result
    RESULTS.write_text(json.dumps(results, indent=1))
    show(name, result)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and threads and compilers it starts, on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def prepare(
    net: Network, engines: list[Engine], limit: float
) -> tuple[list[tuple[Engine, Ready]], dict[str, str]]:
    """Make every engine ready, and say why the others are not."""
    ready, missing = [], {}
    for each in engines:
        with CONSOLE.status(f"{net.name}: {each.name} gets ready"):
            try:
                ready.append((each, each.prepare(net, limit)))
            except UnavailableError as error:
                missing[each.name] = error.reason
                CONSOLE.print(f"{net.name}: {each.name}: {error}")
    return ready, missing


def batch(net: Network, engine: Engine) -> int:
    """Samples of one call."""
    n = SAMPLES if engine.bits is None else min(SAMPLES, engine.bits // net.widest)
    return max(64, n // 64 * 64)


def check(net: Network, ready: list[tuple[Engine, Ready]], x: np.ndarray) -> None:
    """Compare the scores of the first samples with those of lgnx."""
    expected = ready[0][1].call(x[:COMPARED])
    for each, made in ready:
        n = min(COMPARED, batch(net, each))
        if not (made.call(x[:n]) == expected[:n]).all():
            sys.exit(f"{net.name}: {each.name} gives other scores than {ready[0][0].name}")


def interleave(jobs: dict[str, Timer], seconds: float, label: str) -> dict[str, list[float]]:
    """Run every job once a round, all equally often, until the time is over."""
    times: dict[str, list[float]] = {job: [] for job in jobs}
    end = time.perf_counter() + seconds
    with CONSOLE.status(label) as status:
        for number in itertools.count(1):
            for job, seconds_of in jobs.items():
                status.update(f"{label}: round {number}, {job}")
                times[job].append(seconds_of())
            if number >= FEWEST_ROUNDS and time.perf_counter() > end:
                return times


def summary(values: list[float], n: int) -> dict[str, float]:
    """Minimum and median of a sample, in nanoseconds."""
    return {"min": min(values) / n * 1e9, "median": float(np.median(values)) / n * 1e9, "batch": n}


def timer(call: Callable[[np.ndarray], Any], x: np.ndarray) -> Timer:
    def seconds() -> float:
        start = time.perf_counter()
        call(x)
        return time.perf_counter() - start

    return seconds


def time_throughput(
    net: Network, ready: list[tuple[Engine, Ready]], x: np.ndarray, seconds: float
) -> dict[str, dict[str, float]]:
    sizes = {each.name: batch(net, each) for each, _ in ready}
    jobs = {each.name: timer(made.call, x[: sizes[each.name]]) for each, made in ready}
    times = interleave(jobs, seconds, f"{net.name}, batch {SAMPLES:,}")
    return {job: summary(values, sizes[job]) for job, values in times.items()}


def time_gates(
    net: Network, ready: list[tuple[Engine, Ready]], x: np.ndarray, seconds: float
) -> dict[str, dict[str, float]]:
    """Time the gates alone, on words that are packed already."""
    sizes = {each.name: batch(net, each) for each, _ in ready}

    def job(each: Engine, made: Ready) -> Timer:
        return lambda: made.gates(x[: sizes[each.name]])

    jobs = {each.name: job(each, made) for each, made in ready if made.gates}
    times = interleave(jobs, seconds / 2, f"{net.name}, gates")
    return {name: summary(values, sizes[name]) for name, values in times.items()}


def time_latency(
    net: Network, ready: list[tuple[Engine, Ready]], x: np.ndarray
) -> dict[str, dict[str, dict[str, float]]]:
    """Time calls with few samples; each engine calls for 20 ms a round, at least once."""
    result = {}
    for size in LATENCY_BATCHES:
        times: dict[str, list[float]] = {each.name: [] for each, _ in ready}
        with CONSOLE.status(f"{net.name}: batch {size}"):
            for _ in range(15):
                for each, made in ready:
                    if sum(times[each.name]) > 2:
                        continue
                    padded = -(-size // each.multiple) * each.multiple
                    once = timer(made.call, x[:padded])
                    once()
                    end = time.perf_counter() + 0.02
                    while True:
                        times[each.name].append(once())
                        if time.perf_counter() > end:
                            break
        result[str(size)] = {job: summary(values, size) for job, values in times.items()}
    return result


def time_sessions(net: Network) -> dict[str, dict[str, float]]:
    """Time the creation of a session from a file; a convolution has no layer level."""
    levels = ("network", "layer") if net.layers is not None else ("network",)
    files = {level: model_file(net, level) for level in levels}
    jobs = {level: timer(lgnx.InferenceSession, file) for level, file in files.items()}
    times = interleave(jobs, 0, f"{net.name}: sessions")
    return {level: summary(values, 1) for level, values in times.items()}


def time_threads(net: Network, x: np.ndarray, seconds: float) -> dict[str, dict[str, float]]:
    """Time one thread and two, in a process that may use every core."""
    if (os.cpu_count() or 1) < 2:
        return {}
    sessions = {str(n): session(net, n) for n in (1, 2)}
    jobs = {
        n: timer(lambda x, made=made: made.run(None, {"x": x}), x) for n, made in sessions.items()
    }
    times = interleave(jobs, seconds / 4, f"{net.name}: threads")
    return {n: summary(values, len(x)) for n, values in times.items()}


def show(name: str, result: dict[str, Any]) -> None:
    """Print what was measured."""
    from peers_report import tables
    from rich.markdown import Markdown

    Console().print(Markdown("\n\n".join(tables({name: result}))))


if __name__ == "__main__":
    main()
