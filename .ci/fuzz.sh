#!/usr/bin/env bash
# Fuzzes the native code: each target for SECONDS_EACH seconds (default 30), from its corpus, which
# stays as it is. New inputs are kept in build/fuzz/finds.
set -euo pipefail
cd "$(dirname "$0")/.."
make .venv/dev.stamp
PATH="$PWD/.venv/bin:$PATH"
seconds=${SECONDS_EACH:-30}
compiler=$(.ci/clang) || { echo "no clang++ with libFuzzer; run .ci/packages.sh" >&2; exit 1; }

cmake -S ops -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_COMPILER="$compiler" -DLGNX_SANITIZE=ON -DLGNX_FUZZ=ON >/dev/null
targets=(program rows netlist convolution)
cmake --build build/fuzz --target "${targets[@]/#/fuzz_}"
for target in "${targets[@]}"; do
  echo "fuzzing $target for $seconds s"
  finds=build/fuzz/finds/$target crash=build/fuzz/$target-
  mkdir -p "$finds"
  rm -f "$crash"*
  if ! build/fuzz/tests/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 -artifact_prefix="$crash" \
    "$finds" tests/ops/native/fuzz/corpus/"$target" >build/fuzz/"$target".log 2>&1; then
    tail -40 build/fuzz/"$target".log
    echo "failed on the input" "$crash"*
    exit 1
  fi
  grep -E "stat::(number_of_executed_units|new_units_added)" build/fuzz/"$target".log
done
