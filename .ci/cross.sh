#!/usr/bin/env bash
# Builds the native code and its tests for 64-bit ARM; runs the tests where qemu's user mode is there.
set -euo pipefail
cd "$(dirname "$0")/.."
make .venv/dev.stamp
PATH="$PWD/.venv/bin:$PATH"
cmake -S ops -B build/aarch64 -G Ninja -DLGNX_TESTS=ON \
  -DCMAKE_TOOLCHAIN_FILE="$PWD/ops/cmake/aarch64-linux-gnu.cmake" >/dev/null
cmake --build build/aarch64
if command -v qemu-aarch64 >/dev/null || command -v qemu-aarch64-static >/dev/null; then
  ctest --test-dir build/aarch64 --output-on-failure
else
  echo "built only: there is no qemu-aarch64 to run the tests"
fi
