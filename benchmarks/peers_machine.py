"""What the measurements ran on."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

from lgnx.ops import engine

PACKAGES = ("onnxruntime", "torch", "torchlogix", "difflogic")


def machine() -> dict[str, str]:
    """Processor, caches, instruction set of the engine, versions."""
    return {
        "processor": _processor(),
        "caches": _caches(),
        "simd": engine.simd(),
        "system": platform.system(),
        "python": platform.python_version(),
        "gcc": _gcc(),
    } | {name: version for name in PACKAGES if (version := _version(name))}


def _processor() -> str:
    try:
        info = dict(
            (part.strip() for part in line.split(":", 1))
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if ":" in line
        )
    except OSError:
        return platform.processor() or platform.machine()
    return f"{info['model name']} (family {info['cpu family']}, model {info['model']})"


def _caches() -> str:
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return ", ".join(found)


def _gcc() -> str:
    try:
        run = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True)
    except OSError:
        return ""
    return run.stdout.strip()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
