from __future__ import annotations

import subprocess
import time

import numpy as np
import pytest

from lgnx.ops.errors import InputError, ToolError
from lgnx.verify.sandbox import Place, Sandbox
from lgnx.verify.verilator import find_compiler

SOURCE = """
#include <cstdint>
#include <cstdio>
#include <cstdlib>
extern "C" void* make(char* error, uint64_t size) {
  std::snprintf(error, size, "%s", std::getenv("REFUSE") ? "no licence" : "");
  return std::getenv("REFUSE") ? nullptr : error;
}
extern "C" int doubled(void*, int64_t* x, uint64_t n, char* error, uint64_t size) {
  for (uint64_t i = 0; i < n; ++i) x[i] *= 2;
  std::snprintf(error, size, "%s", "done");
  return 7;
}
extern "C" int crash(void*, char*, uint64_t) { *(volatile int*)8 = 1; return 0; }
extern "C" int leave(void*, char*, uint64_t) { std::printf("bye\\n"); std::exit(3); }
extern "C" int endless(void*, char*, uint64_t) { for (volatile int i = 0;; ++i) {} }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    (folder / "a.cpp").write_text(SOURCE)
    command = [*find_compiler().command, "-shared", "-fPIC", "-o", "a.so", "a.cpp"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "a.so"


def box(library, timeout=60.0):
    return Sandbox(library, "the simulation of top", memory_bytes=80, timeout=timeout, new="make")


def test_a_function_works_on_shared_memory(library):
    with_memory = box(library)
    numbers = with_memory.view(16, (4,), np.int64)
    numbers[:] = [1, 2, 3, 4]
    assert with_memory.call("doubled", Place(16), 3) == (7, "done")
    assert numbers.tolist() == [2, 4, 6, 4]
    with_memory.close()
    with pytest.raises(ToolError, match="the simulation of top has ended"):
        with_memory.call("doubled", Place(16), 3)


def test_a_crash_an_exit_and_an_endless_loop_are_errors(library):
    with pytest.raises(ToolError, match="the simulation of top crashed with signal 11"):
        box(library).call("crash")
    with pytest.raises(ToolError, match="the simulation of top ended with exit code 3: bye"):
        box(library).call("leave")
    started = time.monotonic()
    with pytest.raises(ToolError, match=r"gave no answer within 0\.5 s, and was stopped"):
        box(library, timeout=0.5).call("endless")
    assert time.monotonic() - started < 30  # it ended at all


def test_what_cannot_be_started_is_told(library, tmp_path, monkeypatch):
    with pytest.raises(ToolError, match=r"top cannot be started: .*none\.so"):
        box(tmp_path / "none.so")
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(ToolError, match="the simulation of top cannot be started: no licence"):
        box(library)
    with pytest.raises(InputError, match="timeout is 0 s; allowed: above 0, up to 1000000"):
        box(library, timeout=0)
