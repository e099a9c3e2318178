"""Compiling the C of networks, and calling it."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

from lgnx.network import Network

FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def compilers() -> list[str]:
    """C compilers of this machine that are installed."""
    clang = ["clang", *(f"clang-{version}" for version in range(21, 13, -1))]
    found = [name for name in (shutil.which(name) for name in clang) if name]
    return [name for name in (shutil.which("gcc"), *found[:1]) if name]


def build(sources: list[Path], target: Path, *flags: str, compiler: str = "gcc") -> Path:
    """Compile sources; warnings are errors."""
    command = [compiler, *FLAGS, *flags, *map(str, sources), "-o", str(target)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, f"{' '.join(command)}\n{run.stderr[:4000]}"
    assert run.stderr == ""
    return target


def words_of(header: Path, flags: tuple[str, ...]) -> tuple[int, int]:
    """Bytes of a word, and words of scratch memory, for flags of the compiler."""
    text = header.read_text()
    prefix = re.search(r"#ifndef (\w+)_WORD", text)[1]
    found = {name: int(re.search(rf"#define {prefix}_{name} (\d+)", text)[1]) for name in WIDTHS}
    for flag in flags:
        for name in WIDTHS:
            if flag.startswith(f"-D{prefix}_{name}=") or flag.startswith(f"-DWIDTH_{name}="):
                found[name] = int(flag.split("=")[1])
    lines = int(re.search(rf"#define {prefix}_SCRATCH \((\d+)", text)[1])
    extra = 512 // found["WORD"] if found["LINE"] > 1 else 0
    return found["WORD"] // 8, lines * found["LINE"] + extra


WIDTHS = ("WORD", "LINE")


class Compiled:
    """The functions of one network in a shared library."""

    def __init__(
        self,
        library: Path,
        header: Path,
        prefix: str,
        network: Network,
        flags: tuple[str, ...] = (),
    ) -> None:
        self.library = ctypes.CDLL(str(library))
        self.prefix, self.network = prefix, network
        self.size, self.words = words_of(header, flags)
        self.outputs = network.groups or network.netlist.n_outputs
        self.dtype = network.dtype if network.groups else np.dtype(np.uint8)

    def call(self, name: str, *arguments: object) -> int:
        function = self.library[f"{self.prefix}_{name}"]
        function.restype = ctypes.c_size_t
        pointers = [
            ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_size_t(a)
            for a in arguments
        ]
        return function(*pointers)

    def scratch(self) -> np.ndarray:
        """Memory full of ones, at an odd multiple of a word."""
        memory = np.full((self.words + 1) * self.size, 255, np.uint8)
        return memory[self.size :]

    def run(self, x: np.ndarray) -> np.ndarray:
        """All samples by one call; what lies around the scores must stay."""
        x = np.ascontiguousarray(x)
        y = np.full((len(x) + 2, self.outputs), 77, self.dtype)
        scratch = self.scratch()
        self.call("run", x, len(x), y[1:-1], scratch)
        assert (y[[0, -1]] == 77).all()
        return y[1:-1]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """A call for each sample."""
        y, scratch = np.empty((len(x), self.outputs), self.dtype), self.scratch()
        for sample, scores in zip(np.ascontiguousarray(x), y, strict=True):
            self.call("predict", sample, scores, scratch)
        return y

    def classes(self, scores: np.ndarray) -> list[int]:
        return [self.call("class", row) for row in np.ascontiguousarray(scores)]
