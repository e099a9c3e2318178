"""The logic of an RTL folder made into a shared library that simulates 64 samples at a time.

Each module of logic is verilated and compiled apart, with every net 64 lanes wide: so all
processors work, a compiler sees one module at a time, and the module that counts is built once
however often the design has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from lgnx.converters.verilog.encoder import Encoder
from lgnx.ops.errors import InputError
from lgnx.verify.cache import cached_file, content_key
from lgnx.verify.rtl import Rtl
from lgnx.verify.verilator import SHORT_FUNCTIONS, find_compiler, find_verilator, run_tool

__all__ = ["LANES", "build_lanes", "code_type"]

LANES = 64

# Nets between modules are arrays of numbers, one number of 64 bits for each net: packed vectors
# would be made of words of 32 bits, and take three times as long to compile.
_PRELUDE = f"""`define LGNX_LANE [{LANES - 1}:0]
`define LGNX_LANES {LANES}
`define LGNX_NETS(name, high) [{LANES - 1}:0] name [high:0]
"""
_VERILATE = (
    *("--cc", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3", "--noassert"),
    *("--x-assign", "fast", "--x-initial", "fast", *SHORT_FUNCTIONS),
)
# Vectors of a counter stay whole, as loops that the compiler turns into wide instructions.
_COUNTER = ("-fno-expand",)
_COMPILE = (
    *("-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-w", "-DNDEBUG", "-DVL_TIME_CONTEXT"),
    *("-DVL_USER_FATAL", "-DVL_USER_FINISH", "-DVM_SC=0", "-DVM_COVERAGE=0", "-DVM_TRACE=0"),
)
_LOGIC, _OPTIMISED = ("-O1",), ("-O3",)
_UNIT_BYTES = 1_000_000  # of C++ from which a compiler has enough to do
_HARNESS = "lanes.cpp"


@dataclass(frozen=True)
class _Part:
    """A module: its class in C++, its Verilog, and how it is built."""

    module: str
    file: Path
    prefix: str
    verilate: tuple[str, ...]
    compile: tuple[str, ...]


def build_lanes(
    rtl: Rtl,
    encoder: Encoder,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Give the library; build it unless the cache has it.

    Parameters
    ----------
    rtl, encoder
        What `read_rtl` gives, and the encoder of its model.
    jobs
        Processes at a time.
    progress
        Called with amounts that add up to 1 in the end.

    Raises
    ------
    ToolError, MissingExtraError
        If Verilator or a compiler is missing or fails.
    InputError
        If the design has no modules of logic, or the cache cannot be written to.
    """
    return _Build(rtl, encoder, cache_dir, jobs, progress or (lambda amount: None)).library()


class _Build:
    def __init__(
        self,
        rtl: Rtl,
        encoder: Encoder,
        cache_dir: str | os.PathLike[str] | None,
        jobs: int,
        progress: Callable[[float], None],
    ) -> None:
        self.rtl, self.cache_dir, self.jobs, self.progress = rtl, cache_dir, jobs, progress
        self.verilator, self.compiler = find_verilator(), find_compiler()
        stages = sorted((m for m in rtl.modules if m.role == "logic"), key=lambda m: m.stage or 0)
        if not stages or not encoder.bits or rtl.stream is not None:
            raise InputError(f"{rtl.folder}: has no logic that lanes could simulate")
        self.parts = [
            _Part(m.name, rtl.folder / m.file, f"VlgnxStage{i}", (), _LOGIC)
            for i, m in enumerate(stages)
        ]
        counters = [m for m in rtl.modules if m.role == "popcount"]
        self.counter = None
        if counters:
            name, file = counters[0].name, rtl.folder / counters[0].file
            self.counter = _Part(name, file, "VlgnxPopcount", _COUNTER, _OPTIMISED)
        self.include = self.verilator.root / "include"
        self.harness = files("lgnx.verify").joinpath(f"harness/{_HARNESS}").read_bytes()
        self.header = self._header(encoder)

    @property
    def all_parts(self) -> list[_Part]:
        return [*self.parts, *([self.counter] if self.counter else [])]

    def library(self) -> Path:
        contents = [part.file.read_bytes() for part in self.all_parts]
        names = [f"{part.module} {part.verilate} {part.compile}" for part in self.all_parts]
        key = content_key([*self._tools(), *names, self.harness, self.header, *contents])
        before = 0.0

        def advance(amount: float) -> None:
            nonlocal before
            before += amount
            self.progress(amount)

        self.advance = advance
        path = cached_file(f"{self.rtl.top}-lanes-{key}.so", self.run, cache_dir=self.cache_dir)
        self.progress(1.0 - before)
        return path

    def _tools(self) -> list[str]:
        names = [str(self.verilator.binary), self.verilator.version, self.verilator.banner]
        names += [self.compiler.banner, *self.compiler.command]
        return [*names, *_VERILATE, *_COMPILE, _PRELUDE]

    def _header(self, encoder: Encoder) -> str:
        rtl = self.rtl
        lines = [f'#include "{part.prefix}.h"' for part in self.all_parts]
        stages = " ".join(f"X({part.prefix}, stage{i}_)" for i, part in enumerate(self.parts))
        lines.append(f"#define LGNX_STAGES(X) {stages}")
        out = rtl.bits.bits if rtl.bits else 0
        if rtl.scoring is not None:
            out = rtl.scoring.groups * rtl.scoring.width
        if self.counter is not None and rtl.scoring is not None:
            text = self.counter.file.read_text("utf-8")
            lines += [
                f"#define LGNX_POPCOUNT {self.counter.prefix}",
                f"#define LGNX_COUNT_WIDTH {rtl.scoring.width}",
                f"#define LGNX_POPCOUNT_CLOCKS {len(re.findall(r'@ *.posedge clk', text))}",
            ]
            if re.search(r"\benable\b", text):
                lines.append("#define LGNX_POPCOUNT_ENABLE 1")
        rows: dict[str, list[int] | list[str]] = {
            "unsigned kFeature": [feature for feature, _ in encoder.bits],
            "bool kAlways": [int(limit is None) for _, limit in encoder.bits],
            "long long kLimit": [_literal(limit or 0) for _, limit in encoder.bits],
        }
        lines += [
            f"#define LGNX_OUT {out}",
            f"#define LGNX_CODE {code_type(rtl).name}_t",
            f"#define LGNX_FEATURES {rtl.input.features}",
        ]
        if all(limit is None for _, limit in encoder.bits):
            lines.append("#define LGNX_ALL_BITS 1")
        for name, values in rows.items():
            text = ",\n".join(
                ", ".join(map(str, values[i : i + 16])) for i in range(0, len(values), 16)
            )
            lines.append(f"static const {name}[] = {{{text}}};")
        return "\n".join(lines) + "\n"

    def run(self, folder: Path) -> Path:
        prelude = folder / "lanes.v"
        prelude.write_text(_PRELUDE)
        (folder / "parts.h").write_text(self.header)
        (folder / _HARNESS).write_bytes(self.harness)
        # Large modules first, so that no processor waits for one at the end.
        parts = sorted(self.all_parts, key=lambda part: -part.file.stat().st_size)
        sources = [self.include / name for name in ("verilated.cpp", "verilated_threads.cpp")]
        total = len(parts) + len(sources) + 1
        objects: list[Path] = []
        with ThreadPoolExecutor(self.jobs) as pool:
            tasks = [pool.submit(self._module, part, folder, prelude) for part in parts]
            tasks += [pool.submit(self._runtime, source) for source in sources]
            try:
                for task in as_completed(tasks):
                    objects += task.result()
                    self.advance(1 / total)
            except BaseException:
                for task in tasks:
                    task.cancel()
                raise
        objects.append(self._compile(folder / _HARNESS, folder, _OPTIMISED))
        library = folder / "lanes.so"
        link = [*self.compiler.command, "-shared", "-pthread", "-o", str(library)]
        run_tool([*link, *objects], "the linker")
        return library

    def _module(self, part: _Part, folder: Path, prelude: Path) -> list[Path]:
        options = ["--prefix", part.prefix, "--top-module", part.module, "--Mdir", str(folder)]
        self.verilator.run([*_VERILATE, *part.verilate, *options, prelude, part.file])
        units: list[list[Path]] = []
        size = _UNIT_BYTES
        for source in sorted(folder.glob(f"{part.prefix}*.cpp")):
            if not re.match(rf"{part.prefix}(_|\.)", source.name):
                continue
            if size >= _UNIT_BYTES:  # few units, since each reads all headers
                units.append([])
                size = 0
            units[-1].append(source)
            size += source.stat().st_size
        objects = []
        for number, unit in enumerate(units):
            path = folder / f"unit_{part.prefix}_{number}.cpp"
            path.write_text("".join(f'#include "{source.name}"\n' for source in unit))
            objects.append(self._compile(path, folder, part.compile))
        return objects

    def _runtime(self, source: Path) -> list[Path]:
        """Compile a part of Verilator that is the same for every design, once."""
        key = content_key([*self._tools(), source.read_bytes()])
        name = f"{source.stem}-lanes-{key}.o"
        build = lambda folder: self._compile(source, folder, _LOGIC)  # noqa: E731
        return [cached_file(name, build, cache_dir=self.cache_dir)]

    def _compile(self, source: Path, folder: Path, optimise: tuple[str, ...]) -> Path:
        target = folder / f"{source.stem}.o"
        flags = [*optimise, f"-I{folder}"]
        flags += [f"-I{self.include}", f"-I{self.include / 'vltstd'}"]
        command = [*self.compiler.command, *_COMPILE, *flags, "-c", str(source), "-o", str(target)]
        run_tool(command, "the C++ compiler", cwd=folder)
        return target


def code_type(rtl: Rtl) -> np.dtype:
    """Type in which the harness compares codes: wide enough for signed and unsigned ones."""
    signs = {port.signed for port in rtl.input.ports}
    size = 8 if len(signs) > 1 else rtl.input.code_dtype.itemsize
    return np.dtype(f"{'i' if True in signs else 'u'}{size}")


def _literal(value: int) -> str:
    """A number of up to 64 bits in C++."""
    if value == -(1 << 63):
        return "(-9223372036854775807LL - 1)"
    return f"(long long)({value}ULL)" if value >= 1 << 63 else str(value)
