#!/usr/bin/env bash
# Builds the native code with the address and undefined-behaviour sanitizers and runs its tests. They
# call every variant of the kernels that runs here; those of the C interface, and the corpus of the
# fuzzers, run with each.
set -euo pipefail
cd "$(dirname "$0")/.."
make .venv/dev.stamp
PATH="$PWD/.venv/bin:$PATH"
cmake -S ops -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DLGNX_SANITIZE=ON -DLGNX_TESTS=ON >/dev/null
cmake --build build/sanitize --target native_tests replay_program replay_rows replay_netlist \
  replay_convolution
ctest --test-dir build/sanitize --output-on-failure
for simd in portable avx2; do
  [ "$simd" = portable ] || grep -qw "$simd" /proc/cpuinfo || continue
  LGNX_SIMD=$simd ctest --test-dir build/sanitize --output-on-failure -R "c_interface|replay"
done
