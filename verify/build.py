"""An RTL folder made into a shared library that simulates it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.resources import files
from pathlib import Path
from typing import Literal

from lgnx.ops.errors import ToolError
from lgnx.verify.cache import cached_file, content_key
from lgnx.verify.rtl import Rtl
from lgnx.verify.split import PREFIX, PRELUDE, split_modules
from lgnx.verify.verilator import (
    SHORT_FUNCTIONS,
    FailedToolError,
    find_compiler,
    find_verilator,
    run_tool,
)

__all__ = ["Extra", "available_cpus", "build_library"]

Extra = Literal["", "vcd", "fst", "coverage"]
"""What a simulation can do besides: write its waves in a format, or count what toggles."""

# Verilator: optimise, and no checks that cost time at run time.
_VERILATE = (
    *("--cc", "--prefix", "Vlgnx", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"),
    *("--x-assign", "fast", "--x-initial", "fast", "--noassert", *SHORT_FUNCTIONS),
)
# No asserts, one name visible from outside, and none shared with another library of the process.
_COMPILE = (
    *("-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-w"),
    *("-DNDEBUG", "-DVL_TIME_CONTEXT", "-DVL_USER_FATAL", "-DVL_USER_FINISH"),
    *("-DVM_SC=0", "-DVM_TRACE_SAIF=0"),
)
# For each extra: what Verilator gets, and which files of its own are compiled.
_EXTRAS: dict[Extra, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": ((), ()),
    "vcd": (("--trace-vcd",), ("verilated_vcd_c.cpp",)),
    "fst": (("--trace-fst",), ("verilated_fst_c.cpp",)),
    "coverage": (
        ("--coverage-toggle", "--coverage-max-width", str(1 << 30)),
        ("verilated_cov.cpp",),
    ),
}
_FST_WRITER = "fstcpp/fstcpp_writer.cpp"
_FST_HEADERS = ("lz4.h", "zlib.h")
_MODEL = ("-Os",)  # measured against -O1 and -O2: benchmarks/cosim_large.py
_WAVES_MODEL = ("-O0",)  # a few samples only, so the build is what takes time
# What runs once, at the start, is half of all: where that is much, it is compiled apart.
_ONCE, _ONCE_FLAGS = "once", ("-O0",)
# Modules that are verilated apart: half the time of -Os, and no slower.
_PART, _PART_FLAGS = "part", ("-O1",)
_HARNESS, _HARNESS_FLAGS = "batch.cpp", ("-O2",)
_PART_HEADER = "part.h"
_UNIT_BYTES = 500_000  # of C++ that are worth a compiler of their own
_UNIT_LIMIT = 2_000_000  # beyond which a compiler needs much memory
_VERILATE_SHARE = 0.2  # of the time of a build, for progress


def available_cpus() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def build_library(
    rtl: Rtl,
    *,
    extra: Extra = "",
    cache_dir: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Give the shared library that simulates a design; build it unless the cache has it.

    Parameters
    ----------
    rtl
        What `read_rtl` gives.
    extra
        What it can do besides; it is slower then.
    cache_dir
        In place of `lgnx.verify.cache.cache_folder`.
    jobs
        Compilers that run at a time; by default one for each processor.
    progress
        Called with amounts that add up to 1 in the end.

    Raises
    ------
    ToolError, MissingExtraError
        If Verilator or a compiler is missing or fails. The message names the module, where the
        tool names its file, and where the whole log is kept.
    InputError
        If the cache folder cannot be written to.
    """
    told = 0.0

    def advance(amount: float) -> None:
        nonlocal told
        told += amount
        if progress is not None:
            progress(amount)

    build = _Build(rtl, extra, cache_dir, jobs or available_cpus(), advance)
    name = f"{rtl.top}-{build.key()}"
    try:
        library = cached_file(f"{name}.so", build.run, cache_dir=cache_dir)
    except FailedToolError as error:
        log = cached_file(f"{name}.log", _log_of(error), cache_dir=cache_dir)
        modules = [m.name for m in rtl.modules if re.search(rf"\b{m.file}:\d", error.output)]
        where = f"{rtl.folder}: " + (f"module {', '.join(modules)}: " if modules else "")
        raise ToolError(f"{where}{error}; the whole log is in {log}") from None
    advance(1.0 - told)
    return library


def _log_of(error: FailedToolError) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "log"
        path.write_text(error.output, encoding="utf-8")
        return path

    return write


class _Build:
    """One build: what goes in, and the steps."""

    def __init__(
        self,
        rtl: Rtl,
        extra: Extra,
        cache_dir: str | os.PathLike[str] | None,
        jobs: int,
        progress: Callable[[float], None],
    ) -> None:
        self.rtl, self.jobs, self.cache_dir, self.progress = rtl, jobs, cache_dir, progress
        self.verilator, self.compiler = find_verilator(), find_compiler()
        include = self.verilator.root / "include"
        options, parts = _EXTRAS[extra]
        self.runtime = [
            include / name for name in ("verilated.cpp", "verilated_threads.cpp", *parts)
        ]
        self.verilate = [*_VERILATE, *options, "--top-module", rtl.top]
        vcd, fst = extra == "vcd", extra == "fst"
        model = _WAVES_MODEL if extra in ("vcd", "fst") else _MODEL
        self.flags = [*_COMPILE, *model, f"-DVM_COVERAGE={extra == 'coverage':d}"]
        self.flags += [f"-DVM_TRACE={vcd or fst:d}", f"-DVM_TRACE_VCD={vcd:d}"]
        self.flags += [f"-DVM_TRACE_FST={fst:d}"]
        self.headers: dict[str, bytes] = {}
        if fst:
            if not (include / _FST_WRITER).is_file():
                raise ToolError(
                    f"Verilator {self.verilator.version} in {self.verilator.root} has no "
                    f"{_FST_WRITER}, with which waves are written as FST; VCD needs nothing"
                )
            self.headers = {name: _harness_file(name) for name in _FST_HEADERS}
        if self.compiler.is_clang:
            self.flags.append("-fbracket-depth=4096")
        self.flags += [f"-I{include}", f"-I{include / 'vltstd'}"]
        self.defines = _defines(rtl)
        # Waves and coverage need the whole design in one piece.
        self.split = split_modules(rtl) if extra == "" else []
        self.harness = _harness_file(_HARNESS)
        self.part_header = _harness_file(_PART_HEADER)

    def key(self) -> str:
        return content_key(
            [
                *self._tools(),
                *self.verilate,
                *self.defines,
                *_HARNESS_FLAGS,
                *_ONCE_FLAGS,
                *_PART_FLAGS,
                self.harness,
                self.part_header,
                *self.headers.values(),
                _widths_header(self.rtl),
                *(part.stub() + part.function() + PRELUDE for part in self.split),
                *self.rtl.contents(),
            ]
        )

    def _tools(self) -> list[str]:
        verilator = self.verilator
        names = [str(verilator.binary), verilator.version, verilator.banner, self.compiler.banner]
        return [*names, *self.compiler.command, *self.flags]

    def run(self, folder: Path) -> Path:
        self._verilate(folder)
        self.progress(_VERILATE_SHARE)
        (folder / "widths.h").write_text(_widths_header(self.rtl))
        driver = folder / _HARNESS
        driver.write_bytes(self.harness)
        (folder / _PART_HEADER).write_bytes(self.part_header)
        sources = [driver, *self._units(folder)]
        with ThreadPoolExecutor(self.jobs) as pool:
            tasks = [pool.submit(self._compile, source, folder) for source in sources]
            tasks += [pool.submit(self._compile_runtime, source) for source in self.runtime]
            try:
                for task in as_completed(tasks):
                    task.result()
                    self.progress((1 - _VERILATE_SHARE) / len(tasks))
            except BaseException:
                for task in tasks:
                    task.cancel()
                raise
        library = folder / "simulation.so"
        link = [*self.compiler.command, "-shared", "-pthread", "-o", str(library)]
        run_tool([*link, *(task.result() for task in tasks)], "the linker")
        return library

    def _verilate(self, folder: Path) -> None:
        """Make C++ of the design, and of each large module apart."""
        apart = {part.file for part in self.split}
        sources = [file for file in self.rtl.files if file not in apart]
        if self.split:
            stubs = folder / "stubs.sv"
            stubs.write_text("".join(part.stub() for part in self.split))
            sources.append(stubs)
            prelude = folder / "nets.v"
            prelude.write_text(PRELUDE)
        runs = [[*self.verilate, "--Mdir", str(folder), *map(str, sources)]]
        for part in self.split:
            names = ["--prefix", part.prefix, "--top-module", part.name]
            files_of = [str(prelude), str(part.file)]
            runs.append([*_VERILATE, *names, "--Mdir", str(folder), *files_of])
            (folder / f"{part.prefix}__function.cpp").write_text(part.function())
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(self.verilator.run, runs))

    def _units(self, folder: Path) -> list[Path]:
        """Gather the sources of all models in a few units, since each reads all headers."""
        sources = sorted(folder.glob("Vlgnx*.cpp"))
        once = [source for source in sources if source.stem.endswith("__Slow")]
        if sum(source.stat().st_size for source in once) <= _UNIT_BYTES:
            once = []
        own = [source for source in sources if source not in once]
        parts = [source for source in own if source.name.startswith(PREFIX)]
        kinds = {"unit": [s for s in own if s not in parts], _PART: parts, _ONCE: once}
        paths: list[Path] = []
        for name, those in kinds.items():
            for unit in self._gathered(those):
                paths.append(folder / f"{name}{len(paths)}.cpp")
                # Verilator takes each model's own header for the only one that is precompiled.
                lines = (f'#undef VL_PCH_INCLUDED\n#include "{source.name}"\n' for source in unit)
                paths[-1].write_text("".join(lines))
        return paths

    def _gathered(self, sources: list[Path]) -> list[list[Path]]:
        sources.sort(key=lambda path: -path.stat().st_size)
        total = sum(path.stat().st_size for path in sources)
        number = max(min(self.jobs, 1 + total // _UNIT_BYTES), total // _UNIT_LIMIT)
        units: list[list[Path]] = [[] for _ in range(number)]
        sizes = [0] * len(units)
        for source in sources:
            smallest = sizes.index(min(sizes))
            units[smallest].append(source)
            sizes[smallest] += source.stat().st_size
        return [sorted(unit) for unit in units if unit]

    def _compile(self, source: Path, folder: Path, *, model: bool = True) -> Path:
        target = folder / f"{source.stem}.o"
        command = [*self.compiler.command, *self.flags, "-c", str(source), "-o", str(target)]
        command.append(f"-I{folder}")
        if model:
            command += self.defines
        for name, content in self.headers.items():
            (folder / name).write_bytes(content)
        if source.name == _HARNESS:
            command += _HARNESS_FLAGS
        elif source.name.startswith(_ONCE):
            command += _ONCE_FLAGS
        elif source.name.startswith(_PART):
            command += _PART_FLAGS
        run_tool(command, "the C++ compiler", cwd=folder)
        return target

    def _compile_runtime(self, source: Path) -> Path:
        """Compile a part of Verilator that is the same for every design, once."""
        key = content_key([*self._tools(), source.read_bytes(), *self.headers.values()])
        return cached_file(
            f"{source.stem}-{key}.o",
            lambda folder: self._compile(source, folder, model=False),
            cache_dir=self.cache_dir,
        )


def _harness_file(name: str) -> bytes:
    return files("lgnx.verify").joinpath(f"harness/{name}").read_bytes()


def _defines(rtl: Rtl) -> list[str]:
    """Give the ports of a design as macros for the harness."""
    code = f"uint{8 * rtl.input.code_dtype.itemsize}_t"
    widths = _widths(rtl)
    macros: dict[str, str | int] = {
        "FEATURES": len(widths),
        "INPUT_WIDTH": rtl.input.width,
        "CODE": code,
    }
    if rtl.stream is not None:
        macros |= {"INPUT_WIDTH": rtl.stream.tdata_width, "STREAMING": 1}
        macros |= {"BEATS": rtl.stream.beats, "INTERVAL": rtl.interval}
    if len(set(widths)) == 1:
        macros["FEATURE_WIDTH"] = widths[0]
    ports = {
        "SCORES": rtl.scores,
        "CLASS": rtl.class_index,
        "TRIGGER": rtl.trigger,
        "BITS": rtl.bits,
    }
    # An AXI stream has one port for all outputs, in which they stand one after the other.
    stream = rtl.handshake == "axi-stream"
    widths_of, place = dict(rtl.outputs), 0
    for name, port in ports.items():
        if port is not None:
            macros[name] = "m_axis_tdata" if stream else port.name
            macros[f"{name}_AT"] = place if stream else 0
            place += widths_of[port.name]
    if rtl.scores:
        macros["GROUPS"] = rtl.scores.groups
        macros["COUNT_WIDTH"] = rtl.scores.width
    if rtl.class_index:
        macros["CLASS_WIDTH"] = rtl.class_index.width
    if rtl.bits:
        macros["N_BITS"] = rtl.bits.bits
    macros["INPUT"] = "s_axis_tdata" if stream else rtl.input.name
    if rtl.pipelined:
        macros["CLOCK"] = rtl.clock
        macros["LATENCY"] = rtl.latency
    if rtl.handshake != "none":
        macros["AXI_STREAM" if stream else "VALID"] = 1
    if rtl.reset:
        macros["RESET"] = rtl.reset.name
        macros["IN_RESET"] = 0 if rtl.reset.active_low else 1
    return [f"-DLGNX_{name}={value}" for name, value in macros.items()]


def _widths(rtl: Rtl) -> list[int]:
    """Widths of what enters at a time: all features, or the slots of a beat."""
    if rtl.stream is None:
        return [port.width for port in rtl.input.ports]
    return [width for _, width in rtl.stream.slots]


def _widths_header(rtl: Rtl) -> str:
    """The width of each feature, for a design where they differ."""
    widths = ", ".join(map(str, _widths(rtl)))
    return f"static const unsigned char kWidths[] = {{{widths}}};\n"
