"""An RTL folder made into a shared library that simulates it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.resources import files
from pathlib import Path

from lgnx.verify.cache import cached_library, content_key
from lgnx.verify.rtl import Rtl
from lgnx.verify.verilator import Compiler, Verilator, find_compiler, find_verilator, run_tool

__all__ = ["available_cpus", "build_library"]

# Verilator: optimise, and no checks that cost time at run time.
_VERILATE = (
    *("--cc", "--prefix", "Vlgnx", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"),
    *("--x-assign", "fast", "--x-initial", "fast", "--noassert"),
)
# No asserts, one name visible from outside, and none shared with another library of the process.
_COMPILE = (
    *("-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-w"),
    *("-DNDEBUG", "-DVL_TIME_CONTEXT", "-DVL_USER_FATAL", "-DVL_USER_FINISH"),
    *("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_SAIF=0"),
)
_MODEL = ("-Os",)  # measured against -O1 and -O2: benchmarks/cosim_large.py
_VERILATE_SHARE = 0.2  # of the time of a build, for progress


def available_cpus() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def build_library(
    rtl: Rtl,
    *,
    trace: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Give the shared library that simulates a design; build it unless the cache has it.

    Parameters
    ----------
    rtl
        What `read_rtl` gives.
    trace
        Whether the library can write waves; it is slower.
    cache_dir
        In place of `cache_folder`.
    jobs
        Compilers that run at a time; by default one for each processor.
    progress
        Called with amounts that add up to 1 in the end.

    Raises
    ------
    ToolError, MissingExtraError
        If Verilator or a compiler is missing or fails.
    InputError
        If the cache folder cannot be written to.
    """
    told = 0.0

    def advance(amount: float) -> None:
        nonlocal told
        told += amount
        if progress is not None:
            progress(amount)

    verilator, compiler = find_verilator(), find_compiler()
    defines = _defines(rtl, trace)
    harness = files("lgnx.verify").joinpath("harness/batch.cpp").read_bytes()
    tools = [str(verilator.binary), verilator.version, verilator.banner, compiler.banner]
    flags = [*compiler.command, *_VERILATE, *_COMPILE, *_MODEL, f"trace={trace}", *defines]
    key = content_key([*tools, *flags, harness, *rtl.contents()])

    def build(folder: Path) -> Path:
        steps = _Build(rtl, verilator, compiler, folder, advance)
        return steps.run(harness, defines, trace, jobs or available_cpus())

    library = cached_library(f"{rtl.top}-{key}", build, cache_dir=cache_dir)
    advance(1.0 - told)
    return library


class _Build:
    """One build in a folder of its own."""

    def __init__(
        self,
        rtl: Rtl,
        verilator: Verilator,
        compiler: Compiler,
        folder: Path,
        progress: Callable[[float], None],
    ) -> None:
        self.rtl, self.verilator, self.compiler = rtl, verilator, compiler
        self.folder, self.progress = folder, progress
        include = verilator.root / "include"
        self.runtime = [include / "verilated.cpp", include / "verilated_threads.cpp"]
        self.flags = [*_COMPILE, f"-I{folder}", f"-I{include}", f"-I{include / 'vltstd'}"]
        if compiler.is_clang:
            self.flags.append("-fbracket-depth=4096")

    def run(self, harness: bytes, defines: Sequence[str], trace: bool, jobs: int) -> Path:
        arguments: list[str | Path] = [
            *_VERILATE,
            "--Mdir",
            self.folder,
            "--top-module",
            self.rtl.top,
        ]
        if trace:
            arguments.append("--trace")
            self.runtime.append(self.runtime[0].with_name("verilated_vcd_c.cpp"))
        self.flags += [f"-DVM_TRACE={trace:d}", f"-DVM_TRACE_VCD={trace:d}"]
        self.verilator.run([*arguments, *self.rtl.files])
        self.progress(_VERILATE_SHARE)
        sources: list[tuple[Path, Sequence[str]]] = [
            (path, _MODEL) for path in [*self.folder.glob("*.cpp"), *self.runtime]
        ]
        driver = self.folder / "batch.cpp"
        driver.write_bytes(harness)
        sources.append((driver, ("-O2", *defines)))
        sources.sort(key=lambda source: -source[0].stat().st_size)  # the longest first
        objects = []
        with ThreadPoolExecutor(jobs) as pool:
            tasks = [pool.submit(self.compile, path, flags) for path, flags in sources]
            try:
                for task in as_completed(tasks):
                    objects.append(task.result())
                    self.progress((1 - _VERILATE_SHARE) / len(tasks))
            except BaseException:
                for task in tasks:
                    task.cancel()
                raise
        library = self.folder / "simulation.so"
        link = [*self.compiler.command, "-shared", "-pthread", "-o", str(library)]
        link += sorted(map(str, objects))
        run_tool(link, "the linker")
        return library

    def compile(self, source: Path, flags: Sequence[str]) -> Path:
        target = self.folder / f"{source.stem}.o"
        command = [
            *self.compiler.command,
            *self.flags,
            *flags,
            "-c",
            str(source),
            "-o",
            str(target),
        ]
        run_tool(command, "the C++ compiler", cwd=self.folder)
        return target


def _defines(rtl: Rtl, trace: bool) -> list[str]:
    """Give the ports of a design as macros for the harness."""
    code = "uint32_t" if rtl.input.code_dtype.itemsize == 4 else "uint64_t"
    macros: dict[str, str | int] = {
        "INPUT": rtl.input.name,
        "FEATURES": rtl.input.features,
        "FEATURE_WIDTH": rtl.input.port.width,
        "CODE": code,
    }
    if rtl.scores:
        macros["SCORES"] = rtl.scores.name
        macros["GROUPS"] = rtl.scores.groups
        macros["COUNT_WIDTH"] = rtl.scores.width
    if rtl.class_index:
        macros["CLASS"] = rtl.class_index.name
    if rtl.bits:
        macros["BITS"] = rtl.bits.name
        macros["N_BITS"] = rtl.bits.bits
    if rtl.pipelined:
        macros["CLOCK"] = rtl.clock
        macros["LATENCY"] = rtl.latency
    return [f"-DLGNX_{name}={value}" for name, value in macros.items()]
