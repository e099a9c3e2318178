"""What a design costs and does: yosys for cells and levels, Verilator for answers and speed."""

from __future__ import annotations

import atexit
import ctypes
import functools
import json
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hardware.interface import Design

from lgnx.converters.yosys_run import FLATTEN, run_yosys
from lgnx.verify.estimate_rtl import LONGEST_WAY, TARGETS
from lgnx.verify.verilator import find_compiler, find_verilator, run_tool

FLOWS = {
    "lut6": ("synth -lut 6", "synth -flatten -lut 6 -top {top}"),
    "xilinx": ("synth_xilinx", "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}"),
}
"""Name and command; all designs are flattened, since some writers have one module only."""

_LEVELS = re.compile(r"^Longest topological path in \S+ \(length=(\d+)\):$", re.MULTILINE)
_MEMORY, _TIMEOUT = 16384, 3600.0

_HARNESS = r"""
#include <cstdint>
#include <cstring>
#include "Vpeer.h"
double sc_time_stamp() { return 0; }
template <class T> void put(T& port, const uint32_t* words) {
  uint64_t value = words[0];
  if (sizeof(T) == 8) value |= uint64_t(words[1]) << 32;
  port = static_cast<T>(value);
}
template <std::size_t N> void put(VlWide<N>& port, const uint32_t* words) {
  std::memcpy(port.m_storage, words, 4 * N);
}
template <class T> void get(const T& port, uint32_t* words) {
  words[0] = uint32_t(port);
  if (sizeof(T) == 8) words[1] = uint32_t(uint64_t(port) >> 32);
}
template <std::size_t N> void get(const VlWide<N>& port, uint32_t* words) {
  std::memcpy(words, port.m_storage, 4 * N);
}
extern "C" void run(const uint32_t* in, uint64_t n, uint32_t* out) {
  static Vpeer model;
  for (uint64_t i = 0; i < n + LATENCY; ++i) {
    if (i < n) put(model.INPUT, in + i * IN_WORDS);
#ifdef CLOCK
    model.CLOCK = 0;  // before it rises: a clock that is high at the first eval has no edge
    model.eval();
    model.CLOCK = 1;
#endif
    model.eval();
    const uint64_t done = i + (LATENCY ? 1 : 0) - LATENCY;  // wraps before the first result
    if (done < n) get(model.OUTPUT, out + done * OUT_WORDS);
  }
}
"""


def synthesise(files: Sequence[Path], top: str, flow: str) -> dict[str, Any]:
    """Map a design with yosys: tables, registers, carries, levels, other cells, seconds.

    Modules that are marked to be kept stay modules while cells are counted, and are flattened for
    the longest way.
    """
    target, started = TARGETS[flow], time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"file{i}.v" for i in range(len(files))]
        for path, copy in zip(files, names, strict=True):
            shutil.copyfile(path, folder / copy)
        commands = [
            f"read_verilog {' '.join(names)}",
            f"hierarchy -check -top {top}",
            FLOWS[flow][1].format(top=top),
            "tee -q -o stat.json stat -json",
            *FLATTEN,
            *LONGEST_WAY,
        ]
        log = run_yosys(commands, folder, top, timeout=_TIMEOUT, memory=_MEMORY)
        found = cells(json.loads((folder / "stat.json").read_text()), flow)
    levels = _LEVELS.findall(log)
    found["levels"] = int(levels[0]) if levels else 0
    return found | {"seconds": time.perf_counter() - started, "family": target.title}


def cells(stat: dict[str, Any], flow: str) -> dict[str, Any]:
    """Count the cells of ``stat -json`` by what they are."""
    target = TARGETS[flow]
    patterns = {"luts": target.luts, "registers": target.registers, "carries": target.carries}
    found: dict[str, Any] = {**dict.fromkeys(patterns, 0), "other": {}}
    for cell, number in stat["design"]["num_cells_by_type"].items():
        for what, pattern in patterns.items():
            if re.fullmatch(pattern, cell):
                found[what] += number
                break
        else:
            if cell != "$scopeinfo" and f"\\{cell}" not in stat.get("modules", {}):
                found["other"][cell] = number
    return found


def _compile() -> list[str]:
    include = find_verilator().root / "include"
    command = [*find_compiler().command, "-std=gnu++17", "-O1", "-fPIC", "-w"]
    command += ["-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0"]
    return [*command, f"-I{include}", f"-I{include / 'vltstd'}"]


@functools.cache
def _runtime() -> tuple[Path, ...]:
    """Verilator's own part of every simulation, compiled once; no build's time has it."""
    include = find_verilator().root / "include"
    folder = Path(tempfile.mkdtemp(prefix="lgnx-verilated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    objects = []
    for name in ("verilated", "verilated_threads"):
        objects.append(folder / f"{name}.o")
        run_tool(
            [*_compile(), "-c", include / f"{name}.cpp", "-o", objects[-1]], "the C++ compiler"
        )
    return tuple(objects)


class Simulation:
    """A design built by Verilator, with a loop of its own that is the same for every peer."""

    def __init__(self, design: Design, folder: Path) -> None:
        self.design = design
        _runtime()
        started = time.perf_counter()
        verilator = find_verilator()
        flags = ["--cc", "--prefix", "Vpeer", "-O3", "--top-module", design.top, "--noassert"]
        flags += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--x-assign", "fast", "--Mdir", folder]
        verilator.run([*flags, *design.files])
        (folder / "harness.cpp").write_text(_HARNESS)
        sources = [*folder.glob("*.cpp"), *_runtime()]
        self._words = tuple(-(-width // 32) for width in (design.in_width, design.out_width))
        macros = {"INPUT": design.input, "OUTPUT": design.output, "LATENCY": design.latency}
        macros |= {"IN_WORDS": self._words[0], "OUT_WORDS": self._words[1]}
        if design.clock:
            macros["CLOCK"] = design.clock
        command = [*_compile(), "-shared", "-pthread", f"-I{folder}"]
        command += [f"-D{name}={value}" for name, value in macros.items()]
        command += ["-o", folder / "peer.so", *sources]
        run_tool(command, "the C++ compiler")
        self.seconds = time.perf_counter() - started
        self._run = ctypes.CDLL(str(folder / "peer.so")).run

    def answers(self, x: np.ndarray) -> np.ndarray:
        """Answer samples."""
        return self.design.result(self.unpacked(self.simulate(self.packed(x))))

    def speed(self, x: np.ndarray, rounds: int = 5) -> float:
        """Samples a second, the best of some rounds; packing is not in it."""
        words = self.packed(x)
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            self.simulate(words)
            times.append(time.perf_counter() - started)
        return len(x) / min(times)

    def packed(self, x: np.ndarray) -> np.ndarray:
        """Samples as the words of the input port."""
        bits = self.design.bits(x)
        padded = np.zeros((len(bits), 32 * self._words[0]), bool)
        padded[:, : bits.shape[1]] = bits
        return np.packbits(padded, axis=1, bitorder="little").view("<u4")

    def simulate(self, words: np.ndarray) -> np.ndarray:
        """Words of the output port."""
        out = np.zeros((len(words), self._words[1]), np.uint32)
        pointer, number = ctypes.c_void_p, ctypes.c_uint64
        self._run(pointer(words.ctypes.data), number(len(words)), pointer(out.ctypes.data))
        return out

    def unpacked(self, words: np.ndarray) -> np.ndarray:
        """Bits of the output port."""
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
        return bits[:, : self.design.out_width].astype(np.int64)


def wrong(simulation: Simulation, x: np.ndarray, expected: np.ndarray) -> int:
    """How many samples a design answers in another way than the model."""
    found = simulation.answers(x).reshape(len(x), -1)
    return int((found != expected.reshape(len(x), -1)).any(axis=1).sum())
