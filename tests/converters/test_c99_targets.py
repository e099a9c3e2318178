"""C of networks on microcontrollers: compiled for them, run in qemu, compared with onnxruntime.

The programs have no operating system but two calls of Linux, which qemu serves, and no library but
memcpy and memset.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.converters.c99 import write_c
from tests.converters.c99_build import FLAGS

DIGITS = Path(__file__).parents[1] / "golden" / "v1" / "digits"
ARM = ["arm-none-eabi-gcc", "-mthumb"]
RISCV = ["riscv64-unknown-elf-gcc", "--specs=picolibc.specs", "-Wl,--defsym=__ram_size=4M"]
TARGETS = {
    "cortex-m0plus": ([*ARM, "-mcpu=cortex-m0plus"], "qemu-arm"),
    "cortex-m4f": ([*ARM, "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"], "qemu-arm"),
    "rv32imac": ([*RISCV, "-march=rv32imac", "-mabi=ilp32"], "qemu-riscv32"),
    "rv64": ([*RISCV, "-mcmodel=medany"], "qemu-riscv64"),
}

MAIN = r"""
#include "net.h"

static long call(long number, long a, const void *b, long c) {
#ifdef __arm__
  register long r0 __asm__("r0") = a, r2 __asm__("r2") = c, r7 __asm__("r7") = number;
  register const void *r1 __asm__("r1") = b;
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7) : "memory");
  return r0;
#else
  register long a0 __asm__("a0") = a, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
  register const void *a1 __asm__("a1") = b;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
#endif
}
#ifdef __arm__
enum { READ = 3, WRITE = 4, EXIT = 1 };
#else
enum { READ = 63, WRITE = 64, EXIT = 93 };
#endif

static net_word scratch[NET_SCRATCH];
static net_input x[SAMPLES][NET_INPUTS];
static net_score y[SAMPLES][NET_OUTPUTS];

void _start(void);
void _start(void) {
  size_t have = 0, i;
  for (;;) {
    const long got = call(READ, 0, (char *)x + have, (long)(sizeof(x) - have));
    if (got <= 0) break;
    have += (size_t)got;
  }
  /* Half of them by one call, the others one by one. */
  net_run(x[0], SAMPLES / 2, y[0], scratch);
  for (i = SAMPLES / 2; i < SAMPLES; ++i) net_predict(x[i], y[i], scratch);
  call(WRITE, 1, y, sizeof(y));
  call(EXIT, have != sizeof(x), 0, 0);
}
"""


def tools(target):
    command, emulator = TARGETS[target]
    missing = [name for name in (command[0], emulator) if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    return command, emulator


def run(folder, target, samples, *flags):
    """Compile net.c for a processor and give what it writes for the samples."""
    command, emulator = tools(target)
    (folder / "main.c").write_text(MAIN)
    options = [*FLAGS, "-nostartfiles", f"-DSAMPLES={len(samples)}", *flags]
    build = [*command, *options, "net.c", "main.c", "-o", "net.elf"]
    compiled = subprocess.run(build, cwd=folder, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr[:3000]
    assert not re.search(r"warning", compiled.stderr), compiled.stderr[:3000]
    ran = subprocess.run(
        [emulator, "./net.elf"], cwd=folder, input=samples.tobytes(), capture_output=True
    )
    assert ran.returncode == 0, ran.stderr.decode()[:1000]
    return ran.stdout


@pytest.mark.parametrize("style", ["code", "table"])
@pytest.mark.parametrize("target", TARGETS)
def test_digits_on_a_microcontroller(tmp_path, target, style):
    with np.load(DIGITS / "data.npz") as data:
        images = data["x"]
    size = images.shape[1]
    corners = [np.zeros((1, size)), np.ones((1, size)), np.eye(size), np.full((1, size), np.nan)]
    x = np.concatenate([images, *corners]).astype(np.float32)
    model = DIGITS / "layer.onnx"
    write_c(model, tmp_path / "net.c", word=32, line=1, style=style)
    expected = lgnx.InferenceSession(model).run(None, {"x": x})[0]
    assert run(tmp_path, target, x, "-Os") == expected.tobytes()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE", "INT64", "UINT8"])
def test_types_and_scores_on_a_microcontroller(make, tmp_path, target, kind):
    rng = np.random.default_rng(0)
    m = make(4, dtype=getattr(TensorProto, kind))
    dtype = {"DOUBLE": "float64"}.get(kind, kind.lower())
    limits = rng.integers(0, 200, (4, 3)).astype(dtype)
    bits = m.op("Thermometer", "x", m.constant(limits), strict=0)
    y = m.dense(m.op("Reshape", bits, m.constant([0, 12])), 12, 90, 2, rng)
    scale = {"tau": 1.3, "bias": 0.1, "beta": -7.25, "dtype": TensorProto.DOUBLE}
    model = m.model(m.op("GroupSum", y, groups=3, **scale))
    write_c(model, tmp_path / "net.c", word=32, line=1)
    x = rng.choice(limits.ravel(), (67, 4))
    x[::2] = rng.integers(0, 200, (34, 4))
    if x.dtype.kind == "f":
        x[5:9] = [[np.nan], [np.inf], [-np.inf], [-0.0]]
    expected = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    assert run(tmp_path, target, x, "-O2") == expected.tobytes()
